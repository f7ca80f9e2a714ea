using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Lowering;

internal static partial class Lowered
{
    private static T[]? Normalized<T>(Op op, in Site<T> s) => op switch
    {
        Softmax => [Rowwise("Softmax"u8, s)],
        LogSoftmax => [Rowwise("LogSoftmax"u8, s)],
        CrossEntropy loss => CrossEntropyOf(loss.Reduction, s),
        CrossEntropyGradient gradient => [CrossEntropyBack(gradient.Reduction, s)],
        BatchNorm norm => Batchwise(norm.Epsilon, s),
        BatchNormGradient norm => BatchwiseBack(norm.Epsilon, s),
        _ => null,
    };

    private static T Rowwise<T>(ReadOnlySpan<byte> name, in Site<T> s)
    {
        Shape shape = s.Ins[0].Shape;
        if (shape.Count == 0)
        {
            return s.X[0];
        }

        return shape.Rank == 2 ? s.Emit.Op(name, s.X[0]).One()
            : s.Emit.Reshape(s.Emit.Op(name, s.Emit.Reshape(s.X[0], [Rows(shape), shape[^1]])).One(), shape.Dims);
    }

    private static T[] CrossEntropyOf<T>(Reduction reduction, in Site<T> s)
    {
        Emitter<T> e = s.Emit;
        DType dtype = s.Ins[0].DType;
        T logs = e.Op("LogSoftmax"u8, s.X[0]).One();
        T picked = e.Op("GatherV2"u8, logs, s.X[1], e.Integer(1)).Integer("batch_dims"u8, 1).One();
        T loss = e.Op("Neg"u8, e.Last(picked)).One();
        if (reduction != Reduction.None)
        {
            loss = Fold("Sum"u8, e, loss, [0], false);
            loss = reduction == Reduction.Sum ? loss : e.Op("RealDiv"u8, loss, e.Number((double)s.Ins[1].Count, dtype)).One();
        }

        return [loss, logs];
    }

    private static T CrossEntropyBack<T>(Reduction reduction, in Site<T> s)
    {
        Emitter<T> e = s.Emit;
        Shape logs = s.Ins[1].Shape;
        DType dtype = s.Ins[1].DType;
        T hot = e.Op("OneHot"u8, s.X[2], e.Integer(logs[1]), e.Number(1, dtype), e.Number(0, dtype)).One();
        T distance = e.Op("Sub"u8, e.Last(e.Op("Exp"u8, s.X[1]).One()), e.Last(hot)).One();
        T share = reduction switch
        {
            Reduction.None => e.Reshape(s.X[0], [logs[0], 1]),
            Reduction.Mean => e.Op("RealDiv"u8, s.X[0], e.Number((double)logs[0], dtype)).One(),
            _ => s.X[0],
        };
        return e.Op("Mul"u8, e.Last(distance), share).One();
    }

    /// <summary>FusedBatchNormV3's second reserve is the biased variance; its third output the unbiased one.</summary>
    private static T[] Batchwise<T>(double epsilon, in Site<T> s)
    {
        Emitter<T> e = s.Emit;
        T none = e.Constant(new TensorSpec([0], DType.Float32), []);
        T[] all = e.Op("FusedBatchNormV3"u8, Plane(s, 0), s.X[1], s.X[2], none, none)
            .Real("epsilon"u8, (float)epsilon).Flag("is_training"u8, true).Many(6);
        return [FromPlane(e, all[0], s.Ins[0].Shape), all[1], all[4]];
    }

    private static T[] BatchwiseBack<T>(double epsilon, in Site<T> s)
    {
        Emitter<T> e = s.Emit;
        T none = e.Constant(new TensorSpec([0], DType.Float32), []);
        T[] all = e.Op("FusedBatchNormGradV3"u8, Plane(s, 0), Plane(s, 1), s.X[2], s.X[3], s.X[4], none)
            .Real("epsilon"u8, (float)epsilon).Flag("is_training"u8, true).Many(5);
        return [FromPlane(e, all[0], s.Ins[1].Shape), all[1], all[2]];
    }

    /// <summary>(N, C, d…) as (N, H, W, C).</summary>
    private static T Plane<T>(in Site<T> s, int input)
    {
        Shape shape = s.Ins[input].Shape;
        return shape.Rank switch
        {
            2 => s.Emit.Reshape(s.X[input], [shape[0], 1, 1, shape[1]]),
            4 => s.Emit.ToChannelsLast(s.X[input]),
            _ => s.Emit.ToChannelsLast(s.Emit.Reshape(s.X[input], [shape[0], shape[1], 1, Rest(shape)])),
        };
    }

    private static T FromPlane<T>(Emitter<T> e, T y, Shape shape) => shape.Rank switch
    {
        2 => e.Reshape(y, shape.Dims),
        4 => e.FromChannelsLast(y),
        _ => e.Reshape(e.FromChannelsLast(y), shape.Dims),
    };

    private static int Rest(Shape shape)
    {
        int rest = 1;
        foreach (int extent in shape.AsSpan()[2..])
        {
            rest = checked(rest * extent);
        }

        return rest;
    }
}
