namespace DeepBridge.Ops;

/// <summary>a = b; false where either is NaN.</summary>
public sealed record Equal : ComparisonOp<Equal>
{
    /// <summary>The op.</summary>
    public static readonly Equal Instance = new();
}

/// <summary>a ≠ b; true where either is NaN.</summary>
public sealed record NotEqual : ComparisonOp<NotEqual>
{
    /// <summary>The op.</summary>
    public static readonly NotEqual Instance = new();
}

/// <summary>a &lt; b.</summary>
public sealed record Less : ComparisonOp<Less>
{
    /// <summary>The op.</summary>
    public static readonly Less Instance = new();
}

/// <summary>a ≤ b.</summary>
public sealed record LessEqual : ComparisonOp<LessEqual>
{
    /// <summary>The op.</summary>
    public static readonly LessEqual Instance = new();
}

/// <summary>a &gt; b.</summary>
public sealed record Greater : ComparisonOp<Greater>
{
    /// <summary>The op.</summary>
    public static readonly Greater Instance = new();
}

/// <summary>a ≥ b.</summary>
public sealed record GreaterEqual : ComparisonOp<GreaterEqual>
{
    /// <summary>The op.</summary>
    public static readonly GreaterEqual Instance = new();
}

/// <summary>a and b.</summary>
public sealed record LogicalAnd : LogicalOp<LogicalAnd>
{
    /// <summary>The op.</summary>
    public static readonly LogicalAnd Instance = new();
}

/// <summary>a or b.</summary>
public sealed record LogicalOr : LogicalOp<LogicalOr>
{
    /// <summary>The op.</summary>
    public static readonly LogicalOr Instance = new();
}

/// <summary>Either a or b.</summary>
public sealed record LogicalXor : LogicalOp<LogicalXor>
{
    /// <summary>The op.</summary>
    public static readonly LogicalXor Instance = new();
}

/// <summary>Not a.</summary>
public sealed record LogicalNot : Op<LogicalNot>
{
    /// <summary>The op.</summary>
    public static readonly LogicalNot Instance = new();

    /// <inheritdoc/>
    public override string? NoGradient => "its output is bool";

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 1);
        Checks.Is(this, inputs[0], DType.Bool, "the input");
        return inputs[0];
    }
}
