using DeepBridge.Ops;

namespace DeepBridge.Testing;

public static partial class OpCases
{
    private static void AddReductions(CaseList cases)
    {
        Folds(cases, (axes, keep) => new Sum(axes, keep), OpClass.Sum, Values.Between(-1, 3));
        Folds(cases, (axes, keep) => new Product(axes, keep), OpClass.Composite, Values.Between(0.8, 1.2));
        Folds(cases, (axes, keep) => new Max(axes, keep), OpClass.Exact, Values.Distinct, chooses: true);
        Folds(cases, (axes, keep) => new Min(axes, keep), OpClass.Exact, Values.Distinct, chooses: true);
        cases.Add(new Product([1], false), OpClass.Composite, F64([3, 4], Values.List(0, 2, 3, 4, 5, 0, 0, 6, 1, 2, 3, 0)));
        cases.Add(new Sum([0], false), OpClass.Sum, F32([1_000_003], Values.Between(0.5, 1.5)));
        cases.Add(new Sum([0], false), OpClass.Sum, F32([1000, 65], Values.Positive));
        cases.Add(new Sum([1], false), OpClass.Sum, F32([65, 1000], Values.Positive));
        cases.Add(new Sum([0, 2], true), OpClass.Sum, F32([33, 17, 129], Values.Positive));
        cases.Add(new Sum([0], false), OpClass.Sum, F32([65, 33], Values.Positive, Layout.Transposed));
        cases.Add(new Sum([0], false), OpClass.Sum, F32([100_003], Values.List(1e4 + 1, 1e4 + 2, 1e4 + 3)));
        cases.Values(new Max([0], false), OpClass.Exact, F32([1_000_003]));
        cases.Add(new Sum([0], false), OpClass.Exact, I32([3], Values.List(int.MaxValue, 5, 7)));
        cases.Add(new Sum([0], false), OpClass.Exact, I64([2], Values.List((1L << 53) + 1, 1)));

        foreach ((Op all, Op one) in new (Op, Op)[] { (new Any([0, 1], false), new Any([1], true)), (new All([0, 1], false), new All([1], true)) })
        {
            cases.Add(all, OpClass.Exact, Bool([5, 7]));
            cases.Add(all, OpClass.Exact, Bool([0, 7]));
            cases.Add(one, OpClass.Exact, Bool([33, 2], Layout.Transposed));
            cases.Add(one, OpClass.Exact, Bool([9, 3], Layout.Sliced));
            cases.Add(one, OpClass.Exact, Bool([3, 0]));
        }

        foreach (Func<int, Op> op in new Func<int, Op>[] { axis => new ArgMax(axis, false), axis => new ArgMin(axis, true) })
        {
            foreach (int axis in new[] { 0, 1, 2 })
            {
                cases.Add(op(axis), OpClass.Exact, F32([4, 5, 33], Values.Ties));
                cases.Add(op(axis), OpClass.Exact, F32([4, 5, 33], Values.WithNaN, Layout.Transposed));
                cases.Add(op(axis), OpClass.Exact, F64([4, 5, 3], Values.Distinct, Layout.Sliced));
                cases.Add(op(axis), OpClass.Exact, I32([4, 5, 3], Values.Ties));
                cases.Add(op(axis), OpClass.Exact, I64([4, 5, 3], Values.Ties, Layout.Flipped));
                cases.Add(op(axis), OpClass.Exact, F16([3, 4, 5], Values.Ties));
            }

            cases.Add(op(0), OpClass.Exact, F32([1_000_003]));
            cases.Add(op(1), OpClass.Exact, F32([0, 3]));
            cases.Add(op(0), OpClass.Exact, F32([3], Values.List(double.NegativeInfinity)));
        }

        foreach (int axis in new[] { 0, 1, 2 })
        {
            cases.Add(new CumulativeSum(axis), OpClass.Sum, F64([2, 3, 4]));
            cases.Add(new CumulativeSum(axis), OpClass.Sum, F32([5, 7, 33], Values.Positive, Layout.Transposed));
            cases.Add(new CumulativeSum(axis), OpClass.Sum, F32([5, 7, 3], Values.Positive, Layout.Flipped));
            cases.Add(new CumulativeSum(axis), OpClass.Exact, I32([2, 3, 4]));
            cases.Add(new CumulativeSum(axis), OpClass.Exact, I64([2, 3, 4], layout: Layout.Sliced));
            cases.Add(new CumulativeSum(axis), OpClass.Sum, F32([3, 0, 2]));
        }

        cases.Add(new CumulativeSum(0), OpClass.Sum, F32([1003], Values.Positive));
        cases.Add(new CumulativeSum(0), OpClass.Sum, B16([9], Values.Positive));
    }

    private static void Folds(CaseList cases, Func<Dims, bool, Op> op, OpClass kind, Values values, bool chooses = false)
    {
        foreach (Dims axes in new Dims[] { [0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2], [] })
        {
            cases.Add(op(axes, false), kind, F64([3, 2, 4], values));
            cases.Add(op(axes, true), kind, F32([5, 7, 33], values));
            cases.Add(op(axes, false), kind, F32([5, 7, 9], values, Layout.Transposed));
        }

        foreach (Layout view in s_views)
        {
            cases.Rough(op([1], false), kind, F32([5, 7, 9], values, view));
            cases.Rough(op([0, 2], true), kind, F32([5, 7, 9], values, view));
        }

        cases.Add(op([], false), kind, F32([], values));
        cases.Add(op([1], false), kind, F32([0, 3], values));
        cases.Add(op([0], false), kind, F32([1], values));
        cases.Add(op([0], false), kind, F16([9, 3], values));
        cases.Add(op([1], false), kind, B16([3, 9], values));
        cases.Add(op([1], false), OpClass.Exact, I32([5, 7], Values.NonZero));
        cases.Add(op([0], true), OpClass.Exact, I64([5, 7], Values.NonZero, Layout.Transposed));
        cases.Values(op([1], false), kind, F32([30, 8], Values.WithNaN));
        if (chooses)
        {
            cases.Rough(op([0], false), kind, F32([30, 8], Values.Ties));
            cases.Add(op([1], true), kind, Bool([5, 3]));
            cases.Add(op([0], false), kind, new CaseInput([7], DType.UInt8, Values.Bits));
            cases.Add(op([0], false), kind, new CaseInput([7], DType.Int8, Values.Ties));
            cases.Add(op([0], false), kind, new CaseInput([7], DType.Int16, Values.Ties));
        }
        else
        {
            cases.Add(op([0], false), kind, F32([0, 3], values));
            cases.Add(op([0, 1], true), kind, F32([2, 0], values));
            cases.Add(op([0], false), OpClass.Exact, I64([0]));
        }
    }
}
