namespace DeepBridge.Ops;

/// <summary>
/// One step of RMSprop (Hinton, 2012), as <c>torch.optim.RMSprop</c>. Inputs: the parameter p, the average v of squared
/// gradients, with momentum the buffer b, centred the average a of gradients, the gradient g, the learning rate (floating
/// scalar). Outputs: all but the last two. In order: g += decay · p; v = α·v + (1 − α)·g²; centred, a = α·a + (1 − α)·g and
/// d = √max(v − a², 0) + ε, else d = √v + ε; with momentum b = momentum · b + g / d and p −= rate · b, else
/// p −= rate · g / d.
/// </summary>
/// <param name="Alpha">α, from 0 to 1.</param>
/// <param name="Epsilon">ε, outside the root.</param>
/// <param name="WeightDecay">How much of the parameter is added to the gradient.</param>
/// <param name="Momentum">How much of the buffer stays; 0: there is none.</param>
/// <param name="Centered">Whether the variance divides instead of the mean square.</param>
public sealed record RmsPropStep(double Alpha, double Epsilon, double WeightDecay, double Momentum, bool Centered) : Op<RmsPropStep>
{
    /// <inheritdoc/>
    public override int OutputCount => 2 + (Momentum == 0 ? 0 : 1) + (Centered ? 1 : 0);

    /// <inheritdoc/>
    public override string? NoGradient => "it updates variables";

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        Checks.Attribute(this, Alpha is >= 0 and <= 1, $"alpha must be from 0 to 1, got {Alpha}.");
        Checks.Attribute(
            this,
            Epsilon >= 0 && WeightDecay >= 0 && Momentum >= 0,
            $"epsilon, decay and momentum must not be negative, got {Epsilon}, {WeightDecay} and {Momentum}.");
        StepRules.Infer(this, inputs, outputs, OutputCount - 1, false);
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        DType dtype = inputs[0].DType;
        Tensor p = inputs[0].Widen(), g = inputs[^2].Widen(), rate = inputs[^1].Cast(p.DType);
        g = WeightDecay == 0 ? g : g + (p * WeightDecay);
        Tensor square = (inputs[1].Widen() * Alpha) + (g * g * (1 - Alpha)), spread = square;
        List<Tensor> made = [square];
        Tensor? average = null;
        if (Centered)
        {
            average = (inputs[^3].Widen() * Alpha) + (g * (1 - Alpha));

            // Rounding may take the variance of equal gradients below 0.
            spread = (square - (average * average)).Maximum(0);
        }

        Tensor change = g / (spread.Sqrt() + Epsilon);
        if (Momentum != 0)
        {
            change += inputs[2].Widen() * Momentum;
            made.Add(change);
        }

        if (average is not null)
        {
            made.Add(average);
        }

        return [.. made.Prepend(p - (change * rate)).Select(one => one.Cast(dtype))];
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 12 * outputs[0].Count;
}

/// <summary>
/// One step of Adagrad (Duchi, Hazan and Singer, 2011), as <c>torch.optim.Adagrad</c>. Inputs: the parameter p, the sum s
/// of squared gradients, the number of steps before this one (int64 scalar), the gradient g, the learning rate (floating
/// scalar). Outputs: the first three. In order: g += decay · p; s += g²; p −= rate / (1 + steps · rate decay) · g / (√s + ε).
/// </summary>
/// <param name="Epsilon">ε, outside the root.</param>
/// <param name="WeightDecay">How much of the parameter is added to the gradient.</param>
/// <param name="RateDecay">How fast the learning rate falls.</param>
public sealed record AdagradStep(double Epsilon, double WeightDecay, double RateDecay) : Op<AdagradStep>
{
    /// <inheritdoc/>
    public override int OutputCount => 3;

    /// <inheritdoc/>
    public override string? NoGradient => "it updates variables";

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        Checks.Attribute(
            this,
            Epsilon >= 0 && WeightDecay >= 0 && RateDecay >= 0,
            $"epsilon, decay and the rate's decay must not be negative, got {Epsilon}, {WeightDecay} and {RateDecay}.");
        StepRules.Infer(this, inputs, outputs, 1, true);
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        DType dtype = inputs[0].DType;
        Tensor p = inputs[0].Widen(), g = inputs[3].Widen();
        g = WeightDecay == 0 ? g : g + (p * WeightDecay);
        Tensor sum = inputs[1].Widen() + (g * g);
        Tensor rate = (inputs[4].Cast(DType.Float64) / ((inputs[2].Cast(DType.Float64) * RateDecay) + 1)).Cast(p.DType);
        return [(p - (rate * g / (sum.Sqrt() + Epsilon))).Cast(dtype), sum.Cast(dtype), inputs[2] + 1];
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 7 * outputs[0].Count;
}

/// <summary>
/// One step of Lion (X. Chen et al., "Symbolic discovery of optimization algorithms", 2023, algorithm 2). Inputs: the
/// parameter p, the momentum m, the gradient g, the learning rate (floating scalar). Outputs: p, m. In order:
/// p *= 1 − rate · decay; p −= rate · sign(β₁·m + (1 − β₁)·g); m = β₂·m + (1 − β₂)·g.
/// </summary>
/// <param name="Beta1">β₁, from 0 to below 1.</param>
/// <param name="Beta2">β₂, from 0 to below 1.</param>
/// <param name="WeightDecay">The decay.</param>
public sealed record LionStep(double Beta1, double Beta2, double WeightDecay) : Op<LionStep>
{
    /// <inheritdoc/>
    public override int OutputCount => 2;

    /// <inheritdoc/>
    public override string? NoGradient => "it updates variables";

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        StepRules.Adam(this, Beta1, Beta2, 0, WeightDecay);
        StepRules.Infer(this, inputs, outputs, 1, false);
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        DType dtype = inputs[0].DType;
        Tensor p = inputs[0].Widen(), m = inputs[1].Widen(), g = inputs[2].Widen(), rate = inputs[3].Cast(DType.Float64);
        Tensor kept = WeightDecay == 0 ? p : p * (1 - (rate * WeightDecay)).Cast(p.DType);
        Tensor sign = ((m * Beta1) + (g * (1 - Beta1))).Sign();
        return [(kept - (sign * rate.Cast(p.DType))).Cast(dtype), ((m * Beta2) + (g * (1 - Beta2))).Cast(dtype)];
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 9 * outputs[0].Count;
}
