using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Lowering;

internal static partial class Lowered
{
    // From so many terms on, TensorFlow's sum over outer axes, which adds row to row, is less exact than it should be.
    private const int ManyTerms = 512;

    private static nint[]? Reduced(Op op, in Site s) => op switch
    {
        Sum sum => [Summed(sum, s)],
        Product product => [Fold("Prod"u8, s.Emit, s.X[0], product.Axes, product.KeepDims)],
        Max max => [Extremum(s.Ins[0].DType == DType.Bool ? "Any"u8 : "Max"u8, max.Axes, max.KeepDims, s)],
        Min min => [Extremum(s.Ins[0].DType == DType.Bool ? "All"u8 : "Min"u8, min.Axes, min.KeepDims, s)],
        Any any => [Fold("Any"u8, s.Emit, s.X[0], any.Axes, any.KeepDims)],
        All all => [Fold("All"u8, s.Emit, s.X[0], all.Axes, all.KeepDims)],
        ArgMax argMax => [Arg("ArgMax"u8, argMax.Axis, s)],
        ArgMin argMin => [Arg("ArgMin"u8, argMin.Axis, s)],
        CumulativeSum cumulative => [s.Emit.Op("Cumsum"u8, s.X[0], s.Emit.Integer(cumulative.Axis)).One()],
        _ => null,
    };

    private static nint Fold(ReadOnlySpan<byte> name, Emitter e, nint x, Dims axes, bool keep) =>
        e.Op(name, x, e.Integers(axes)).Flag("keep_dims"u8, keep).One();

    private static nint Extremum(ReadOnlySpan<byte> name, Dims axes, bool keep, in Site s) => Fold(name, s.Emit, s.X[0], axes, keep);

    private static nint Summed(Sum sum, in Site s)
    {
        Emitter e = s.Emit;
        Shape input = s.Ins[0].Shape;
        long terms = 1;
        foreach (int axis in sum.Axes)
        {
            terms *= input[axis];
        }

        int kept = input.Rank - sum.Axes.Length;
        DType dtype = s.Ins[0].DType;
        bool channels = kept == 1 && !sum.KeepDims && dtype.IsFloating() && s.Ins[0].Count > 0;
        if (channels && input.Rank == 2 && sum.Axes[0] == 0)
        {
            return e.Op("BiasAddGrad"u8, s.X[0]).One();
        }

        if (channels && input.Rank == 4 && !Contains(sum.Axes, 1))
        {
            return e.Op("BiasAddGrad"u8, e.ToChannelsLast(s.X[0])).One();
        }

        bool outer = kept > 0 && sum.Axes.Length > 0 && sum.Axes[0] < kept;
        if (!outer || terms < ManyTerms || dtype != DType.Float32)
        {
            return Fold("Sum"u8, e, s.X[0], sum.Axes, sum.KeepDims);
        }

        int[] order = [.. Enumerable.Range(0, input.Rank).Where(axis => !Contains(sum.Axes, axis)), .. sum.Axes.AsSpan()];
        nint moved = e.Transpose(s.X[0], Dims.Create(order));
        nint total = Fold("Sum"u8, e, moved, [.. Enumerable.Range(kept, sum.Axes.Length)], false);
        return sum.KeepDims ? e.Reshape(total, s.Outs[0].Shape.Dims) : total;
    }

    private static bool Contains(Dims dims, int value) => dims.AsSpan().Contains(value);

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
}
