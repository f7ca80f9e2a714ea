using DeepBridge.Ops;

namespace DeepBridge.Testing;

public static partial class OpCases
{
    private static readonly Layout[] s_views = [Layout.Transposed, Layout.Sliced, Layout.Flipped, Layout.Expanded, Layout.Offset];

    private static void AddElementwise(CaseList cases)
    {
        Unary(cases, Negate.Instance, OpClass.Exact, Values.Normal, integers: true);
        Unary(cases, Abs.Instance, OpClass.Exact, Values.NonZero, integers: true);
        Unary(cases, Sign.Instance, OpClass.Exact, Values.NonZero, integers: true);
        Unary(cases, Floor.Instance, OpClass.Exact, Values.Broken, integers: true);
        Unary(cases, Ceiling.Instance, OpClass.Exact, Values.Broken, integers: true);
        Unary(cases, Round.Instance, OpClass.Exact, Values.Between(0.6, 1.4), integers: true);
        Unary(cases, Exp.Instance, OpClass.Function, Values.Between(-4, 4));
        Unary(cases, Expm1.Instance, OpClass.Function, Values.Between(-3, 3));
        Unary(cases, Log.Instance, OpClass.Function, Values.Positive);
        Unary(cases, Log1p.Instance, OpClass.Function, Values.Between(-0.8, 4));
        Unary(cases, Sqrt.Instance, OpClass.Arithmetic, Values.Positive);
        Unary(cases, Rsqrt.Instance, OpClass.Function, Values.Positive);
        Unary(cases, Sin.Instance, OpClass.Periodic, Values.Normal);
        Unary(cases, Cos.Instance, OpClass.Periodic, Values.Normal);
        Unary(cases, Tanh.Instance, OpClass.Function, Values.Normal);
        Unary(cases, Erf.Instance, OpClass.Function, Values.Normal);
        Unary(cases, Sigmoid.Instance, OpClass.Function, Values.Normal);
        Unary(cases, Relu.Instance, OpClass.Exact, Values.NonZero);
        foreach (Op op in new Op[] { Expm1.Instance, Log1p.Instance, Tanh.Instance, Erf.Instance, Sin.Instance, Sigmoid.Instance, Exp.Instance })
        {
            Values tiny = Values.List(1e-8, -1e-8, 1e-4, -1e-4, 3e-3, -3e-3, 0.1, -0.1, 1e-20, -1e-20);
            cases.Add(op, OpClass.Function, F32([10], tiny));
            cases.Rough(op, OpClass.Function, F64([10], tiny));
        }

        foreach (Op op in new Op[] { Exp.Instance, Tanh.Instance, Erf.Instance, Sigmoid.Instance, Log.Instance, Sqrt.Instance })
        {
            cases.Values(op, op is Sqrt ? OpClass.Arithmetic : OpClass.Function, F32([999], Values.Between(0.01, 30)));
            cases.Add(op, op is Sqrt ? OpClass.Arithmetic : OpClass.Function, F32([1_000_003], Values.Positive));
        }

        cases.Values(Exp.Instance, OpClass.Function, F32([99], Values.Between(-80, 80)));
        cases.Add(Sin.Instance, OpClass.Periodic, F32([999], Values.Between(-100, 100)));
        cases.Add(Cos.Instance, OpClass.Periodic, F32([999], Values.Between(-100, 100)));
        cases.Add(Relu.Instance, OpClass.Exact, F32([1_000_003]));

        // The incoming gradient and the output of the function: y of a tanh or sigmoid lies in its range.
        Binary(cases, TanhGradient.Instance, OpClass.Composite, Values.Normal, Values.Between(-0.9, 0.9));
        Binary(cases, SigmoidGradient.Instance, OpClass.Composite, Values.Normal, Values.Between(0.1, 0.9));
        Binary(cases, ReluGradient.Instance, OpClass.Exact, Values.Normal, Values.NonZero);

        Binary(cases, Add.Instance, OpClass.Arithmetic, Values.Normal, Values.Normal, integers: true);
        Binary(cases, Subtract.Instance, OpClass.Arithmetic, Values.Normal, Values.Normal, integers: true);
        Binary(cases, Multiply.Instance, OpClass.Arithmetic, Values.Normal, Values.Normal, integers: true);
        Binary(cases, Divide.Instance, OpClass.Arithmetic, Values.Normal, Values.NonZero);
        Binary(cases, FloorDivide.Instance, OpClass.Function, Values.Normal, Values.NonZero, integers: true);
        Binary(cases, FloorModulo.Instance, OpClass.Function, Values.Normal, Values.NonZero, integers: true);
        Binary(cases, Power.Instance, OpClass.Function, Values.Positive, Values.Normal);
        Binary(cases, Maximum.Instance, OpClass.Exact, Values.Normal, Values.Normal, integers: true);
        Binary(cases, Minimum.Instance, OpClass.Exact, Values.Normal, Values.Normal, integers: true);
        foreach (Op op in new Op[] { Maximum.Instance, Minimum.Instance })
        {
            cases.Rough(op, OpClass.Exact, F32([200], Values.Ties), F32([200], Values.Ties));
            cases.Rough(op, OpClass.Exact, F32([200], Values.WithNaN), F32([200], Values.WithNaN));
        }

        Values bases = Values.List(-2, -1, 0, 1, 2, 3, -3), exponents = Values.List(0, 1, 2, 3, 4, 5);
        cases.Rough(Power.Instance, OpClass.Function, F32([7, 1], bases), F32([6], exponents));
        cases.Add(Power.Instance, OpClass.Exact, I32([7, 1], bases), I32([6], exponents));
        cases.Add(Power.Instance, OpClass.Exact, I64([7, 1], bases), I64([6], Values.List(0, 1, 2, 31, 62, 100)));
        foreach (Op op in new Op[] { FloorDivide.Instance, FloorModulo.Instance })
        {
            Values dividends = Values.List(int.MinValue, int.MaxValue, -7, 7, -1, 1, 0);
            Values divisors = Values.List(-1, 1, 3, -3, int.MaxValue, int.MinValue);
            cases.Add(op, OpClass.Exact, I32([7, 1], dividends), I32([6], divisors));
            dividends = Values.List(long.MinValue, long.MaxValue, -7, 7, (1L << 53) + 1);
            divisors = Values.List(-1, 1, 3, -3, long.MaxValue, long.MinValue);
            cases.Add(op, OpClass.Exact, I64([5, 1], dividends), I64([6], divisors));
        }

        cases.Add(Add.Instance, OpClass.Exact, I32([2], Values.List(int.MaxValue, int.MinValue)), I32([2], Values.List(1L, -1L)));
        cases.Add(Multiply.Instance, OpClass.Exact, I64([2], Values.List((1L << 53) + 1, long.MaxValue)), I64([2], Values.List(3L, 2L)));
        cases.Add(Add.Instance, OpClass.Arithmetic, F32([1_000_003]), F32([1_000_003]));
        cases.Values(Multiply.Instance, OpClass.Arithmetic, F32([1_000_003]), F32([]));
        cases.Values(Multiply.Instance, OpClass.Arithmetic, F32([1001, 999]), F32([999]));
        cases.Values(Subtract.Instance, OpClass.Arithmetic, F32([777, 1]), F32([1, 999]));

        foreach (Op op in new Op[]
        {
            Equal.Instance, NotEqual.Instance, Less.Instance, LessEqual.Instance, Greater.Instance, GreaterEqual.Instance,
        })
        {
            Shapes(cases, op, OpClass.Exact, Values.Ties, Values.Ties);
            Special(cases, op, OpClass.Exact);
            foreach (DType dtype in DTypes.All)
            {
                Values values = dtype is DType.Bool or DType.UInt8 ? Values.Bits : Values.Ties;
                cases.Add(op, OpClass.Exact, new CaseInput([7, 5], dtype, values), new CaseInput([5], dtype, values, Layout.Flipped));
            }
        }

        foreach (Op op in new Op[] { LogicalAnd.Instance, LogicalOr.Instance, LogicalXor.Instance })
        {
            cases.Add(op, OpClass.Exact, Bool([67]), Bool([67]));
            cases.Add(op, OpClass.Exact, Bool([3, 1, 5], Layout.Transposed), Bool([4, 1], Layout.Sliced));
            cases.Add(op, OpClass.Exact, Bool([]), Bool([0, 3]));
        }

        cases.Add(LogicalNot.Instance, OpClass.Exact, Bool([67]));
        cases.Add(LogicalNot.Instance, OpClass.Exact, Bool([3, 5], Layout.Transposed));
        cases.Add(LogicalNot.Instance, OpClass.Exact, Bool([0]));
    }

    private static void Unary(CaseList cases, Op op, OpClass kind, Values values, bool integers = false)
    {
        foreach (Shape shape in new Shape[] { [], [0], [1], [7], [67], [2, 0, 3], [1, 1, 5] })
        {
            cases.Add(op, kind, F32(shape, values));
        }

        Array.ForEach(s_views, view => cases.Add(op, kind, F32([3, 5, 33], values, view)));

        cases.Add(op, kind, F64([2, 3], values));
        cases.Add(op, kind, F64([5, 7], values, Layout.Transposed));
        cases.Add(op, kind, F16([65], values));
        cases.Add(op, kind, B16([65], values));
        Values special = op is not (Sin or Cos) ? Values.Special
            : Values.List(0, -0.0, 1, -1, double.NaN, double.PositiveInfinity, double.NegativeInfinity, 1e-30, -1e-30, 3);
        cases.Values(op, kind == OpClass.Periodic ? OpClass.Function : kind, F32([18], special));
        cases.Values(op, kind == OpClass.Periodic ? OpClass.Function : kind, F64([18], special));
        if (integers)
        {
            cases.Add(op, OpClass.Exact, I32([8], Values.List(0, 1, -1, 5, -5, int.MaxValue, -int.MaxValue, int.MinValue)));
            cases.Add(op, OpClass.Exact, I64([6], Values.List(0, 1, -1, (1L << 53) + 1, -(1L << 53) - 1, long.MinValue)));
            cases.Add(op, OpClass.Exact, I32([3, 21], Values.Normal, Layout.Transposed));
        }
    }

    private static void Binary(CaseList cases, Op op, OpClass kind, Values left, Values right, bool integers = false)
    {
        Shapes(cases, op, kind, left, right);
        cases.Add(op, kind, F64([2, 3], left), F64([2, 3], right));
        cases.Add(op, kind, F64([2, 1, 3], left), F64([4, 1], right));
        cases.Add(op, kind, F16([65], left), F16([65], right));
        cases.Add(op, kind, B16([65], left), B16([], right));
        if (op is not (TanhGradient or SigmoidGradient))
        {
            Special(cases, op, kind);
        }

        if (integers)
        {
            cases.Add(op, OpClass.Exact, I32([67], left), I32([67], right));
            cases.Add(op, OpClass.Exact, I64([3, 1, 5], left, Layout.Flipped), I64([4, 1], right, Layout.Sliced));
        }
    }

    private static void Special(CaseList cases, Op op, OpClass kind)
    {
        cases.Values(op, kind, F32([18, 1], Values.Special), F32([18], Values.Special));
        cases.Values(op, kind, F64([18, 1], Values.Special), F64([18], Values.Special));
    }

    private static void Shapes(CaseList cases, Op op, OpClass kind, Values left, Values right)
    {
        foreach ((Shape a, Shape b) in new (Shape, Shape)[]
        {
            ([], []), ([7], [7]), ([67], []), ([], [67]), ([2, 3, 5], [5]), ([3, 1], [1, 4]), ([3, 1, 5], [2, 1, 4, 1]), ([1], [7]), ([0], [1]),
            ([2, 0], [2, 1]), ([0], [3, 1]),
        })
        {
            cases.Add(op, kind, F32(a, left), F32(b, right));
        }

        foreach ((Layout a, Layout b) in new[]
        {
            (Layout.Transposed, Layout.Dense), (Layout.Dense, Layout.Transposed), (Layout.Sliced, Layout.Expanded), (Layout.Flipped, Layout.Flipped),
            (Layout.Offset, Layout.Sliced), (Layout.Transposed, Layout.Transposed),
        })
        {
            cases.Add(op, kind, F32([3, 5, 17], left, a), F32([3, 5, 17], right, b));
        }

        cases.Add(op, kind, F32([3, 5, 17], left, Layout.Transposed), F32([5, 1], right, Layout.Flipped));
    }
}
