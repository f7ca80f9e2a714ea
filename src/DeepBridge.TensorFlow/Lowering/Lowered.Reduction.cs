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
        long terms = s.Ins[0].Count / Math.Max(s.Outs[0].Count, 1);
        int kept = input.Rank - sum.Axes.Length;
        DType dtype = s.Ins[0].DType;
        bool columns = input.Rank == 2 && kept == 1 && sum.Axes[0] == 0, channels = input.Rank == 4 && kept == 1 && !Contains(sum.Axes, 1);
        if ((columns || channels) && !sum.KeepDims && dtype.IsFloating() && s.Ins[0].Count is > 0 and <= int.MaxValue)
        {
            // By parts of the rows, and then those: a part is a divisor near the root.
            int rows = (int)terms, width = s.Outs[0].Shape[0], parts = rows < ManyTerms ? 1 : (int)Math.Sqrt(rows);
            for (; rows % parts != 0; parts--)
            {
            }

            if (rows / parts < 8 * ManyTerms)
            {
                nint x = columns ? s.X[0] : e.ToChannelsLast(s.X[0]);
                return parts == 1 ? Rows(x) : Rows(e.Reshape(Rows(e.Reshape(x, [rows / parts, parts * width])), [parts, width]));
            }
        }

        nint Rows(nint x) => e.Op("BiasAddGrad"u8, x).One();
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

    /// <summary>The lowest of equals, but the first NaN, which TensorFlow skips; of three axes, since its kernels have seven.</summary>
    private static nint Arg(ReadOnlySpan<byte> name, int axis, in Site s)
    {
        Emitter e = s.Emit;
        ReadOnlySpan<int> extents = s.Ins[0].Shape.AsSpan();
        nint x = e.Reshape(s.X[0], [Count(extents[..axis]), extents[axis], Count(extents[(axis + 1)..])]);
        nint middle = e.Integer(1), found = e.Op(name, x, middle).One();
        if (s.Ins[0].DType.IsFloating())
        {
            nint nan = e.Op("NotEqual"u8, x, x).One();
            nint first = e.Op("ArgMax"u8, e.Cast(nan, DType.UInt8), middle).One();
            found = e.Op("SelectV2"u8, Fold("Any"u8, e, nan, [1], false), first, found).One();
        }

        return e.Reshape(found, s.Outs[0].Shape.Dims);
    }

    private static int Count(ReadOnlySpan<int> extents) => checked((int)Shape.Create(extents).Count);

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
