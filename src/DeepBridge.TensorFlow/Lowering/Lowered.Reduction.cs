using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Lowering;

internal static partial class Lowered
{
    // From so many terms on, TensorFlow's sum over outer axes, which adds row to row, is less exact than it should be.
    private const int ManyTerms = 512;

    private static nint Fold(ReadOnlySpan<byte> name, Emitter e, nint x, Dims axes, bool keep) =>
        e.Op(name, x, e.Integers(axes)).Flag("keep_dims"u8, keep).One();

    private static nint Summed(Sum sum, in Site s)
    {
        Emitter e = s.Emit;
        Shape input = s.Ins[0].Shape;
        DType dtype = s.Ins[0].DType;
        int kept = input.Rank - sum.Axes.Length;
        bool channels = kept == 1 && !sum.KeepDims && dtype.IsFloating() && input.Count > 0;
        bool rows = channels && input.Rank == 2 && sum.Axes[0] == 0, images = channels && input.Rank == 4 && !sum.Axes.AsSpan().Contains(1);
        if (rows || images)
        {
            return e.Op("BiasAddGrad"u8, images ? e.ToChannelsLast(s.X[0]) : s.X[0]).One();
        }

        bool outer = kept > 0 && sum.Axes.Length > 0 && sum.Axes[0] < kept;
        if (!outer || dtype != DType.Float32 || input.Count / Math.Max(s.Outs[0].Count, 1) < ManyTerms)
        {
            return Fold("Sum"u8, e, s.X[0], sum.Axes, sum.KeepDims);
        }

        int[] axes = sum.Axes.AsSpan().ToArray(), order = [.. Enumerable.Range(0, input.Rank).Except(axes), .. axes];
        nint moved = e.Transpose(s.X[0], Dims.Create(order));
        nint total = Fold("Sum"u8, e, moved, [.. Enumerable.Range(kept, sum.Axes.Length)], false);
        return sum.KeepDims ? e.Reshape(total, s.Outs[0].Shape.Dims) : total;
    }

    /// <summary>The lowest of equals, but the first NaN, which TensorFlow skips.</summary>
    private static nint Arg(ReadOnlySpan<byte> name, int axis, in Site s)
    {
        Emitter e = s.Emit;
        nint dimension = e.Integer(axis), found = e.Op(name, s.X[0], dimension).One();
        if (s.Ins[0].DType.IsFloating())
        {
            nint nan = e.Op("NotEqual"u8, s.X[0], s.X[0]).One();
            nint first = e.Op("ArgMax"u8, e.Cast(nan, DType.UInt8), dimension).One();
            found = e.Op("SelectV2"u8, Fold("Any"u8, e, nan, [axis], false), first, found).One();
        }

        return s.Outs[0].Rank == s.Ins[0].Rank ? e.Reshape(found, s.Outs[0].Shape.Dims) : found;
    }

    /// <summary>Sums of segments; the axes before the indexed ones go to the end and come back.</summary>
    private static nint Scattered(ScatterAdd scatter, in Site s)
    {
        Emitter e = s.Emit;
        int axis = scatter.Axis, rank = s.Ins[0].Rank, indices = s.Ins[1].Rank;
        if (axis == 0)
        {
            return e.Op("UnsortedSegmentSum"u8, s.X[0], s.X[1], e.Integer(scatter.Extent)).One();
        }

        int[] order = [.. Enumerable.Range(axis, indices), .. Enumerable.Range(0, axis), .. Enumerable.Range(axis + indices, rank - axis - indices)];
        nint moved = e.Transpose(s.X[0], Dims.Create(order));
        nint sums = e.Op("UnsortedSegmentSum"u8, e.Last(moved), s.X[1], e.Integer(scatter.Extent)).One();
        int[] back = [.. Enumerable.Range(1, axis), 0, .. Enumerable.Range(axis + 1, rank - indices - axis)];
        return e.Transpose(e.Last(sums), Dims.Create(back));
    }
}
