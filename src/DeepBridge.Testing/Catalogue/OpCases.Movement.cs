using DeepBridge.Ops;

namespace DeepBridge.Testing;

public static partial class OpCases
{
    private static void AddSelection(CaseList cases)
    {
        cases.Add(Where.Instance, OpClass.Exact, Bool([67]), F32([67]), F32([67]));
        cases.Add(Where.Instance, OpClass.Exact, Bool([3, 1]), F64([1, 4]), F64([2, 1, 1]));
        cases.Add(Where.Instance, OpClass.Exact, Bool([5, 7], Layout.Transposed), F32([5, 7], layout: Layout.Sliced), F32([]));
        cases.Add(Where.Instance, OpClass.Exact, Bool([]), F32([3, 0]), F32([1]));
        cases.Values(Where.Instance, OpClass.Exact, Bool([19]), F32([19], Values.Special), F32([19], Values.WithNaN));
        foreach (DType dtype in DTypes.All)
        {
            Values values = dtype == DType.Bool ? Values.Bits : Values.Ties;
            cases.Add(Where.Instance, OpClass.Exact, Bool([5, 1]), new CaseInput([5, 9], dtype, values), new CaseInput([9], dtype, values));
            cases.Add(new Fill([2, 3], dtype, dtype == DType.Bool ? true : 3), OpClass.Exact);
            foreach (DType from in DTypes.All)
            {
                // What is out of range saturates where it was floating, and wraps where it was an integer.
                Values odd = from.IsFloating()
                    ? Values.List(
                        0, -0.0, 0.7, -0.7, 1, -1, 2.5, -3.5, 127, 128, -129, 255, 256, 300, 40000, 3e9, -3e9, 1e19, -1e19, double.NaN,
                        double.PositiveInfinity, double.NegativeInfinity)
                    : from == DType.Bool ? Values.Bits
                    : Values.List(
                        0, 1, -1, 127, 128, 200, 255, 256, -129, 40000, int.MaxValue, int.MinValue, (1L << 31) + 5, (1L << 53) + 1,
                        (1L << 60) + (1L << 36) + 1, long.MinValue);
                CaseInput odds = new([22], from, odd);
                cases.Add(new OpCase(new Cast(dtype), OpClass.Exact, odds) { KeepsDTypes = true, ComparesGradients = false });
            }

            if (dtype.IsNumeric())
            {
                cases.Add(new Iota(67, dtype), OpClass.Exact);
                cases.Add(new Iota(0, dtype), OpClass.Exact);
            }

            if (dtype.IsFloating())
            {
                cases.Add(new OpCase(new Cast(dtype), OpClass.Exact, F32([3, 5], layout: Layout.Transposed)) { KeepsDTypes = true });
                cases.Add(new Fill([], dtype, double.NaN), OpClass.Exact);
                cases.Add(new Fill([3], dtype, 0.1), OpClass.Exact);
            }
        }

        cases.Add(new Cast(DType.Float64), OpClass.Exact, F64([2, 3]));
        cases.Add(new OpCase(new Cast(DType.Float16), OpClass.Exact, F32([1_000_003])) { KeepsDTypes = true, ComparesGradients = false });
        cases.Add(new Fill([0, 3], DType.Float32, 1.5), OpClass.Exact);
        cases.Add(new Fill([2], DType.Int64, (1L << 53) + 1), OpClass.Exact);
        cases.Add(new Fill([2], DType.Int32, 2.9), OpClass.Exact);
        cases.Add(new Fill([1001, 999], DType.Float32, 0.5), OpClass.Exact);
    }

    private static void AddMovement(CaseList cases)
    {
        Moves(cases, new Reshape([6, 5]), [2, 3, 5]);
        Moves(cases, new Reshape([2, 15]), [2, 3, 5]);
        Moves(cases, new Reshape([0, 7]), [3, 0]);
        Moves(cases, new Reshape([]), [1, 1]);
        Moves(cases, new Reshape([1, 1, 1]), []);
        Moves(cases, new Permute([2, 0, 1]), [2, 3, 5]);
        Moves(cases, new Permute([1, 0]), [4, 7]);
        Moves(cases, new Permute([]), []);
        Moves(cases, new Permute([0, 3, 1, 2]), [2, 3, 0, 4]);
        Moves(cases, new Expand([2, 3, 5]), [3, 1]);
        Moves(cases, new Expand([4, 3]), []);
        Moves(cases, new Expand([0, 3]), [1, 3]);
        Moves(cases, new Expand([2, 0]), [0]);
        Moves(cases, new Slice([1, 0, 2], [2, 2, 1], [2, 1, 1]), [4, 3, 5]);
        Moves(cases, new Slice([0, 1], [3, 2], [3, 4]), [7, 6]);
        Moves(cases, new Slice([3], [0], [1]), [3]);
        Moves(cases, new Slice([], [], []), []);
        Moves(cases, new Pad([1, 0, 2], [0, 3, 1], 1.5), [2, 3, 4]);
        Moves(cases, new Pad([2], [1], 0), [0]);
        Moves(cases, new Pad([], [], 0), []);
        Moves(cases, new Flip([0, 2]), [2, 3, 5]);
        Moves(cases, new Flip([1]), [3, 4]);
        Moves(cases, new Flip([]), [3]);
        Moves(cases, new Flip([0]), [0, 2]);
        cases.Add(new Pad([1], [1], double.NegativeInfinity), OpClass.Exact, F32([3]));
        cases.Add(new Pad([1], [1], (1L << 53) + 1), OpClass.Exact, I64([3]));
        cases.Add(new Permute([1, 0]), OpClass.Exact, F32([1001, 999]));
        cases.Values(new Flip([0, 1]), OpClass.Exact, F32([1001, 999]));
        cases.Values(new Slice([1, 2], [500, 330], [2, 3]), OpClass.Exact, F32([1001, 999]));
        foreach (int axis in new[] { 0, 1, 2 })
        {
            CaseInput[] parts = [.. new[] { 2, 1, 0, 3 }.Select(extent => F64(new Shape([2, 3, 2]).With(axis, extent)))];
            cases.Add(new Concat(axis), OpClass.Exact, parts);
            cases.Add(new Concat(axis), OpClass.Exact, [.. s_views.Select(view => F32([3, 4, 5], layout: view))]);
        }

        cases.Add(new Concat(0), OpClass.Exact, F32([67]));
        cases.Add(new Concat(0), OpClass.Exact, [.. Enumerable.Range(0, 70).Select(_ => F32([2]))]);
        foreach (DType dtype in DTypes.All)
        {
            Values values = dtype == DType.Bool ? Values.Bits : Values.Ties;
            cases.Add(new Concat(1), OpClass.Exact, new CaseInput([2, 3], dtype, values), new CaseInput([2, 1], dtype, values));
        }
    }

    private static void Moves(CaseList cases, Op op, Shape input)
    {
        cases.Add(op, OpClass.Exact, F64(input));
        cases.Values(op, OpClass.Exact, F32(input, Values.WithNaN));
        Array.ForEach(s_views, view => cases.Add(op, OpClass.Exact, F32(input, layout: view)));

        foreach (DType dtype in DTypes.All)
        {
            cases.Add(op, OpClass.Exact, new CaseInput(input, dtype, dtype == DType.Bool ? Values.Bits : Values.Ties));
        }
    }

    private static void AddIndexing(CaseList cases)
    {
        foreach ((int axis, Shape values, Shape indices) in new (int, Shape, Shape)[]
        {
            (0, [5, 3], [4]), (1, [2, 5, 3], [2, 2]), (2, [2, 3, 5], []), (0, [5], [7]), (0, [5, 2], [0]), (1, [0, 5], [3]), (0, [5, 0], [2]),
        })
        {
            Shape gathered = Shape.Create([.. values.AsSpan()[..axis], .. indices.AsSpan(), .. values.AsSpan()[(axis + 1)..]]);
            foreach (DType dtype in new[] { DType.Int32, DType.Int64 })
            {
                CaseInput places = new(indices, dtype, Values.Below(5));
                cases.Add(new Gather(axis), OpClass.Exact, F64(values), places);
                cases.Add(new Gather(axis), OpClass.Exact, F32(values, layout: Layout.Transposed), places with { Layout = Layout.Sliced });
                cases.Add(new ScatterAdd(axis, 5), OpClass.Sum, F64(gathered), places);
                cases.Add(new ScatterAdd(axis, 5), OpClass.Sum, F32(gathered, layout: Layout.Transposed), places with { Layout = Layout.Flipped });
                cases.Add(new ScatterAdd(axis, 5), OpClass.Exact, I64(gathered), places);
            }
        }

        foreach (DType dtype in DTypes.All)
        {
            Values values = dtype == DType.Bool ? Values.Bits : Values.Ties;
            cases.Add(new Gather(0), OpClass.Exact, new CaseInput([5, 3], dtype, values), I64([4], Values.Below(5)));
            cases.Add(new TakeAlongAxis(0), OpClass.Exact, new CaseInput([5, 3], dtype, values), I64([2, 3], Values.Below(5)));
            cases.Add(new OneHot(5, dtype), OpClass.Exact, I64([2, 3], Values.Below(5)));
        }

        cases.Values(new Gather(0), OpClass.Exact, F32([1000, 64]), I64([999], Values.Below(1000)));
        cases.Add(new ScatterAdd(0, 1000), OpClass.Sum, F32([9999, 8]), I32([9999], Values.Below(1000)));
        cases.Add(new OneHot(5, DType.Float32), OpClass.Exact, I32([7], Values.Below(5), Layout.Sliced));
        cases.Add(new OneHot(5, DType.Float32), OpClass.Exact, I64([], Values.Below(5)));
        cases.Add(new OneHot(5, DType.Float32), OpClass.Exact, I64([0]));
        cases.Add(new OneHot(0, DType.Float32), OpClass.Exact, I64([0]));
        foreach (int axis in new[] { 0, 1, 2 })
        {
            Shape indices = new Shape([3, 3, 3]).With(axis, 4);
            cases.Add(new TakeAlongAxis(axis), OpClass.Exact, F64([3, 3, 3]), I64(indices, Values.Below(3)));
            cases.Add(new TakeAlongAxis(axis), OpClass.Exact, F32([3, 3, 3], layout: Layout.Flipped), I32(indices, Values.Below(3), Layout.Transposed));
        }

        cases.Add(new TakeAlongAxis(1), OpClass.Exact, F32([0, 3]), I64([0, 2]));
        cases.Add(new TakeAlongAxis(1), OpClass.Exact, F32([2, 0]), I64([2, 0]));
    }
}
