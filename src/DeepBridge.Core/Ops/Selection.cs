using DeepBridge.Autodiff;

namespace DeepBridge.Ops;

/// <summary>The second input where the first, a bool, is true, else the third; all three broadcast.</summary>
public sealed record Where : Op<Where>
{
    /// <summary>The op.</summary>
    public static readonly Where Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Input(0);

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 3);
        Checks.Is(this, inputs[0], DType.Bool, "the condition");
        Checks.Same(this, inputs[1], inputs[2]);
        Shape values = Broadcasting.Join(Name, inputs[1].Shape, inputs[2].Shape);
        return inputs[1].As(Broadcasting.Join(Name, inputs[0].Shape, values));
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        Tensor condition = b.Input(0), zero = b.Incoming.ZerosLike();
        if (b.Needs(1))
        {
            b.Give(1, Tensor.Where(condition, b.Incoming, zero).SumTo(b.InputSpec(1).Shape));
        }

        if (b.Needs(2))
        {
            b.Give(2, Tensor.Where(condition, zero, b.Incoming).SumTo(b.InputSpec(2).Shape));
        }
    }
}

/// <summary>
/// The same values in another dtype. Floating to integer truncates; NaN becomes 0 and what is out of range saturates;
/// anything but 0 becomes true. An integer wraps into a narrower one.
/// </summary>
/// <param name="DType">The dtype.</param>
public sealed record Cast(DType DType) : Op<Cast>
{
    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Nothing;

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 1);
        Checks.Defined(this, DType);
        return inputs[0].As(DType);
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, b.Incoming.Cast(b.InputSpec(0).DType));
}
