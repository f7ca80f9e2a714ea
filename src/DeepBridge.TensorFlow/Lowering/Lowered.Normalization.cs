using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Lowering;

internal static partial class Lowered
{
    private static nint Rowwise(ReadOnlySpan<byte> name, in Site s)
    {
        (Emitter e, Shape shape) = (s.Emit, s.Ins[0].Shape);
        if (shape.Count == 0)
        {
            return s.X[0];
        }

        nint x = shape.Rank == 2 ? s.X[0] : e.Reshape(s.X[0], [-1, shape[^1]]), y = e.Op(name, x).One();
        if (e.IsRewritten)
        {
            // In a graph, TensorFlow and XLA make a row with NaN or infinity 0 elsewhere. Its maximum less itself is NaN.
            nint most = Fold("Max"u8, e, x, [1], true);
            y = e.Op("AddV2"u8, y, e.Op("Sub"u8, most, most).One()).One();
        }

        return shape.Rank == 2 ? y : e.Reshape(y, shape.Dims);
    }

    /// <summary>The kernel gives the losses and their gradient at once. Kept: the logits, the gradient; which labels count, and how many.</summary>
    private static nint CrossEntropyOf(CrossEntropy op, in Site s, out nint[] kept)
    {
        Emitter e = s.Emit;
        (nint labels, nint counts, nint number) = (s.X[1], 0, 0);
        bool ignores = Ignores(s, op.IgnoreIndex);
        if (ignores)
        {
            // 0 stands for the labels that are ignored.
            counts = e.Op("NotEqual"u8, labels, e.Number(op.IgnoreIndex!.Value, s.Ins[1].DType)).One();
            labels = e.Op("Mul"u8, labels, e.Cast(counts, s.Ins[1].DType)).One();
        }

        nint[] both = e.Op("SparseSoftmaxCrossEntropyWithLogits"u8, s.X[0], labels).Many(2);
        nint loss = both[0];
        kept = [s.X[0], both[1]];
        if (ignores)
        {
            number = Fold("Sum"u8, e, e.Cast(counts, s.Ins[0].DType), [0], false);
            kept = [.. kept, counts, number];
            loss = e.Op("SelectV2"u8, counts, loss, e.Op("ZerosLike"u8, loss).One()).One();
        }

        return op.Reduction switch
        {
            Reduction.None => loss,
            Reduction.Mean when !ignores => Fold("Mean"u8, e, loss, [0], false),
            Reduction.Mean => e.Op("RealDiv"u8, Fold("Sum"u8, e, loss, [0], false), number).One(),
            _ => Fold("Sum"u8, e, loss, [0], false),
        };
    }

    private static nint CrossEntropyBack(Emitter e, CrossEntropy op, Deferred left, nint incoming)
    {
        int rows = left.Ins[0].Shape[0];
        bool ignores = left.Kept.Length > 2;
        nint share = op.Reduction switch
        {
            Reduction.None => e.Reshape(incoming, [rows, 1]),
            Reduction.Mean when !ignores && e.NumberOf(incoming) is { } number => e.Number(number / rows, left.Ins[0].DType),
            Reduction.Mean => e.Op("RealDiv"u8, incoming, ignores ? left.Kept[3] : e.Number((double)rows, left.Ins[0].DType)).One(),
            _ => incoming,
        };
        nint gradient = e.Op("Mul"u8, left.Kept[1], share).One();
        return ignores ? e.Op("SelectV2"u8, e.Reshape(left.Kept[2], [rows, 1]), gradient, e.Number(0, left.Ins[0].DType)).One() : gradient;
    }

    /// <summary>Whether labels may be ignored ones, so far as the host can see.</summary>
    private static bool Ignores(in Site s, long? ignored) =>
        ignored is { } value && (s.Ins[1].DType == DType.Int64 || value == (int)value) && s.Emit.Holds(s.X[1], s.Ins[1], value) != false;

    /// <summary>FusedBatchNormV3's second reserve is the biased variance; its third output the unbiased one.</summary>
    private static nint[] Batchwise(double epsilon, in Site s)
    {
        Emitter e = s.Emit;
        nint none = e.Constant(new TensorSpec([0], DType.Float32), []);
        nint[] all = e.Op("FusedBatchNormV3"u8, Image(e, s.X[0], s.Ins[0].Shape), s.X[1], s.X[2], none, none)
            .Real("epsilon"u8, (float)epsilon).Flag("is_training"u8, true).Many(6);
        return [FromImage(e, all[0], s.Ins[0].Shape), all[1], all[4]];
    }

    private static nint[] BatchwiseBack(double epsilon, in Site s)
    {
        Emitter e = s.Emit;
        nint none = e.Constant(new TensorSpec([0], DType.Float32), []);
        nint[] all = e.Op("FusedBatchNormGradV3"u8, Image(e, s.X[0], s.Ins[0].Shape), Image(e, s.X[1], s.Ins[1].Shape), s.X[2], s.X[3], s.X[4], none)
            .Real("epsilon"u8, (float)epsilon).Flag("is_training"u8, true).Many(5);
        return [FromImage(e, all[0], s.Ins[1].Shape), all[1], all[2]];
    }
}
