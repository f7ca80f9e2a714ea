using DeepBridge.Autodiff;
using DeepBridge.Backends;

namespace DeepBridge.Ops;

/// <summary>
/// Cross-entropy of class labels, with PyTorch's semantics. Inputs: logits (N, C, d…), floating; labels (N, d…), int32 or
/// int64, 0 to C − 1. Outputs: the loss; the logarithms of the probabilities, of the logits' spec, which the gradient
/// reads.
/// </summary>
/// <param name="LabelSmoothing">ε, 0 to 1: the target is (1 − ε) at the label plus ε/C everywhere.</param>
/// <param name="IgnoreIndex">A label, in or out of range, whose loss and gradient are 0; null: none.</param>
/// <param name="Reduction">The mean divides by the number of labels that are not ignored.</param>
public sealed record CrossEntropy(double LabelSmoothing, long? IgnoreIndex, Reduction Reduction) : Op<CrossEntropy>, IBoundedOp
{
    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Full;

    /// <inheritdoc/>
    public override int OutputCount => 2;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => new(2, 2);

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        Checks.Inputs(this, inputs, 2);
        CrossEntropyRules.Check(this, inputs[0], inputs[1], LabelSmoothing);
        outputs[0] = Reduction.Infer(inputs[0].As(inputs[1].Shape));
        outputs[1] = inputs[0];
    }

    /// <inheritdoc/>
    public IReadOnlyList<ValueBound> Bounds(ReadOnlySpan<TensorSpec> inputs) =>
        [new ValueBound(1, 0, inputs[0].Shape[1] - 1, IgnoreIndex)];

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Tensor logs = new LogSoftmax(1).Apply(inputs[0].Widen());
        (Tensor labels, Tensor? kept) = CrossEntropyRules.Separate(inputs[1], IgnoreIndex);
        Tensor losses = -logs.TakeAlongAxis(labels.Unsqueeze(1), 1).Squeeze(1);
        if (LabelSmoothing > 0)
        {
            losses = (losses * (1 - LabelSmoothing)) - (logs.Sum(1) * (LabelSmoothing / logs.Shape[1]));
        }

        if (kept is not null)
        {
            losses = Tensor.Where(kept, losses, losses.ZerosLike());
        }

        Tensor loss = kept is not null && Reduction == Reduction.Mean
            ? losses.Sum() / kept.Sum().Cast(losses.DType)
            : Reduction.Apply(losses);
        return [loss.Cast(inputs[0].DType), logs.Cast(inputs[0].DType)];
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        if (b.IncomingOf(0) is { } loss)
        {
            b.Give(0, new CrossEntropyGradient(LabelSmoothing, IgnoreIndex, Reduction).Apply(loss, b.Output(1), b.Input(1)));
        }

        if (b.IncomingOf(1) is { } logs)
        {
            b.Give(0, new LogSoftmaxGradient(1).Apply(logs, b.Output(1)));
        }
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 5 * inputs[0].Count;
}

/// <summary>
/// g · (p − target), 0 at ignored labels. Inputs: the gradient g of the loss; the logarithms of the probabilities p
/// (N, C, d…); labels (N, d…). Output: the gradient of the logits.
/// </summary>
/// <param name="LabelSmoothing">As <see cref="CrossEntropy"/>'s.</param>
/// <param name="IgnoreIndex">As <see cref="CrossEntropy"/>'s.</param>
/// <param name="Reduction">As <see cref="CrossEntropy"/>'s.</param>
public sealed record CrossEntropyGradient(double LabelSmoothing, long? IgnoreIndex, Reduction Reduction)
    : Op<CrossEntropyGradient>, IBoundedOp
{
    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 3);
        CrossEntropyRules.Check(this, inputs[1], inputs[2], LabelSmoothing);
        Checks.Same(this, inputs[0], inputs[1]);
        Checks.HasShape(this, inputs[0], Reduction == Reduction.None ? inputs[2].Shape : default, "the incoming gradient");
        return inputs[1];
    }

    /// <inheritdoc/>
    public IReadOnlyList<ValueBound> Bounds(ReadOnlySpan<TensorSpec> inputs) =>
        [new ValueBound(2, 0, inputs[1].Shape[1] - 1, IgnoreIndex)];

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Tensor g = inputs[0].Widen(), logs = inputs[1].Widen();
        (Tensor labels, Tensor? kept) = CrossEntropyRules.Separate(inputs[2], IgnoreIndex);
        Tensor target = labels.OneHot(logs.Shape[1], logs.DType).MoveAxis(-1, 1);
        if (LabelSmoothing > 0)
        {
            target = (target * (1 - LabelSmoothing)) + (LabelSmoothing / logs.Shape[1]);
        }

        g = Reduction switch
        {
            Reduction.None => g.Unsqueeze(1),
            Reduction.Mean when kept is not null => g / kept.Sum().Cast(g.DType),
            _ => Reduction.Share(g, labels.Count),
        };
        Tensor gradient = (logs.Exp() - target) * g;
        if (kept is not null)
        {
            gradient = Tensor.Where(kept.Unsqueeze(1), gradient, gradient.ZerosLike());
        }

        return [gradient.Cast(inputs[1].DType)];
    }
}

/// <summary>What both share.</summary>
file static class CrossEntropyRules
{
    internal static void Check(Op op, TensorSpec logits, TensorSpec labels, double smoothing)
    {
        Checks.Floating(op, logits);
        Checks.Index(op, labels, "labels");
        Checks.Rank(op, logits, 2, int.MaxValue, "the logits");
        if (labels.Shape != logits.Shape.Without(1))
        {
            Checks.HasShape(op, labels, logits.Shape.Without(1), $"labels for logits of shape {logits.Shape}");
        }

        Checks.Attribute(op, smoothing is >= 0 and <= 1, $"label smoothing must be from 0 to 1, got {smoothing}.");
    }

    /// <summary>Labels of which none is ignored (0 stands for those), and which are kept; null: all.</summary>
    internal static (Tensor Labels, Tensor? Kept) Separate(Tensor labels, long? ignored)
    {
        labels = labels.Cast(DType.Int64);
        if (ignored is not { } value)
        {
            return (labels, null);
        }

        Tensor kept = labels != value;
        return (Tensor.Where(kept, labels, labels.ZerosLike()), kept);
    }
}
