namespace DeepBridge.Torch;

/// <content>Ops that fold axes. libtorch takes an empty list of axes for all of them: here it means none.</content>
public sealed partial class TorchSharpBackend
{
    private void ImplementReductions()
    {
        Fold<Sum>(static (op, x, type) => x.sum(op.Axes.ToLongs(), op.KeepDims, type));
        Fold<Mean>(static (op, x, _) => x.mean(op.Axes.ToLongs(), op.KeepDims));
        Fold<Max>(static (op, x, _) => x.amax(op.Axes.ToLongs(), op.KeepDims));
        Fold<Min>(static (op, x, _) => x.amin(op.Axes.ToLongs(), op.KeepDims));
        Fold<Product>(static (op, x, type) => EachAxis(x, op.Axes, (part, axis) => part.prod(axis, op.KeepDims, type)));
        Fold<Any>(static (op, x, _) => EachAxis(x, op.Axes, (part, axis) => part.any(axis, op.KeepDims)));
        Fold<All>(static (op, x, _) => EachAxis(x, op.Axes, (part, axis) => part.all(axis, op.KeepDims)));
        Implement<Variance>(
            static (op, in call) => Out(call, In(call, 0).var(op.Axes.ToLongs(), op.Correction == 1, op.KeepDims)),
            static (op, inputs) => op.Axes.Length > 0 && op.Correction is 0 or 1 && op.Folded(inputs[0].Shape) > op.Correction);
        Implement<LogSumExp>(
            static (op, in call) => Out(call, In(call, 0).logsumexp(op.Axes[0], op.KeepDims)),
            static (op, inputs) => op.Axes.Length == 1 && inputs[0].Count > 0);
        Implement<ArgMax>(static (op, in call) => Out(call, In(call, 0).argmax(op.Axis, op.KeepDims)));
        Implement<ArgMin>(static (op, in call) => Out(call, In(call, 0).argmin(op.Axis, op.KeepDims)));
        Implement<CumulativeSum>(static (op, in call) => Out(call, In(call, 0).cumsum(op.Axis, call.OutputSpecs[0].DType.ToTorch())));
        Implement<SquaredNorm>(static (_, in call) =>
        {
            using Native squares = In(call, 0).mul(In(call, 0));
            Out(call, squares.sum(call.OutputSpecs[0].DType.ToTorch()));
        });
    }

    private void Fold<TOp>(Func<TOp, Native, ScalarType, Native> fold)
        where TOp : ReductionOp<TOp> => Implement<TOp>((op, in call) =>
        {
            if (op.Axes.Length == 0)
            {
                OutSame(call);
                return;
            }

            Out(call, fold(op, In(call, 0), call.OutputSpecs[0].DType.ToTorch()));
        });

    /// <summary>Folds one axis after the other, from the last.</summary>
    private static Native EachAxis(Native x, Dims axes, Func<Native, int, Native> fold)
    {
        Native folded = fold(x, axes[^1]);
        for (int i = axes.Length - 2; i >= 0; i--)
        {
            using Native part = folded;
            folded = fold(part, axes[i]);
        }

        return folded;
    }
}
