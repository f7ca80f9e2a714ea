using DeepBridge.Autodiff;

namespace DeepBridge.Ops;

/// <summary>−x.</summary>
public sealed record Negate : UnaryOp<Negate>
{
    /// <summary>The op.</summary>
    public static readonly Negate Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Nothing;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, -b.Incoming);
}

/// <summary>|x|; the gradient at 0 is 0.</summary>
public sealed record Abs : UnaryOp<Abs>
{
    /// <summary>The op.</summary>
    public static readonly Abs Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, b.Incoming * b.Input(0).Sign());
}

/// <summary>−1, 0 or 1; 0 for NaN, as PyTorch.</summary>
public sealed record Sign : UnaryOp<Sign>
{
    /// <summary>The op.</summary>
    public static readonly Sign Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Nothing;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.GiveZeros(0);
}

/// <summary>The greatest integer not above x.</summary>
public sealed record Floor : UnaryOp<Floor>
{
    /// <summary>The op.</summary>
    public static readonly Floor Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Nothing;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.GiveZeros(0);
}

/// <summary>The least integer not below x.</summary>
public sealed record Ceiling : UnaryOp<Ceiling>
{
    /// <summary>The op.</summary>
    public static readonly Ceiling Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Nothing;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.GiveZeros(0);
}

/// <summary>The nearest integer, ties to even.</summary>
public sealed record Round : UnaryOp<Round>
{
    /// <summary>The op.</summary>
    public static readonly Round Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Nothing;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.GiveZeros(0);
}
