using DeepBridge.Autodiff;

namespace DeepBridge.Ops;

/// <summary>eˣ.</summary>
public sealed record Exp : FloatingUnaryOp<Exp>
{
    /// <summary>The op.</summary>
    public static readonly Exp Instance = new();

    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Full;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Output;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, b.Incoming * b.Output());
}

/// <summary>eˣ − 1, exact near 0.</summary>
public sealed record Expm1 : FloatingUnaryOp<Expm1>
{
    /// <summary>The op.</summary>
    public static readonly Expm1 Instance = new();

    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Full;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Output;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, b.Incoming * (b.Output() + 1));
}

/// <summary>The natural logarithm; NaN below 0, −∞ at 0.</summary>
public sealed record Log : FloatingUnaryOp<Log>
{
    /// <summary>The op.</summary>
    public static readonly Log Instance = new();

    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Full;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, b.Incoming / b.Input(0));
}

/// <summary>log(1 + x), exact near 0.</summary>
public sealed record Log1p : FloatingUnaryOp<Log1p>
{
    /// <summary>The op.</summary>
    public static readonly Log1p Instance = new();

    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Full;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, b.Incoming / (b.Input(0) + 1));
}

/// <summary>The square root; NaN below 0.</summary>
public sealed record Sqrt : FloatingUnaryOp<Sqrt>
{
    /// <summary>The op.</summary>
    public static readonly Sqrt Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Output;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, b.Incoming / (b.Output() * 2));
}

/// <summary>1 / √x.</summary>
public sealed record Rsqrt : FloatingUnaryOp<Rsqrt>
{
    /// <summary>The op.</summary>
    public static readonly Rsqrt Instance = new();

    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Full;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Output;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, b.Incoming * b.Output() * b.Output() * b.Output() * -0.5);
}

/// <summary>The sine, in radians.</summary>
public sealed record Sin : FloatingUnaryOp<Sin>
{
    /// <summary>The op.</summary>
    public static readonly Sin Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, b.Incoming * b.Input(0).Cos());
}

/// <summary>The cosine, in radians.</summary>
public sealed record Cos : FloatingUnaryOp<Cos>
{
    /// <summary>The op.</summary>
    public static readonly Cos Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, -b.Incoming * b.Input(0).Sin());
}

/// <summary>The error function 2/√π ∫₀ˣ e^(−t²) dt.</summary>
public sealed record Erf : FloatingUnaryOp<Erf>
{
    /// <summary>The op.</summary>
    public static readonly Erf Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, b.Incoming * ((-b.Input(0) * b.Input(0)).Exp() * (2 / Math.Sqrt(Math.PI))));
}
