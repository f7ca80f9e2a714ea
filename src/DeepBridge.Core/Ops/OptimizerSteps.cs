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
public sealed record SgdStep(double Momentum, double Dampening, double WeightDecay, bool Nesterov) : Op<SgdStep>, IMomentumStep
{
    /// <inheritdoc/>
    bool IMomentumStep.HasMomentum => Momentum != 0;

    /// <inheritdoc/>
    public override int OutputCount => Momentum == 0 ? 1 : 3;

    /// <inheritdoc/>
    public override string? NoGradient => "it updates variables";

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        Checks.Attribute(this, Momentum >= 0 && WeightDecay >= 0, $"momentum and decay must not be negative, got {Momentum} and {WeightDecay}.");
        Checks.Attribute(this, !Nesterov || (Momentum > 0 && Dampening == 0), "Nesterov takes momentum above 0 and no dampening.");
        StepRules.Infer(this, inputs, outputs, Momentum == 0 ? 0 : 1, Momentum != 0);
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs) => Decompose(inputs, null);

    /// <inheritdoc/>
    Tensor[] IMomentumStep.Decompose(ReadOnlySpan<Tensor> inputs, Tensor momentum) => Decompose(inputs, momentum.Cast(inputs[0].DType));

    private Tensor[] Decompose(ReadOnlySpan<Tensor> inputs, Tensor? momentum)
    {
        Tensor p = inputs[0], g = inputs[^2], rate = inputs[^1].Cast(p.DType);
        g = WeightDecay == 0 ? g : g + (p * WeightDecay);
        if (Momentum == 0)
        {
            return [p - (rate * g)];
        }

        Tensor Kept(Tensor buffer) => momentum is null ? buffer * Momentum : buffer * momentum;
        Tensor later = Kept(inputs[1]) + (g * (1 - Dampening));
        Tensor buffer = Dampening == 0 ? later : Tensor.Where(inputs[2] == 0, g, later);
        return [p - (rate * (Nesterov ? g + Kept(buffer) : buffer)), buffer, inputs[2] + 1];
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 6 * outputs[0].Count;
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
public sealed record AdamStep(double Beta1, double Beta2, double Epsilon, double WeightDecay, bool Decoupled) : Op<AdamStep>, IMomentumStep
{
    /// <inheritdoc/>
    bool IMomentumStep.HasMomentum => true;

    /// <inheritdoc/>
    public override int OutputCount => 4;

    /// <inheritdoc/>
    public override string? NoGradient => "it updates variables";

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        StepRules.Adam(this, Beta1, Beta2, Epsilon, WeightDecay);
        StepRules.Infer(this, inputs, outputs, 2, true);
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs) => Decompose(this, inputs, null, null);

    /// <inheritdoc/>
    Tensor[] IMomentumStep.Decompose(ReadOnlySpan<Tensor> inputs, Tensor momentum) => Decompose(this, inputs, null, momentum);

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 12 * outputs[0].Count;

    /// <summary>The formula of both.</summary>
    /// <param name="op">The attributes.</param>
    /// <param name="inputs">The inputs of <see cref="AdamStep"/>.</param>
    /// <param name="greatest">The greatest v before this step; null: v itself divides.</param>
    /// <param name="beta1">What stands in the place of β₁, floating scalar; null: β₁ itself.</param>
    /// <returns>The outputs of <see cref="AdamStep"/>, then the greatest v where there is one.</returns>
    internal static Tensor[] Decompose(AdamStep op, ReadOnlySpan<Tensor> inputs, Tensor? greatest, Tensor? beta1)
    {
        Tensor p = inputs[0], step = inputs[3] + 1, g = inputs[4], rate = inputs[5].Cast(DType.Float64);
        DType dtype = p.DType;
        if (op.WeightDecay != 0)
        {
            (p, g) = op.Decoupled ? (p * (1 - (rate * op.WeightDecay)).Cast(dtype), g) : (p, g + (p * op.WeightDecay));
        }

        beta1 = beta1?.Cast(DType.Float64);
        Tensor m = beta1 is null
            ? (inputs[1] * op.Beta1) + (g * (1 - op.Beta1))
            : (inputs[1] * beta1.Cast(dtype)) + (g * (1 - beta1).Cast(dtype));
        Tensor v = (inputs[2] * op.Beta2) + (g * g * (1 - op.Beta2));
        greatest = greatest?.Maximum(v);
        Tensor stepSize = (rate / Bias(beta1 ?? Number(op.Beta1, step), step)).Cast(dtype);
        Tensor divisor = ((greatest ?? v).Sqrt() / Bias(Number(op.Beta2, step), step).Sqrt().Cast(dtype)) + op.Epsilon;
        p -= m * stepSize / divisor;
        return greatest is null ? [p, m, v, step] : [p, m, v, step, greatest];
    }

    private static Tensor Bias(Tensor beta, Tensor step) => 1 - beta.Pow(step.Cast(DType.Float64));

    private static Tensor Number(double beta, Tensor step) => Eager.Constant(beta, DType.Float64, step.Data.Device);
}

/// <summary>
/// One step of AMSGrad (Reddi, Kale and Kumar, 2018), in the order of <c>torch.optim</c>: <see cref="AdamStep"/>, but the
/// greatest v so far, taken before bias correction, divides. Inputs: the parameter, m, v, the greatest v, the number of
/// steps before this one (int64 scalar), the gradient, the learning rate (floating scalar). Outputs: the first five.
/// </summary>
/// <param name="Beta1">β₁, from 0 to below 1.</param>
/// <param name="Beta2">β₂, from 0 to below 1.</param>
/// <param name="Epsilon">ε, outside the root.</param>
/// <param name="WeightDecay">The decay.</param>
/// <param name="Decoupled">Whether the parameter decays by itself (AdamW) instead of through the gradient.</param>
public sealed record AmsGradStep(double Beta1, double Beta2, double Epsilon, double WeightDecay, bool Decoupled) : Op<AmsGradStep>, IMomentumStep
{
    /// <inheritdoc/>
    bool IMomentumStep.HasMomentum => true;

    /// <inheritdoc/>
    public override int OutputCount => 5;

    /// <inheritdoc/>
    public override string? NoGradient => "it updates variables";

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        StepRules.Adam(this, Beta1, Beta2, Epsilon, WeightDecay);
        StepRules.Infer(this, inputs, outputs, 3, true);
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs) => Decompose(inputs, null);

    /// <inheritdoc/>
    Tensor[] IMomentumStep.Decompose(ReadOnlySpan<Tensor> inputs, Tensor momentum) => Decompose(inputs, momentum);

    private Tensor[] Decompose(ReadOnlySpan<Tensor> inputs, Tensor? beta1)
    {
        AdamStep adam = new(Beta1, Beta2, Epsilon, WeightDecay, Decoupled);
        Tensor[] made = AdamStep.Decompose(adam, [inputs[0], inputs[1], inputs[2], inputs[4], inputs[5], inputs[6]], inputs[3], beta1);
        return [made[0], made[1], made[2], made[4], made[3]];
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 13 * outputs[0].Count;
}
