using DeepBridge.Autodiff;

namespace DeepBridge.Ops;

/// <summary>The hyperbolic tangent.</summary>
public sealed record Tanh : FloatingUnaryOp<Tanh>
{
    /// <summary>The op.</summary>
    public static readonly Tanh Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Output;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, TanhGradient.Instance.Apply(b.Incoming, b.Output()));
}

/// <summary>1 / (1 + e⁻ˣ).</summary>
public sealed record Sigmoid : FloatingUnaryOp<Sigmoid>
{
    /// <summary>The op.</summary>
    public static readonly Sigmoid Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Output;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, SigmoidGradient.Instance.Apply(b.Incoming, b.Output()));
}

/// <summary>max(x, 0); NaN stays NaN. The gradient at 0 is 0.</summary>
public sealed record Relu : FloatingUnaryOp<Relu>
{
    /// <summary>The op.</summary>
    public static readonly Relu Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Output;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, ReluGradient.Instance.Apply(b.Incoming, b.Output()));
}

/// <summary>g · (1 − y²), for the incoming gradient g and y = tanh x.</summary>
public sealed record TanhGradient : BinaryOp<TanhGradient>
{
    /// <summary>The op.</summary>
    public static readonly TanhGradient Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs) => [inputs[0] * (1 - inputs[1] * inputs[1])];
}

/// <summary>g · y · (1 − y), for the incoming gradient g and y = sigmoid x.</summary>
public sealed record SigmoidGradient : BinaryOp<SigmoidGradient>
{
    /// <summary>The op.</summary>
    public static readonly SigmoidGradient Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs) => [inputs[0] * (inputs[1] * (1 - inputs[1]))];
}

/// <summary>g where y &gt; 0 or y is NaN, else 0, for the incoming gradient g and y = relu x.</summary>
public sealed record ReluGradient : BinaryOp<ReluGradient>
{
    /// <summary>The op.</summary>
    public static readonly ReluGradient Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs) => [Tensor.Where(inputs[1] <= 0, inputs[0].ZerosLike(), inputs[0])];
}
