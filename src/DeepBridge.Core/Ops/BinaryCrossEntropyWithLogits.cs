using DeepBridge.Autodiff;

namespace DeepBridge.Ops;

/// <summary>
/// (1 − t) · softplus(x) + w · t · softplus(−x): the cross-entropy of sigmoid(x), without its overflow and cancellation.
/// Inputs: logits x and probabilities t, floating, of one spec; optionally a weight w of the positive outcome that
/// broadcasts to them.
/// </summary>
/// <param name="Reduction">What becomes of the elements' losses.</param>
public sealed record BinaryCrossEntropyWithLogits(Reduction Reduction) : Op<BinaryCrossEntropyWithLogits>
{
    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Full;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 2, 3);
        Checks.Floating(this, inputs[0]);
        Checks.Same(this, inputs[0], inputs[1]);
        Checks.HasShape(this, inputs[1], inputs[0].Shape, "the target");
        if (inputs.Length == 3)
        {
            Checks.Same(this, inputs[0], inputs[2]);
            if (!Broadcasting.Fits(inputs[2].Shape, inputs[0].Shape))
            {
                throw new ShapeMismatchException(
                    Name, $"the weight of the positive outcome, {inputs[2].Shape}, does not broadcast to the logits' shape {inputs[0].Shape}.", [inputs[2].Shape, inputs[0].Shape]);
            }
        }

        return Reduction.Infer(inputs[0]);
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Softplus softplus = new(1, double.PositiveInfinity);
        Tensor x = inputs[0].Widen(), target = inputs[1].Widen();
        Tensor positive = inputs.Length == 3 ? target * inputs[2].Widen() : target;
        Tensor losses = ((1 - target) * softplus.Apply(x)) + (positive * softplus.Apply(-x));
        return [Reduction.Apply(losses).Cast(inputs[0].DType)];
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        if (b.Needs(1) || (b.InputCount == 3 && b.Needs(2)))
        {
            b.Replay(this);
            return;
        }

        BinaryCrossEntropyWithLogitsGradient op = new(Reduction);
        b.Give(0, b.InputCount == 3
            ? op.Apply(b.Incoming, b.Input(0), b.Input(1), b.Input(2))
            : op.Apply(b.Incoming, b.Input(0), b.Input(1)));
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 8 * inputs[0].Count;
}

/// <summary>
/// g · ((1 − t) · sigmoid(x) − w · t · sigmoid(−x)), divided by the count for a mean. Inputs: the gradient g of the loss;
/// x; t; optionally w. Output: the gradient of x.
/// </summary>
/// <param name="Reduction">As <see cref="BinaryCrossEntropyWithLogits"/>'s.</param>
public sealed record BinaryCrossEntropyWithLogitsGradient(Reduction Reduction) : Op<BinaryCrossEntropyWithLogitsGradient>
{
    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 3, 4);
        TensorSpec loss = new BinaryCrossEntropyWithLogits(Reduction).Infer(inputs[1..]);
        Checks.Same(this, inputs[0], loss);
        Checks.HasShape(this, inputs[0], loss.Shape, "the incoming gradient");
        return inputs[1];
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Tensor x = inputs[1].Widen(), target = inputs[2].Widen();
        Tensor positive = inputs.Length == 4 ? target * inputs[3].Widen() : target;
        Tensor slope = ((1 - target) * x.Sigmoid()) - (positive * (-x).Sigmoid());
        return [(slope * Reduction.Share(inputs[0].Widen(), x.Count)).Cast(inputs[1].DType)];
    }
}
