using DeepBridge.Ops;

namespace DeepBridge.Testing;

public static partial class OpCases
{
    private static readonly Reduction[] s_reductions = [Reduction.Mean, Reduction.Sum, Reduction.None];

    private static void AddActivations(CaseList cases)
    {
        GeluApproximation exact = GeluApproximation.Erf, tanh = GeluApproximation.Tanh;
        foreach (Op op in new Op[] { new Gelu(exact), new Gelu(tanh), Silu.Instance, new Softplus(1, 20), new Softplus(2.5, 2) })
        {
            Unary(cases, op, OpClass.Composite, Values.NonZero);
        }

        Unary(cases, new LeakyRelu(0.1), OpClass.Arithmetic, Values.NonZero);
        foreach (Op op in new Op[]
        {
            new GeluGradient(exact), new GeluGradient(tanh), SiluGradient.Instance, new LeakyReluGradient(0.1),
            new SoftplusGradient(1, 20), new SoftplusGradient(2.5, 2),
        })
        {
            Shapes(cases, op, OpClass.Composite, Values.Normal, Values.NonZero);
            cases.Mixed(op, F64([2, 3]), F64([2, 3], Values.NonZero));
            cases.Mixed(op, B16([65], Values.Normal), B16([65], Values.NonZero));
        }
    }

    private static void AddStatistics(CaseList cases)
    {
        foreach (Func<Dims, bool, Op> op in new Func<Dims, bool, Op>[]
        {
            (axes, keep) => new Mean(axes, keep), (axes, keep) => new Variance(axes, keep, 1), (axes, keep) => new Variance(axes, keep, 0),
            (axes, keep) => new LogSumExp(axes, keep),
        })
        {
            foreach (Dims axes in new Dims[] { [0], [1], [2], [0, 2], [0, 1, 2] })
            {
                cases.Mixed(op(axes, false), F64([3, 2, 4]));
                cases.Mixed(op(axes, true), F32([5, 7, 33], Values.Positive));
            }

            Array.ForEach(s_views, view => cases.Mixed(op([1], false), F32([5, 7, 9], Values.Positive, view)));

            cases.MixedValues(op([], false), F32([3]));
            cases.Mixed(op([1], false), F32([0, 3]));
            cases.MixedValues(op([0], false), F32([0, 3]));
            cases.MixedValues(op([0], false), F32([1]));
            cases.MixedValues(op([0], false), F32([30, 8], Values.WithNaN));
            cases.Mixed(op([1], false), F16([3, 17], Values.Positive));
            cases.Mixed(op([0], true), B16([17, 3], Values.Positive));
            cases.MixedValues(op([0], false), F32([100_003], Values.Between(100, 101)));
        }

        cases.MixedValues(new LogSumExp([0], false), F32([3, 4], Values.List(1000, double.NegativeInfinity, double.PositiveInfinity, -1000)));
        CaseInput[] normed = [F32([]), F32([67]), F32([5, 7], layout: Layout.Transposed), F32([0]), F64([2, 3]), F32([100_003]), F16([300], Values.Between(10, 20))];
        Array.ForEach(normed, x => cases.Mixed(SquaredNorm.Instance, x));
    }

    private static void AddSoftmax(CaseList cases)
    {
        foreach (int axis in new[] { 0, 1, 2 })
        {
            foreach (Op op in new Op[] { new Softmax(axis), new LogSoftmax(axis) })
            {
                cases.Mixed(op, F64([2, 3, 4]));
                cases.Mixed(op, F32([5, 7, 33]));
                cases.Mixed(op, F32([5, 7, 9], layout: Layout.Transposed));
                cases.Mixed(op, F32([5, 7, 9], layout: Layout.Sliced));
                cases.MixedValues(op, F32([5, 7, 9], Values.Between(-1e4, 1e4)));
                cases.MixedValues(op, F32([2, 2, 2], Values.List(double.NegativeInfinity, 1, double.NegativeInfinity, double.NegativeInfinity)));
                cases.Mixed(op, F32([3, 0, 2]));
                cases.Mixed(op, F16([3, 4, 5], Values.Normal));
                cases.Mixed(op, B16([3, 4, 5], Values.Normal));
            }

            foreach (Op op in new Op[] { new SoftmaxGradient(axis), new LogSoftmaxGradient(axis) })
            {
                cases.Mixed(op, F64([2, 3, 4]), F64([2, 3, 4], Values.Between(-2, 0.5)));
                cases.Mixed(op, F32([5, 7, 33]), F32([5, 7, 33], Values.Between(-2, 0.5)));
                cases.Mixed(op, F32([5, 7, 9], layout: Layout.Transposed), F32([5, 7, 9], Values.Between(-2, 0.5), Layout.Flipped));
                cases.Mixed(op, F32([3, 0, 2]), F32([3, 0, 2]));
            }
        }

        cases.MixedValues(new Softmax(1), F32([129, 1001]));
        cases.Mixed(new LogSoftmax(0), F32([3]));
    }

    private static void AddLosses(CaseList cases)
    {
        foreach (Reduction reduction in s_reductions)
        {
            foreach ((double smoothing, long? ignored) in new (double, long?)[] { (0, null), (0.1, null), (0, -100), (0.2, 2) })
            {
                Values labels = ignored is null ? Values.Below(5) : Values.List(1, ignored.Value, 4, 0, 3);
                CrossEntropy op = new(smoothing, ignored, reduction);
                CrossEntropyGradient gradient = new(smoothing, ignored, reduction);
                foreach (int outputs in new[] { 1, 2 })
                {
                    cases.Outputs(outputs, op, F64([4, 5]), I64([4], labels));
                    cases.Outputs(outputs, op, F32([2, 5, 3], layout: Layout.Transposed), I32([2, 3], labels, Layout.Sliced));
                }

                cases.Mixed(op, F32([65, 5]), I64([65], labels));
                cases.MixedValues(op, F32([0, 5]), I64([0], labels));
                cases.Mixed(op, B16([4, 5], Values.Normal), I64([4], labels));
                Shape loss = reduction == Reduction.None ? [4] : [];
                cases.Mixed(gradient, F64(loss), F64([4, 5], Values.Between(-3, -0.1)), I64([4], labels));
                loss = reduction == Reduction.None ? [2, 3] : [];
                cases.Mixed(gradient, F32(loss), F32([2, 5, 3], Values.Between(-3, -0.1), Layout.Sliced), I32([2, 3], labels));
            }

            cases.MixedValues(new CrossEntropy(0, 1, reduction), F32([3, 2]), I64([3], Values.List(1L)));
            MeanSquaredError squares = new(reduction);
            BinaryCrossEntropyWithLogits binary = new(reduction);
            foreach ((CaseInput x, CaseInput target) in new[]
            {
                (F64([3, 4]), F64([3, 4], Values.Between(0, 1))), (F32([67]), F32([67], Values.Between(0, 1))), (F32([]), F32([], Values.Bits)),
                (F32([5, 7], layout: Layout.Transposed), F32([5, 7], Values.Bits, Layout.Flipped)), (F32([300], Values.Between(-50, 50)), F32([300], Values.Bits)),
                (F16([17], Values.Normal), F16([17], Values.Bits)),
            })
            {
                CaseInput g = new(reduction == Reduction.None ? x.Shape : [], x.DType, Values.Normal);
                CaseInput weight = new(x.Shape.Rank == 0 ? [] : [x.Shape[^1]], x.DType, Values.Positive);
                cases.Mixed(squares, x, target);
                cases.Mixed(new MeanSquaredErrorGradient(reduction), g, x, target);
                cases.Mixed(binary, x, target);
                cases.Mixed(binary, x, target, weight);
                cases.Mixed(new BinaryCrossEntropyWithLogitsGradient(reduction), g, x, target);
                cases.Mixed(new BinaryCrossEntropyWithLogitsGradient(reduction), g, x, target, weight);
            }
        }
    }

    private static void AddNorms(CaseList cases)
    {
        foreach ((int axes, Shape shape, Shape trailing, Shape kept) in new (int, Shape, Shape, Shape)[]
        {
            (1, [3, 4], [4], [3, 1]), (2, [2, 3, 4], [3, 4], [2, 1, 1]), (1, [2, 3, 4], [4], [2, 3, 1]), (1, [17, 129], [129], [17, 1]),
            (1, [0, 5], [5], [0, 1]),
        })
        {
            LayerNorm op = new(axes, 1e-5);
            foreach (Func<Shape, Values?, CaseInput> of in s_floating)
            {
                CaseInput x = of(shape, null), weight = of(trailing, Values.NonZero), bias = of(trailing, null), statistic = Statistic(of, kept, Values.Positive);
                foreach (int outputs in new[] { 1, 3 })
                {
                    cases.Outputs(outputs, op, x);
                    cases.Outputs(outputs, op, x, weight);
                    cases.Outputs(outputs, op, x, weight, bias);
                }

                cases.Mixed(new LayerNormGradient(axes, false), x, x, statistic, statistic);
                cases.Mixed(new LayerNormGradient(axes, true), x, x, statistic, statistic, weight);
            }
        }

        cases.MixedValues(new LayerNorm(1, 1e-5), F32([3, 1000], Values.Between(10, 11)));
        foreach (Shape shape in new Shape[] { [4, 3], [2, 3, 4], [2, 3, 2, 2], [8, 16, 9, 9], [1, 0, 4] })
        {
            foreach (Func<Shape, Values?, CaseInput> of in s_floating)
            {
                Shape channels = [shape[1]];
                CaseInput x = of(shape, null), weight = of(channels, Values.NonZero), bias = of(channels, null);
                CaseInput mean = Statistic(of, channels, null), variance = Statistic(of, channels, Values.Positive);
                foreach (int outputs in new[] { 1, 3 })
                {
                    cases.Outputs(outputs, new BatchNorm(1e-5), x, weight, bias);
                }

                cases.Mixed(new BatchNormGradient(1e-5), x, x, weight, mean, variance);
                cases.Mixed(new BatchNormInference(1e-5), x, mean, variance, weight, bias);
                cases.Mixed(new BatchNormInference(1e-5), x, of(channels, null), of(channels, Values.Positive), weight, bias);
            }
        }
    }

    /// <summary>A statistic, which is float32 beside 16-bit floats.</summary>
    private static CaseInput Statistic(Func<Shape, Values?, CaseInput> of, Shape shape, Values? values) =>
        of(shape, values) is { DType: DType.Float64 or DType.Float32 } same ? same : F32(shape, values);

    private static void AddLayers(CaseList cases)
    {
        foreach (int? padding in new int?[] { null, 2 })
        {
            cases.Add(new OpCase(new Embedding(padding), OpClass.Exact, F64([5, 3]), I64([2, 3], Values.Below(5))) { IsSmooth = padding is null });
            cases.Add(new Embedding(padding), OpClass.Exact, F32([5, 3], layout: Layout.Transposed), I32([7], Values.Below(5), Layout.Sliced));
            cases.Add(new Embedding(padding), OpClass.Exact, F32([5, 3]), I64([]));
            cases.Add(new Embedding(padding), OpClass.Exact, F32([5, 3]), I64([0]));
        }

        foreach ((Shape x, Shape weight) in new (Shape, Shape)[]
        {
            ([2, 3], [4, 3]), ([3], [4, 3]), ([2, 2, 3], [2, 3]), ([5, 0], [4, 0]), ([0, 3], [4, 3]), ([65, 129], [33, 129]), ([2, 3, 0], [4, 0]),
        })
        {
            foreach (Func<Shape, Values?, CaseInput> of in (IEnumerable<Func<Shape, Values?, CaseInput>>)[.. s_floating, (shape, _) => I64(shape)])
            {
                OpClass kind = of([], null).DType is DType.Float16 or DType.BFloat16 ? OpClass.Composite : OpClass.Sum;
                cases.Add(Linear.Instance, kind, of(x, null), of(weight, null));
                cases.Add(Linear.Instance, kind, of(x, null), of(weight, null), of([weight[0]], null));
            }
        }

        foreach (bool causal in new[] { false, true })
        {
            ScaledDotProductAttention op = new(causal, causal ? 0.4 : null);
            ScaledDotProductAttentionGradient back = new(causal, causal ? 0.4 : null);
            foreach ((Shape q, Shape k, Shape v, Shape mask) in new (Shape, Shape, Shape, Shape)[]
            {
                ([2, 3], [4, 3], [4, 2], [2, 4]), ([2, 2, 3], [3, 3], [2, 3, 2], [2, 1, 3]), ([2, 2, 9, 8], [2, 1, 17, 8], [2, 2, 17, 5], [9, 17]),
                ([3, 2], [0, 2], [0, 2], [3, 0]), ([0, 2], [3, 2], [3, 2], [0, 3]), ([2, 33, 16], [2, 65, 16], [2, 65, 16], [33, 65]),
            })
            {
                TensorSpec[] specs = [.. new[] { q, k, v }.Select(shape => new TensorSpec(shape, DType.Float32))];
                TensorSpec[] made = op.InferAll(specs);
                foreach (Func<Shape, Values?, CaseInput> of in s_wide)
                {
                    CaseInput[] heads = [of(q, null), of(k, null), of(v, null)];
                    foreach (CaseInput[] masks in new CaseInput[][] { [], [of(mask, null)], [Bool(mask)] })
                    {
                        cases.Outputs(1, op, [.. heads, .. masks]);
                        cases.Outputs(2, op, [.. heads, .. masks]);
                        CaseInput y = of(made[0].Shape, null), sums = of(made[1].Shape, Values.Between(1, 3));
                        cases.Mixed(back, [y, .. heads, y, sums, .. masks]);
                    }
                }
            }

            CaseInput nothing = new([3, 4], DType.Bool, Values.List(0L, 0, 0, 0, 1, 0, 1, 1));
            cases.Mixed(op, F32([3, 2]), F32([4, 2]), F32([4, 2]), nothing);
            cases.Outputs(1, op, F32([3, 2]), F32([4, 2]), F32([4, 2]), nothing);
            cases.Outputs(1, op, B16([3, 4], Values.Normal), B16([5, 4], Values.Normal), B16([5, 4], Values.Normal));
        }
    }

    private static void AddSteps(CaseList cases)
    {
        foreach (Shape shape in new Shape[] { [3, 4], [67], [], [0], [1001] })
        {
            foreach (DType dtype in new[] { DType.Float32, DType.Float64, DType.BFloat16 })
            {
                CaseInput p = new(shape, dtype, Values.Normal), m = p, v = new(shape, dtype, Values.Positive);
                CaseInput g = new(shape, dtype, Values.Normal, Layout.Transposed);
                foreach (CaseInput rate in new[] { F32([], Values.List(0.01)), F64([], Values.List(0.3)) })
                {
                    cases.Mixed(new RmsPropStep(0.9, 1e-3, 0.1, 0, false), p, v, g, rate);
                    cases.Mixed(new RmsPropStep(0.9, 1e-3, 0, 0.8, true), p, v, m, new(shape, dtype, Values.Between(-0.1, 0.1)), g, rate);
                    cases.Mixed(new LionStep(0.9, 0.99, 0.1), p, m, g, rate);
                    foreach (long step in new[] { 0L, 6L })
                    {
                        CaseInput count = I64([], Values.List(step));
                        cases.Mixed(new SgdStep(0, 0, 0.1, false), p, g, rate);
                        cases.Mixed(new SgdStep(0.9, 0, 0, true), p, m, count, g, rate);
                        cases.Mixed(new SgdStep(0.9, 0.3, 0.1, false), p, m, count, g, rate);
                        cases.Mixed(new AdamStep(0.9, 0.99, 1e-6, 0, false), p, m, v, count, g, rate);
                        cases.Mixed(new AdamStep(0.9, 0.99, 1e-6, 0.1, false), p, m, v, count, g, rate);
                        cases.Mixed(new AdamStep(0.8, 0.9, 1e-3, 0.1, true), p, m, v, count, g, rate);
                        cases.Mixed(new AmsGradStep(0.9, 0.99, 1e-3, 0.1, step == 0), p, m, v, v, count, g, rate);
                        cases.Mixed(new AdagradStep(1e-3, 0.1, 0.2), p, v, count, g, rate);
                    }
                }
            }
        }
    }
}
