namespace DeepBridge.Ops;

/// <summary>
/// One step of stochastic gradient descent, as <c>torch.optim.SGD</c>. With momentum, inputs: the parameter p, the
/// momentum buffer b, the number of steps before this one (int64 scalar), the gradient g, the learning rate (floating
/// scalar); outputs: p, b, the number of steps. Without: p, g, the learning rate; p. In order: g += decay · p; at the first
/// step b = g, without dampening, later b = momentum · b + (1 − dampening) · g; p −= rate · (Nesterov: g + momentum · b,
/// else b).
/// </summary>
/// <param name="Momentum">How much of the buffer stays; 0: there is none.</param>
/// <param name="Dampening">How much of the gradient is left out of the buffer, but for the first step.</param>
/// <param name="WeightDecay">How much of the parameter is added to the gradient.</param>
/// <param name="Nesterov">Whether to look ahead; it takes momentum without dampening.</param>
public sealed record SgdStep(double Momentum, double Dampening, double WeightDecay, bool Nesterov) : Op<SgdStep>
{
    /// <inheritdoc/>
    public override int OutputCount => Momentum == 0 ? 1 : 3;

    /// <inheritdoc/>
    public override string? NoGradient => "it updates variables";

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        Validate();
        StepRules.Infer(this, inputs, outputs, Momentum == 0 ? 0 : 1);
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Tensor p = inputs[0], g = inputs[^2], rate = inputs[^1].Cast(p.DType);
        g = WeightDecay == 0 ? g : g + (p * WeightDecay);
        if (Momentum == 0)
        {
            return [p - (rate * g)];
        }

        Tensor later = (inputs[1] * Momentum) + (g * (1 - Dampening));
        Tensor buffer = Dampening == 0 ? later : Tensor.Where(inputs[2] == 0, g, later);
        return [p - (rate * (Nesterov ? g + (buffer * Momentum) : buffer)), buffer, inputs[2] + 1];
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 6 * outputs[0].Count;

    /// <summary>Checks the attributes, which an optimizer does as soon as it has them.</summary>
    /// <exception cref="InvalidAttributeException">One is out of range.</exception>
    internal void Validate()
    {
        Checks.Attribute(this, Momentum >= 0 && WeightDecay >= 0, $"momentum and decay must not be negative, got {Momentum} and {WeightDecay}.");
        Checks.Attribute(this, !Nesterov || (Momentum > 0 && Dampening == 0), "Nesterov takes momentum above 0 and no dampening.");
    }
}

/// <summary>
/// One step of Adam (Kingma and Ba, 2015) or AdamW (Loshchilov and Hutter, 2019), in the order of <c>torch.optim</c>.
/// Inputs: the parameter p, the averages m of gradients and v of their squares, the number of steps before this one
/// (int64 scalar), the gradient g, the learning rate (floating scalar). Outputs: p, m, v, the number of steps t. In order:
/// g += decay · p, or, decoupled, p *= 1 − rate · decay; m = β₁·m + (1 − β₁)·g; v = β₂·v + (1 − β₂)·g²;
/// p −= (rate / (1 − β₁ᵗ)) · m / (√v / √(1 − β₂ᵗ) + ε). The scalars are computed in float64.
/// </summary>
/// <param name="Beta1">β₁, from 0 to below 1.</param>
/// <param name="Beta2">β₂, from 0 to below 1.</param>
/// <param name="Epsilon">ε, outside the root.</param>
/// <param name="WeightDecay">The decay.</param>
/// <param name="Decoupled">Whether the parameter decays by itself (AdamW) instead of through the gradient.</param>
public sealed record AdamStep(double Beta1, double Beta2, double Epsilon, double WeightDecay, bool Decoupled) : Op<AdamStep>
{
    /// <inheritdoc/>
    public override int OutputCount => 4;

    /// <inheritdoc/>
    public override string? NoGradient => "it updates variables";

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        Validate();
        StepRules.Infer(this, inputs, outputs, 2);
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Tensor p = inputs[0], step = inputs[3] + 1, g = inputs[4], rate = inputs[5].Cast(DType.Float64);
        DType dtype = p.DType;
        if (WeightDecay != 0)
        {
            (p, g) = Decoupled ? (p * (1 - (rate * WeightDecay)).Cast(dtype), g) : (p, g + (p * WeightDecay));
        }

        Tensor m = (inputs[1] * Beta1) + (g * (1 - Beta1));
        Tensor v = (inputs[2] * Beta2) + (g * g * (1 - Beta2));
        Tensor stepSize = (rate / Bias(Beta1, step)).Cast(dtype);
        Tensor divisor = (v.Sqrt() / Bias(Beta2, step).Sqrt().Cast(dtype)) + Epsilon;
        return [p - (m * stepSize / divisor), m, v, step];
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 12 * outputs[0].Count;

    /// <summary>Checks the attributes, which an optimizer does as soon as it has them.</summary>
    /// <exception cref="InvalidAttributeException">One is out of range.</exception>
    internal void Validate()
    {
        Checks.Attribute(
            this, Beta1 is >= 0 and < 1 && Beta2 is >= 0 and < 1, $"the betas must be at least 0 and below 1, got {Beta1} and {Beta2}.");
        Checks.Attribute(this, Epsilon >= 0 && WeightDecay >= 0, $"epsilon and decay must not be negative, got {Epsilon} and {WeightDecay}.");
    }

    private static Tensor Bias(double beta, Tensor step) =>
        1 - Eager.Constant(beta, DType.Float64, step.Data.Device).Pow(step.Cast(DType.Float64));
}

/// <summary>What the steps share.</summary>
file static class StepRules
{
    /// <summary>Checks p, slots of its spec, the step count if there are slots, the gradient and the learning rate.</summary>
    internal static void Infer(Op op, ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs, int slots)
    {
        int state = slots == 0 ? 1 : slots + 2;
        Checks.Inputs(op, inputs, state + 2);
        Checks.Floating(op, inputs[0]);
        for (int i = 1; i <= slots; i++)
        {
            Require(op, inputs[i], inputs[0], $"slot {i}");
        }

        if (slots > 0)
        {
            Require(op, inputs[slots + 1], new TensorSpec(default, DType.Int64), "the number of steps");
        }

        Require(op, inputs[^2], inputs[0], "the gradient");
        Checks.Floating(op, inputs[^1]);
        Checks.HasShape(op, inputs[^1], default, "the learning rate");
        inputs[..state].CopyTo(outputs);
    }

    private static void Require(Op op, TensorSpec input, TensorSpec expected, string what)
    {
        Checks.Is(op, input, expected.DType, what);
        Checks.HasShape(op, input, expected.Shape, what);
    }
}
