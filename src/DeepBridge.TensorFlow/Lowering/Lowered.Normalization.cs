using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Lowering;

internal static partial class Lowered
{
    private static T[]? Normalized<T>(Op op, in Site<T> s) => op switch
    {
        Softmax => [Rowwise("Softmax"u8, s)],
        LogSoftmax => [Rowwise("LogSoftmax"u8, s)],
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

    /// <summary>The kernel gives the losses and their gradient at once. Kept: the logits, the gradient; which labels count, and how many.</summary>
    private static T CrossEntropyOf<T>(CrossEntropy op, in Site<T> s, out T[] kept)
    {
        Emitter<T> e = s.Emit;
        DType dtype = s.Ins[0].DType;
        bool ignores = Ignores(s, op.IgnoreIndex);
        (T labels, T counts) = ignores ? Separate(s, op.IgnoreIndex!.Value) : (s.X[1], default(T)!);
        T[] both = e.Op("SparseSoftmaxCrossEntropyWithLogits"u8, s.X[0], labels).Many(2);
        T loss = both[0];
        if (!ignores)
        {
            kept = [s.X[0], both[1]];
            return op.Reduction == Reduction.None ? loss : Fold(op.Reduction == Reduction.Mean ? "Mean"u8 : "Sum"u8, e, loss, [0], false);
        }

        T number = Fold("Sum"u8, e, e.Cast(counts, dtype), [0], false);
        kept = [s.X[0], both[1], counts, number];
        loss = e.Op("SelectV2"u8, counts, loss, e.Op("ZerosLike"u8, loss).One()).One();
        loss = op.Reduction == Reduction.None ? loss : Fold("Sum"u8, e, loss, [0], false);
        return op.Reduction == Reduction.Mean ? e.Op("RealDiv"u8, loss, number).One() : loss;
    }

    private static T CrossEntropyBack<T>(Emitter<T> e, CrossEntropy op, Deferred<T> left, T incoming)
    {
        int rows = left.Ins[0].Shape[0];
        bool ignores = left.Kept.Length > 2;
        T share = op.Reduction switch
        {
            Reduction.None => e.Reshape(incoming, [rows, 1]),
            Reduction.Mean => e.Op("RealDiv"u8, incoming, ignores ? left.Kept[3] : e.Number((double)rows, left.Ins[0].DType)).One(),
            _ => incoming,
        };
        T gradient = e.Op("Mul"u8, left.Kept[1], share).One();
        return ignores ? e.Op("SelectV2"u8, e.Reshape(left.Kept[2], [rows, 1]), gradient, e.Number(0, left.Ins[0].DType)).One() : gradient;
    }

    /// <summary>Whether labels may be ignored ones, so far as the host can see.</summary>
    private static bool Ignores<T>(in Site<T> s, long? ignored) =>
        ignored is { } value && (s.Ins[1].DType == DType.Int64 || value == (int)value) && s.Emit.Holds(s.X[1], s.Ins[1], value) != false;

    /// <summary>Labels of which none is ignored (0 stands for those), and which are kept.</summary>
    private static (T Labels, T Kept) Separate<T>(in Site<T> s, long ignored)
    {
        Emitter<T> e = s.Emit;
        T labels = s.X[1];
        DType dtype = s.Ins[1].DType;
        T kept = e.Op("NotEqual"u8, labels, e.Number(ignored, dtype)).One();
        return (e.Op("Mul"u8, labels, e.Cast(kept, dtype)).One(), kept);
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
        4 => e.FromChannelsLast(e.Last(y)),
        _ => e.Reshape(e.FromChannelsLast(e.Last(y)), shape.Dims),
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
