using DeepBridge.Autodiff;

namespace DeepBridge.Ops;

/// <summary>The base of the gradients of activations. Inputs: the incoming gradient g; the activation's input x.</summary>
/// <typeparam name="TSelf">The op itself.</typeparam>
public abstract record ActivationGradientOp<TSelf> : BinaryOp<TSelf>
    where TSelf : ActivationGradientOp<TSelf>
{
    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    protected override void Check(TensorSpec input) => Checks.Floating(this, input);
}

/// <summary>x · Φ(x), Φ the normal distribution function or its approximation by tanh (Hendrycks and Gimpel, 2016).</summary>
/// <param name="Approximation">How Φ is computed.</param>
public sealed record Gelu(GeluApproximation Approximation) : FloatingUnaryOp<Gelu>
{
    internal const double Cubic = 0.044715;
    internal static readonly double Slope = Math.Sqrt(2 / Math.PI);

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, new GeluGradient(Approximation).Apply(b.Incoming, b.Input(0)));

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Tensor x = inputs[0];
        Tensor bend = Approximation == GeluApproximation.Tanh ? Bend(x) : (x * Math.Sqrt(0.5)).Erf();
        return [x * 0.5 * (bend + 1)];
    }

    internal static Tensor Bend(Tensor x) => ((x + (x * x * x * Cubic)) * Slope).Tanh();
}

/// <summary>g · (Φ(x) + x · Φ′(x)).</summary>
/// <param name="Approximation">How Φ is computed.</param>
public sealed record GeluGradient(GeluApproximation Approximation) : ActivationGradientOp<GeluGradient>
{
    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Tensor g = inputs[0], x = inputs[1];
        if (Approximation == GeluApproximation.Tanh)
        {
            Tensor bend = Gelu.Bend(x);
            Tensor slope = (1 - (bend * bend)) * (((x * x * (3 * Gelu.Cubic)) + 1) * Gelu.Slope);
            return [g * (((bend + 1) * 0.5) + (x * 0.5 * slope))];
        }

        Tensor distribution = ((x * Math.Sqrt(0.5)).Erf() + 1) * 0.5;
        Tensor density = (x * x * -0.5).Exp() * (1 / Math.Sqrt(2 * Math.PI));
        return [g * (distribution + (x * density))];
    }
}

/// <summary>x · sigmoid(x).</summary>
public sealed record Silu : FloatingUnaryOp<Silu>
{
    /// <summary>The op.</summary>
    public static readonly Silu Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, SiluGradient.Instance.Apply(b.Incoming, b.Input(0)));

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs) => [inputs[0] * inputs[0].Sigmoid()];
}

/// <summary>g · s · (1 + x · (1 − s)), s = sigmoid(x).</summary>
public sealed record SiluGradient : ActivationGradientOp<SiluGradient>
{
    /// <summary>The op.</summary>
    public static readonly SiluGradient Instance = new();

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Tensor s = inputs[1].Sigmoid();
        return [inputs[0] * (s * ((inputs[1] * (1 - s)) + 1))];
    }
}

/// <summary>x where x &gt; 0, else slope · x.</summary>
/// <param name="Slope">The slope below 0.</param>
public sealed record LeakyRelu(double Slope) : FloatingUnaryOp<LeakyRelu>
{
    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, new LeakyReluGradient(Slope).Apply(b.Incoming, b.Input(0)));

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs) => [Tensor.Where(inputs[0] > 0, inputs[0], inputs[0] * Slope)];
}

/// <summary>g where x &gt; 0, else slope · g.</summary>
/// <param name="Slope">The slope at and below 0.</param>
public sealed record LeakyReluGradient(double Slope) : ActivationGradientOp<LeakyReluGradient>
{
    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs) => [Tensor.Where(inputs[1] > 0, inputs[0], inputs[0] * Slope)];
}

/// <summary>log(1 + e^(βx)) / β, exact far out and near 0; x itself where βx exceeds a threshold, as PyTorch.</summary>
/// <param name="Beta">β, not 0.</param>
/// <param name="Threshold">Above it the function is linear; infinity: nowhere.</param>
public sealed record Softplus(double Beta, double Threshold) : FloatingUnaryOp<Softplus>
{
    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Full;

    /// <inheritdoc/>
    public override bool KeepsSpec => false;

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        CheckBeta(this, Beta);
        return base.Infer(inputs);
    }

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, new SoftplusGradient(Beta, Threshold).Apply(b.Incoming, b.Input(0)));

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Tensor x = inputs[0], z = x * Beta;
        Tensor soft = (z.Relu() + (-z.Abs()).Exp().Log1p()) / Beta;
        return [Tensor.Where(z > Threshold, x, soft)];
    }

    internal static void CheckBeta(Op op, double beta) => Checks.Attribute(op, beta != 0 && double.IsFinite(beta), $"β must be finite and not 0, got {beta}.");
}

/// <summary>g · sigmoid(βx); g where βx exceeds the threshold.</summary>
/// <param name="Beta">β, not 0.</param>
/// <param name="Threshold">Above it the function is linear; infinity: nowhere.</param>
public sealed record SoftplusGradient(double Beta, double Threshold) : ActivationGradientOp<SoftplusGradient>
{
    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Softplus.CheckBeta(this, Beta);
        return base.Infer(inputs);
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Tensor z = inputs[1] * Beta;
        return [Tensor.Where(z > Threshold, inputs[0], inputs[0] * z.Sigmoid())];
    }
}
