using DeepBridge.Autodiff;

namespace DeepBridge.Ops;

/// <summary>The base of softmax and its logarithm. Input: a floating tensor.</summary>
/// <typeparam name="TSelf">The op itself.</typeparam>
/// <param name="Axis">The axis that sums to 1, from 0.</param>
public abstract record SoftmaxOp<TSelf>(int Axis) : Op<TSelf>
    where TSelf : SoftmaxOp<TSelf>
{
    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Full;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Output;

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 1);
        Checks.Floating(this, inputs[0]);
        Checks.Axis(this, Axis, inputs[0].Shape);
        return inputs[0];
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        if (inputs[0].Count == 0)
        {
            return [inputs[0]];
        }

        Tensor x = inputs[0].Widen();
        return [Normalize(x - x.Detach().Max([Axis], keepDims: true)).Cast(inputs[0].DType)];
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 5 * inputs[0].Count;

    /// <summary>The rest of the formula.</summary>
    /// <param name="shifted">The input less its maximum.</param>
    /// <returns>The output.</returns>
    protected abstract Tensor Normalize(Tensor shifted);
}

/// <summary>eˣ / Σ eˣ along an axis, shifted by the maximum; a row of −∞ is NaN.</summary>
/// <inheritdoc cref="SoftmaxOp{TSelf}"/>
public sealed record Softmax(int Axis) : SoftmaxOp<Softmax>(Axis)
{
    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, new SoftmaxGradient(Axis).Apply(b.Incoming, b.Output()));

    /// <inheritdoc/>
    protected override Tensor Normalize(Tensor shifted)
    {
        Tensor exponentials = shifted.Exp();
        return exponentials / exponentials.Sum(Axis, keepDims: true);
    }
}

/// <summary>x − log Σ eˣ along an axis, shifted by the maximum.</summary>
/// <inheritdoc cref="SoftmaxOp{TSelf}"/>
public sealed record LogSoftmax(int Axis) : SoftmaxOp<LogSoftmax>(Axis)
{
    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, new LogSoftmaxGradient(Axis).Apply(b.Incoming, b.Output()));

    /// <inheritdoc/>
    protected override Tensor Normalize(Tensor shifted) => shifted - shifted.Exp().Sum(Axis, keepDims: true).Log();
}

/// <summary>The base of the gradients of softmax and its logarithm. Inputs: the incoming gradient g; the output y, of its spec.</summary>
/// <typeparam name="TSelf">The op itself.</typeparam>
/// <param name="Axis">The axis, from 0.</param>
public abstract record SoftmaxGradientOp<TSelf>(int Axis) : Op<TSelf>
    where TSelf : SoftmaxGradientOp<TSelf>
{
    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 2);
        Checks.Floating(this, inputs[0]);
        Checks.Same(this, inputs[0], inputs[1]);
        Checks.HasShape(this, inputs[0], inputs[1].Shape, "the incoming gradient");
        Checks.Axis(this, Axis, inputs[1].Shape);
        return inputs[1];
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs) =>
        [Formula(inputs[0].Widen(), inputs[1].Widen()).Cast(inputs[1].DType)];

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 4 * inputs[0].Count;

    /// <summary>The formula.</summary>
    /// <param name="g">The incoming gradient.</param>
    /// <param name="y">The output.</param>
    /// <returns>The gradient of the input.</returns>
    protected abstract Tensor Formula(Tensor g, Tensor y);
}

/// <summary>y · (g − Σ g·y).</summary>
/// <inheritdoc cref="SoftmaxGradientOp{TSelf}"/>
public sealed record SoftmaxGradient(int Axis) : SoftmaxGradientOp<SoftmaxGradient>(Axis)
{
    /// <inheritdoc/>
    protected override Tensor Formula(Tensor g, Tensor y) => y * (g - (g * y).Sum(Axis, keepDims: true));
}

/// <summary>g − e^y · Σ g.</summary>
/// <inheritdoc cref="SoftmaxGradientOp{TSelf}"/>
public sealed record LogSoftmaxGradient(int Axis) : SoftmaxGradientOp<LogSoftmaxGradient>(Axis)
{
    /// <inheritdoc/>
    protected override Tensor Formula(Tensor g, Tensor y) => g - (y.Exp() * g.Sum(Axis, keepDims: true));
}
