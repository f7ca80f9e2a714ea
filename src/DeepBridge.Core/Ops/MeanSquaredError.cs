using DeepBridge.Autodiff;

namespace DeepBridge.Ops;

/// <summary>(x − t)². Inputs: x and t, floating, of one spec.</summary>
/// <param name="Reduction">What becomes of the elements' losses.</param>
public sealed record MeanSquaredError(Reduction Reduction) : Op<MeanSquaredError>
{
    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Full;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 2);
        Checks.Floating(this, inputs[0]);
        Checks.Same(this, inputs[0], inputs[1]);
        Checks.HasShape(this, inputs[1], inputs[0].Shape, "the target");
        return Reduction.Infer(inputs[0]);
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Tensor distance = inputs[0].Widen() - inputs[1].Widen();
        return [Reduction.Apply(distance * distance).Cast(inputs[0].DType)];
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        Tensor gradient = new MeanSquaredErrorGradient(Reduction).Apply(b.Incoming, b.Input(0), b.Input(1));
        b.Give(0, gradient);
        if (b.Needs(1))
        {
            b.Give(1, -gradient);
        }
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 3 * inputs[0].Count;
}

/// <summary>2g · (x − t), divided by the count for a mean. Inputs: the gradient g of the loss; x; t. Output: the gradient of x.</summary>
/// <param name="Reduction">As <see cref="MeanSquaredError"/>'s.</param>
public sealed record MeanSquaredErrorGradient(Reduction Reduction) : Op<MeanSquaredErrorGradient>
{
    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 3);
        TensorSpec loss = new MeanSquaredError(Reduction).Infer(inputs[1..]);
        Checks.Same(this, inputs[0], loss);
        Checks.HasShape(this, inputs[0], loss.Shape, "the incoming gradient");
        return inputs[1];
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Tensor share = Reduction.Share(inputs[0].Widen() * 2, inputs[1].Count);
        return [((inputs[1].Widen() - inputs[2].Widen()) * share).Cast(inputs[1].DType)];
    }
}
