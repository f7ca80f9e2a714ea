using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Lowering;

internal static partial class Lowered
{
    private static T[]? Normalized<T>(Op op, in Site<T> s) => op switch
    {
        Softmax => [Rowwise("Softmax"u8, s)],
        LogSoftmax => [Rowwise("LogSoftmax"u8, s)],
        CrossEntropy loss => CrossEntropyOf(loss, s),
        CrossEntropyGradient gradient => [CrossEntropyBack(gradient, s)],
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

    private static T[] CrossEntropyOf<T>(CrossEntropy op, in Site<T> s)
    {
        Emitter<T> e = s.Emit;
        DType dtype = s.Ins[0].DType;
        bool ignores = Ignores(s, 1, op.IgnoreIndex);
        (T labels, T kept) = ignores ? Separate(s, 1, op.IgnoreIndex!.Value) : (s.X[1], default(T)!);
        T logs = e.Op("LogSoftmax"u8, s.X[0]).One();
        T loss = e.Op("SparseSoftmaxCrossEntropyWithLogits"u8, s.X[0], labels).Many(2)[0];
        loss = ignores ? e.Op("SelectV2"u8, kept, loss, e.Number(0, dtype)).One() : loss;
        return [op.Reduction switch
        {
            Reduction.None => loss,
            Reduction.Mean when !ignores => Fold("Mean"u8, e, loss, [0], false),
            Reduction.Mean => e.Op("RealDiv"u8, Fold("Sum"u8, e, loss, [0], false), Fold("Sum"u8, e, e.Cast(kept, dtype), [0], false)).One(),
            _ => Fold("Sum"u8, e, loss, [0], false),
        }, logs];
    }

    /// <summary>The kernel's own gradient; the logarithms of probabilities have the same probabilities as the logits.</summary>
    private static T CrossEntropyBack<T>(CrossEntropyGradient op, in Site<T> s)
    {
        Emitter<T> e = s.Emit;
        int rows = s.Ins[1].Shape[0];
        DType dtype = s.Ins[1].DType;
        bool ignores = Ignores(s, 2, op.IgnoreIndex);
        (T labels, T kept) = ignores ? Separate(s, 2, op.IgnoreIndex!.Value) : (s.X[2], default(T)!);
        T distance = e.Op("SparseSoftmaxCrossEntropyWithLogits"u8, s.X[1], labels).Many(2)[1];
        T share = op.Reduction switch
        {
            Reduction.None => e.Reshape(s.X[0], [rows, 1]),
            Reduction.Mean => e.Op(
                "RealDiv"u8, s.X[0], ignores ? Fold("Sum"u8, e, e.Cast(kept, dtype), [0], false) : e.Number((double)rows, dtype)).One(),
            _ => s.X[0],
        };
        T gradient = e.Op("Mul"u8, e.Last(distance), share).One();
        return ignores ? e.Op("SelectV2"u8, e.Reshape(kept, [rows, 1]), gradient, e.Number(0, dtype)).One() : gradient;
    }

    /// <summary>Whether labels may be ignored ones, so far as the host can see.</summary>
    private static bool Ignores<T>(in Site<T> s, int input, long? ignored) =>
        ignored is { } value && (s.Ins[input].DType == DType.Int64 || value == (int)value) && s.Emit.Holds(s.X[input], s.Ins[input], value) != false;

    /// <summary>Labels of which none is ignored (0 stands for those), and which are kept.</summary>
    private static (T Labels, T Kept) Separate<T>(in Site<T> s, int input, long ignored)
    {
        Emitter<T> e = s.Emit;
        T labels = s.X[input];
        DType dtype = s.Ins[input].DType;
        T kept = e.Op("NotEqual"u8, labels, e.Number(ignored, dtype)).One();
        return (e.Op("SelectV2"u8, kept, labels, e.Number(0, dtype)).One(), kept);
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
