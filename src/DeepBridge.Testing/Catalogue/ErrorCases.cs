using DeepBridge.Ops;

namespace DeepBridge.Testing;

/// <summary>
/// What ops must refuse. A wrong number of inputs is tried with every op and need not stand here.
/// </summary>
public static class ErrorCases
{
    private static readonly Type s_shape = typeof(ShapeMismatchException);
    private static readonly Type s_dtype = typeof(DTypeMismatchException);
    private static readonly Type s_attribute = typeof(InvalidAttributeException);
    private static readonly Type s_value = typeof(ValueOutOfBoundsException);
    private static readonly DType[] s_indices = [DType.Int32, DType.Int64];
    private static readonly Window s_line = new([1], [0], [0], [1]), s_plane = new([1, 1], [0, 0], [0, 0], [1, 1]);
    private static readonly Op[] s_draws = [new RandomWords([3]), new RandomUniform([3], DType.Float32), new RandomNormal([3])];
    private static readonly CaseInput s_state = new([2], DType.Int64, Values.Below(9)), s_rate = Of([]), s_count = Of([], DType.Int64);
    private static readonly ScaledDotProductAttention s_attention = new(false, null);
    private static readonly CrossEntropy s_labels = new(0, -100, Reduction.Mean);

    /// <summary>Every case.</summary>
    public static IReadOnlyList<ErrorCase> All { get; } =
        [.. Elementwise(), .. Movement(), .. Reductions(), .. Indexing(), .. Windows(), .. Random(), .. Composites(), .. Losses()];

    private static IEnumerable<ErrorCase> Elementwise()
    {
        Op[] floating =
        [
            Exp.Instance, Expm1.Instance, Log.Instance, Log1p.Instance, Sqrt.Instance, Rsqrt.Instance, Sin.Instance, Cos.Instance, Tanh.Instance,
            Erf.Instance, Sigmoid.Instance, Relu.Instance, new Gelu(GeluApproximation.Erf), Silu.Instance, new LeakyRelu(0.1), new Softplus(1, 20),
            new Softmax(0), new LogSoftmax(0), SquaredNorm.Instance,
        ];
        Op[] numeric = [Negate.Instance, Abs.Instance, Sign.Instance, Floor.Instance, Ceiling.Instance, Round.Instance];
        Op[] arithmetic =
        [
            Add.Instance, Subtract.Instance, Multiply.Instance, FloorDivide.Instance, FloorModulo.Instance, Power.Instance, Maximum.Instance,
            Minimum.Instance,
        ];
        Op[] broadcasting =
        [
            .. arithmetic, Divide.Instance, TanhGradient.Instance, SigmoidGradient.Instance, ReluGradient.Instance, Equal.Instance, NotEqual.Instance,
            Less.Instance, LessEqual.Instance, Greater.Instance, GreaterEqual.Instance, new GeluGradient(GeluApproximation.Erf), SiluGradient.Instance,
            new LeakyReluGradient(0.1), new SoftplusGradient(1, 20),
        ];
        Op[] logical = [LogicalAnd.Instance, LogicalOr.Instance, LogicalXor.Instance];
        return
        [
            .. floating.Select(op => new ErrorCase(op, s_dtype, Of([3], DType.Int32))),
            .. floating.Select(op => new ErrorCase(op, s_dtype, Of([3], DType.Bool))),
            .. numeric.Select(op => new ErrorCase(op, s_dtype, Of([3], DType.Bool))),
            .. numeric.Select(op => new ErrorCase(op, s_dtype, Of([3], DType.Int8))),
            .. broadcasting.Select(op => new ErrorCase(op, s_shape, Of([2, 3]), Of([2]))),
            .. broadcasting.Select(op => new ErrorCase(op, s_shape, Of([0]), Of([3]))),
            .. broadcasting.Select(op => new ErrorCase(op, s_dtype, Of([3]), Of([3], DType.Float64))),
            .. arithmetic.Select(op => new ErrorCase(op, s_dtype, Of([3], DType.Bool), Of([3], DType.Bool))),
            .. arithmetic.Select(op => new ErrorCase(op, s_dtype, Of([3], DType.UInt8), Of([3], DType.UInt8))),
            new(Divide.Instance, s_dtype, Of([3], DType.Int32), Of([3], DType.Int32)),
            .. logical.Select(op => new ErrorCase(op, s_dtype, Of([3]), Of([3]))),
            .. logical.Select(op => new ErrorCase(op, s_dtype, Of([3], DType.Bool), Of([3], DType.Int32))),
            .. logical.Select(op => new ErrorCase(op, s_shape, Of([2], DType.Bool), Of([3], DType.Bool))),
            new(LogicalNot.Instance, s_dtype, Of([3])), new(Where.Instance, s_dtype, Of([3]), Of([3]), Of([3])),
            new(Where.Instance, s_dtype, Of([3], DType.Bool), Of([3]), Of([3], DType.Int32)),
            new(Where.Instance, s_shape, Of([2], DType.Bool), Of([3]), Of([3])),
            new(new Cast((DType)99), s_attribute, Of([3])), new(new Iota(-1, DType.Int32), s_attribute),
            new(new Iota(3, DType.Bool), s_dtype), new(new Fill([3], (DType)99, 0), s_attribute),
            .. s_indices.SelectMany(dtype => new[]
            {
                new ErrorCase(FloorDivide.Instance, s_value, Of([3], dtype), new CaseInput([3], dtype, Values.List(1L, 0L, 2L))),
                new ErrorCase(FloorModulo.Instance, s_value, Of([3], dtype), new CaseInput([3, 1], dtype, Values.List(1L, 2L, 0L), Layout.Flipped)),
                new ErrorCase(Power.Instance, s_value, Of([3], dtype), new CaseInput([3], dtype, Values.List(1L, -1L, 2L))),
            }),
        ];
    }

    private static IEnumerable<ErrorCase> Movement() =>
    [
        new(new Reshape([4]), s_shape, Of([2, 3])),
        new(new Permute([0]), s_attribute, Of([2, 3])), new(new Permute([0, 0]), s_attribute, Of([2, 3])),
        new(new Permute([0, 2]), s_shape, Of([2, 3])), new(new Permute([0, -1]), s_shape, Of([2, 3])),
        new(new Expand([2, 4]), s_shape, Of([2, 3])), new(new Expand([3]), s_shape, Of([1, 3])),
        new(new Slice([0], [4], [1]), s_shape, Of([3])), new(new Slice([-1], [1], [1]), s_shape, Of([3])),
        new(new Slice([0], [2], [3]), s_shape, Of([3])), new(new Slice([0], [1], [0]), s_shape, Of([3])),
        new(new Slice([0], [1], [1]), s_attribute, Of([3, 2])),
        new(new Pad([-1], [0], 0), s_attribute, Of([3])), new(new Pad([1], [1], 0), s_attribute, Of([3, 2])),
        new(new Pad([int.MaxValue], [1], 0), s_attribute, Of([3])), new(new Concat(0), s_attribute, Of([1 << 30, 0]), Of([1 << 30, 0])),
        new(new Flip([1]), s_shape, Of([3])), new(new Flip([1, 0]), s_attribute, Of([3, 2])),
        new(new Concat(0), s_shape, Of([2, 3]), Of([2, 4])), new(new Concat(0), s_shape, Of([2, 3]), Of([2])),
        new(new Concat(2), s_shape, Of([2, 3]), Of([2, 3])), new(new Concat(0), s_dtype, Of([2]), Of([2], DType.Int32)),
    ];

    private static IEnumerable<ErrorCase> Reductions()
    {
        Func<Dims, Op>[] folds = [axes => new Sum(axes, false), axes => new Product(axes, false), axes => new Max(axes, true), axes => new Min(axes, true)];
        Op[] counting = [new Sum([0], false), new Product([0], false), new CumulativeSum(0), new ArgMax(0, false), new ArgMin(0, false)];
        Op[] choosing = [new Max([0], false), new Min([0], false), new ArgMax(0, false), new ArgMin(0, false)];
        return
        [
            .. folds.Select(op => new ErrorCase(op([2]), s_shape, Of([2, 3]))),
            .. folds.Select(op => new ErrorCase(op([-1]), s_shape, Of([2, 3]))),
            .. folds.Select(op => new ErrorCase(op([1, 0]), s_attribute, Of([2, 3]))),
            .. counting.Select(op => new ErrorCase(op, s_dtype, Of([3], DType.Bool))),
            .. choosing.Select(op => new ErrorCase(op, s_shape, Of([0, 3]))),
            new(new ArgMax(2, false), s_shape, Of([2, 3])), new(new ArgMin(-1, false), s_shape, Of([2, 3])),
            new(new CumulativeSum(1), s_shape, Of([3])), new(new Any([0], false), s_dtype, Of([3])),
            new(new All([0], false), s_dtype, Of([3], DType.Int64)), new(new Any([1], false), s_shape, Of([3], DType.Bool)),
        ];
    }

    private static IEnumerable<ErrorCase> Indexing() =>
    [
        new(new Gather(2), s_shape, Of([3, 2]), Of([2], DType.Int64)), new(new Gather(0), s_dtype, Of([3, 2]), Of([2])),
        new(new ScatterAdd(0, 5), s_shape, Of([3, 2]), Of([2], DType.Int64)),
        new(new ScatterAdd(2, 5), s_shape, Of([3, 2]), Of([3], DType.Int64)),
        new(new ScatterAdd(-1, 5), s_attribute, Of([3, 2]), Of([3], DType.Int64)),
        new(new ScatterAdd(0, -5), s_attribute, Of([3, 2]), Of([3], DType.Int64)),
        new(new ScatterAdd(0, 5), s_dtype, Of([3], DType.Bool), Of([3], DType.Int64)),
        new(new OneHot(5, DType.Float32), s_dtype, Of([3])), new(new OneHot(-1, DType.Float32), s_attribute, Of([3], DType.Int64)),
        new(new OneHot(3, (DType)99), s_attribute, Of([3], DType.Int64)),
        new(new TakeAlongAxis(2), s_shape, Of([3, 2]), Of([3, 2], DType.Int64)),
        new(new TakeAlongAxis(0), s_shape, Of([3, 2]), Of([3, 3], DType.Int64)),
        new(new TakeAlongAxis(0), s_shape, Of([3, 2]), Of([3], DType.Int64)), new(new TakeAlongAxis(0), s_dtype, Of([3, 2]), Of([3, 2])),
        .. s_indices.SelectMany(dtype => Misplaced(new([4], dtype, Values.List(0, 2, -1, 1), Layout.Flipped))),
        .. s_indices.SelectMany(dtype => Misplaced(new([4], dtype, Values.List(0, 3, 2, int.MaxValue)))),
        .. s_indices.Select(dtype => new ErrorCase(new Gather(0), s_value, Of([0, 2]), new CaseInput([1], dtype, Values.List(0L)))),
        .. s_indices.Select(dtype => new ErrorCase(new OneHot(0, DType.Float32), s_value, new CaseInput([1], dtype, Values.List(0L)))),
    ];

    private static IEnumerable<ErrorCase> Misplaced(CaseInput places) =>
    [
        new(new Gather(0), s_value, Of([3, 2]), places), new(new ScatterAdd(0, 3), s_value, Of([4, 2]), places),
        new(new OneHot(3, DType.Float32), s_value, places), new(new TakeAlongAxis(0), s_value, Of([3]), places),
    ];

    private static IEnumerable<ErrorCase> Windows() =>
    [
        new(new MatMul(), s_shape, Of([2, 3]), Of([2, 3])), new(new MatMul(false, true), s_shape, Of([2, 3]), Of([3, 2])),
        new(new MatMul(true, false), s_shape, Of([2, 3]), Of([3, 2])), new(new MatMul(), s_shape, Of([3]), Of([3, 2])),
        new(new MatMul(), s_shape, Of([2, 2, 3]), Of([3, 3, 2])), new(new MatMul(), s_dtype, Of([2, 3]), Of([3, 2], DType.Float64)),
        new(new MatMul(), s_dtype, Of([2, 3], DType.Bool), Of([3, 2], DType.Bool)),
        new(new Convolution(s_line), s_shape, Of([2, 3]), Of([4, 3, 2])),
        new(new Convolution(s_line), s_shape, Of([2, 3, 8]), Of([4, 2, 2])),
        new(new Convolution(s_line), s_shape, Of([2, 3, 1]), Of([4, 3, 2])),
        new(new Convolution(s_line, 2), s_shape, Of([2, 4, 8]), Of([3, 2, 2])),
        new(new Convolution(s_line, 0), s_attribute, Of([2, 4, 8]), Of([3, 4, 2])),
        new(new Convolution(s_line), s_shape, Of([2, 3, 8]), Of([4, 3, 2]), Of([3])),
        new(new Convolution(s_line), s_dtype, Of([2, 3, 8]), Of([4, 3, 2], DType.Float64)),
        new(new Convolution(s_line), s_dtype, Of([2, 3, 8], DType.Int32), Of([4, 3, 2], DType.Int32)),
        new(new Convolution(s_line), s_attribute, Of([2, 3, 8]), Of([4, 3, 0])),
        new(new Convolution(new Window([0], [0], [0], [1])), s_attribute, Of([2, 3, 8]), Of([4, 3, 2])),
        new(new Convolution(new Window([1], [-1], [0], [1])), s_attribute, Of([2, 3, 8]), Of([4, 3, 2])),
        new(new Convolution(new Window([int.MaxValue], [0], [0], [1])), s_attribute, Of([2, 3, 8]), Of([4, 3, 2])),
        new(new Convolution(new Window([1], [int.MaxValue], [int.MaxValue], [1])), s_attribute, Of([2, 3, 8]), Of([4, 3, 2])),
        new(new Convolution(new Window([9, 9], [1 << 17, 1 << 17], [0, 0], [1, 1])), s_attribute, Of([2, 3, 8, 8]), Of([4, 3, 2, 2])),
        new(new Convolution(new Window([1, 1, 1], [0, 0, 0], [0, 0, 0], [1, 1, 1])), s_attribute, Of([2, 3, 4, 4, 4]), Of([4, 3, 2, 2, 2])),
        new(new ConvolutionInputGradient(s_line, 1, [2, 3, 8]), s_shape, Of([2, 4, 8]), Of([4, 3, 2])),
        new(new ConvolutionInputGradient(s_line, 1, [2, 3]), s_shape, Of([2, 4, 7]), Of([4, 3, 2])),
        new(new ConvolutionWeightGradient(s_line, 1, [4, 3, 2]), s_shape, Of([2, 3, 8]), Of([2, 4, 8])),
        new(new ConvolutionGradient(s_line, 1, [4, 3, 2], false, true), s_shape, Of([2, 4, 8]), Of([2, 3, 8])),
        new(new ConvolutionGradient(s_line, 1, [4, 3, 2], true, true), s_shape, Of([2, 4, 6]), Of([2, 3, 8]), Of([4, 3, 3])),
        new(new ConvolutionGradient(s_line, 1, [4, 3, 2], true, true), s_dtype, Of([2, 4, 7], DType.Float64), Of([2, 3, 8]), Of([4, 3, 2])),
        new(new ConvolutionWeightGradient(s_line, 1, [4, 3, 2]), s_dtype, Of([2, 3, 8]), Of([2, 4, 7], DType.Float64)),
        new(new MaxPool([3, 3], s_plane), s_shape, Of([2, 3, 2, 2])), new(new MaxPool([3, 3], s_plane), s_shape, Of([2, 3, 8])),
        new(new MaxPool([3], s_plane), s_attribute, Of([2, 3, 8, 8])),
        new(new MaxPool([3], new Window([1], [2], [0], [1])), s_attribute, Of([2, 3, 8])),
        new(new MaxPool([3], s_line), s_dtype, Of([2, 3, 8], DType.Int32)),
        new(new MaxPool([int.MaxValue], new Window([1], [(1 << 30) - 1], [(1 << 30) - 1], [1])), s_attribute, Of([1, 1, 1])),
        new(new MaxPool([2], new Window([1], [1], [1], [3])), s_attribute, Of([1, 1, 2])),
        new(new MaxPool([2], new Window([1], [1], [1], [1])), s_shape, Of([1, 1, 0])),
        new(new AveragePool([2], new Window([1], [1], [1], [1]), false), s_shape, Of([1, 1, 0])),
        new(new MaxPoolGradient([2, 3, 8]), s_shape, Of([2, 3, 4]), Of([2, 3, 5], DType.Int64)),
        new(new MaxPoolGradient([2, 4, 8]), s_attribute, Of([2, 3, 4]), Of([2, 3, 4], DType.Int64)),
        new(new MaxPoolGradient([]), s_attribute, Of([]), Of([], DType.Int64)),
        new(new MaxPoolGradient([2, 3, 8]), s_dtype, Of([2, 3, 4]), Of([2, 3, 4])),
        new(new MaxPoolGradient([2, 3, 8]), s_value, Of([2, 3, 4]), new CaseInput([2, 3, 4], DType.Int64, Values.List(0L, 8L))),
        new(new AveragePool([2], new Window([1], [0], [0], [2])), s_attribute, Of([2, 3, 8])),
        new(new AveragePool([2], s_line), s_dtype, Of([2, 3, 8], DType.Int64)),
        new(new AveragePoolGradient([2], s_line, true, [2, 3, 8]), s_shape, Of([2, 3, 8])),
    ];

    private static IEnumerable<ErrorCase> Random() =>
    [
        .. s_draws.Select(op => new ErrorCase(op, s_shape, Of([3], DType.Int64))),
        .. s_draws.Select(op => new ErrorCase(op, s_dtype, Of([2], DType.Int32))),
        new(new RandomUniform([3], DType.Float16), s_attribute, s_state), new(new RandomUniform([1 << 30], DType.Float64), s_attribute, s_state),
        new(new RandomWords([1 << 20, 1 << 20]), s_attribute, s_state),
        new(new Dropout(1), s_attribute, Of([3]), s_state), new(new Dropout(double.NaN), s_attribute, Of([3]), s_state),
        new(new Dropout(0.5), s_dtype, Of([3], DType.Int32), s_state), new(new Dropout(0.5), s_shape, Of([3]), Of([3], DType.Int64)),
        new(new DropoutGradient(0.5), s_dtype, Of([3]), Of([3])), new(new DropoutGradient(0.5), s_shape, Of([3]), Of([1], DType.Bool)),
        new(new DropoutGradient(1), s_attribute, Of([3]), Of([3], DType.Bool)),
    ];

    private static IEnumerable<ErrorCase> Composites() =>
    [
        .. new Op[] { new SoftmaxGradient(0), new LogSoftmaxGradient(0) }.Select(op => new ErrorCase(op, s_dtype, Of([3]), Of([3], DType.Float64))),
        .. new Op[] { new SoftmaxGradient(0), new LogSoftmaxGradient(0) }.Select(op => new ErrorCase(op, s_shape, Of([2]), Of([3]))),
        .. new Op[] { new Mean([1], false), new Variance([1], false, 1), new LogSumExp([1], true) }.Select(op => new ErrorCase(op, s_shape, Of([3]))),
        .. new Op[] { new Mean([1], false), new Variance([1], false, 1), new LogSumExp([1], true) }.Select(op => new ErrorCase(op, s_dtype, Of([3, 2], DType.Int64))),
        new(new Softmax(1), s_shape, Of([3])), new(new LogSoftmax(-1), s_shape, Of([3])),
        new(new Softplus(0, 20), s_attribute, Of([3])), new(new SoftplusGradient(0, 20), s_attribute, Of([3]), Of([3])),
        new(new LayerNorm(0, 1e-5), s_attribute, Of([3, 4])), new(new LayerNorm(3, 1e-5), s_attribute, Of([3, 4])),
        new(new LayerNorm(1, 1e-5), s_shape, Of([3, 4]), Of([3])), new(new LayerNorm(1, 1e-5), s_dtype, Of([3, 4], DType.Int32)),
        new(new LayerNormGradient(1, false), s_shape, Of([3, 4]), Of([3, 4]), Of([3]), Of([3, 1])),
        new(new BatchNorm(1e-5), s_shape, Of([4]), Of([1]), Of([1])), new(new BatchNorm(1e-5), s_shape, Of([1, 4]), Of([4]), Of([4])),
        new(new BatchNorm(1e-5), s_shape, Of([4, 3]), Of([4]), Of([3])),
        new(new BatchNorm(1e-5), s_dtype, Of([4, 3]), Of([3], DType.Float64), Of([3])),
        new(new BatchNormGradient(1e-5), s_shape, Of([4, 3]), Of([4, 2]), Of([2]), Of([2]), Of([2])),
        new(new BatchNormInference(1e-5), s_shape, Of([4, 3]), Of([3]), Of([4]), Of([3]), Of([3])),
        new(new Embedding(null), s_shape, Of([3]), Of([2], DType.Int64)),
        new(new Embedding(3), s_attribute, Of([3, 2]), Of([2], DType.Int64)), new(new Embedding(null), s_dtype, Of([3, 2]), Of([2])),
        new(new Embedding(null), s_value, Of([3, 2]), new CaseInput([2], DType.Int64, Values.List(1L, 3L))),
        new(Linear.Instance, s_shape, Of([2, 3]), Of([3, 4])), new(Linear.Instance, s_shape, Of([]), Of([3, 4])),
        new(Linear.Instance, s_shape, Of([2, 3]), Of([4, 3]), Of([3])),
        new(Linear.Instance, s_dtype, Of([2, 3]), Of([4, 3], DType.Float64)),
        new(s_attention, s_shape, Of([2, 3]), Of([4, 2]), Of([4, 3])), new(s_attention, s_shape, Of([2, 3]), Of([4, 3]), Of([5, 3])),
        new(s_attention, s_shape, Of([2, 3]), Of([4, 3]), Of([4, 3]), Of([4, 2], DType.Bool)),
        new(s_attention, s_shape, Of([2, 2, 3]), Of([3, 4, 3]), Of([4, 3])), new(s_attention, s_shape, Of([3]), Of([4, 3]), Of([4, 3])),
        new(s_attention, s_dtype, Of([2, 3]), Of([4, 3]), Of([4, 3]), Of([2, 4], DType.Int32)),
        new(new ScaledDotProductAttentionGradient(false, null), s_shape, Of([2, 2]), Of([2, 3]), Of([4, 3]), Of([4, 3]), Of([2, 3]), Of([2])),
        new(new SgdStep(0, 0, 0, false), s_shape, Of([3]), Of([2]), s_rate),
        new(new SgdStep(0, 0, 0, false), s_shape, Of([3]), Of([3]), Of([1])),
        new(new SgdStep(-1, 0, 0, false), s_attribute, Of([3]), Of([3]), s_count, Of([3]), s_rate),
        new(new SgdStep(0, 0, 0, true), s_attribute, Of([3]), Of([3]), s_rate),
        new(new SgdStep(0.9, 0, 0, true), s_dtype, Of([3]), Of([3]), s_rate, Of([3]), s_rate),
        new(new AdamStep(1, 0.9, 0, 0, false), s_attribute, Of([3]), Of([3]), Of([3]), s_count, Of([3]), s_rate),
        new(new AdamStep(0.9, 0.9, 0, 0, false), s_shape, Of([3]), Of([2]), Of([3]), s_count, Of([3]), s_rate),
        new(new AdamStep(0.9, 0.9, 0, 0, false), s_dtype, Of([3]), Of([3]), Of([3]), s_count, Of([3], DType.Float64), s_rate),
        new(new AmsGradStep(0.9, 0.9, -1, 0, false), s_attribute, Of([3]), Of([3]), Of([3]), Of([3]), s_count, Of([3]), s_rate),
        new(new RmsPropStep(1.1, 0, 0, 0, false), s_attribute, Of([3]), Of([3]), Of([3]), s_rate),
        new(new RmsPropStep(0.9, 0, 0, 0, true), s_shape, Of([3]), Of([3]), Of([1]), Of([3]), s_rate),
        new(new AdagradStep(0, 0, -1), s_attribute, Of([3]), Of([3]), s_count, Of([3]), s_rate),
        new(new LionStep(0.9, 1, 0), s_attribute, Of([3]), Of([3]), Of([3]), s_rate),
    ];

    private static IEnumerable<ErrorCase> Losses() =>
    [
        new(s_labels, s_shape, Of([3, 2]), Of([2], DType.Int64)), new(s_labels, s_shape, Of([3]), Of([3], DType.Int64)),
        new(s_labels, s_dtype, Of([3, 2]), Of([3])), new(s_labels, s_dtype, Of([3, 2], DType.Int32), Of([3], DType.Int64)),
        new(new CrossEntropy(1.1, null, Reduction.Mean), s_attribute, Of([3, 2]), Of([3], DType.Int64)),
        new(s_labels, s_value, Of([3, 2]), new CaseInput([3], DType.Int64, Values.List(-100L, 0L, 2L))),
        new(new CrossEntropy(0, null, Reduction.Mean), s_value, Of([3, 2]), new CaseInput([3], DType.Int32, Values.List(-100L, 0L, 1L))),
        new(new CrossEntropyGradient(0, null, Reduction.Mean), s_shape, Of([3]), Of([3, 2]), Of([3], DType.Int64)),
        new(new CrossEntropyGradient(0, null, Reduction.None), s_value, Of([3]), Of([3, 2]), new CaseInput([3], DType.Int64, Values.List(0L, 2L))),
        new(new MeanSquaredError(Reduction.Mean), s_shape, Of([3, 1]), Of([3])),
        new(new MeanSquaredError(Reduction.Mean), s_dtype, Of([3]), Of([3], DType.Float64)),
        new(new MeanSquaredErrorGradient(Reduction.Mean), s_shape, Of([3]), Of([3]), Of([3])),
        new(new BinaryCrossEntropyWithLogits(Reduction.Sum), s_shape, Of([3, 1]), Of([3])),
        new(new BinaryCrossEntropyWithLogits(Reduction.Sum), s_shape, Of([3]), Of([3]), Of([2])),
        new(new BinaryCrossEntropyWithLogits(Reduction.Sum), s_dtype, Of([3], DType.Int32), Of([3], DType.Int32)),
        new(new BinaryCrossEntropyWithLogitsGradient(Reduction.None), s_shape, Of([]), Of([3]), Of([3])),
    ];

    private static CaseInput Of(Shape shape, DType dtype = DType.Float32) => new(shape, dtype, Values.Bits);
}
