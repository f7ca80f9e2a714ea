using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Lowering;

internal static partial class Lowered
{
    private static nint[]? Indexed(Op op, in Site s) => op switch
    {
        Gather gather => [s.Emit.Op("GatherV2"u8, s.X[0], s.X[1], s.Emit.Integer(gather.Axis)).One()],
        ScatterAdd scatter => [Scattered(scatter, s)],
        OneHot hot => [s.Emit.Op("OneHot"u8, s.X[0], s.Emit.Integer(hot.Depth), s.Emit.Number(1, hot.DType), s.Emit.Number(0, hot.DType)).One()],
        TakeAlongAxis take => [s.Emit.Op("GatherV2"u8, s.X[0], s.X[1], s.Emit.Integer(take.Axis)).Integer("batch_dims"u8, take.Axis).One()],
        _ => null,
    };

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
