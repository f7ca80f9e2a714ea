namespace DeepBridge.Ops;

/// <summary>A tensor of one value.</summary>
/// <param name="Shape">Its shape.</param>
/// <param name="DType">Its dtype.</param>
/// <param name="Value">The value, cast to the dtype.</param>
public sealed record Fill(Dims Shape, DType DType, Scalar Value) : Op<Fill>
{
    /// <inheritdoc/>
    public override string? NoGradient => "it has no inputs";

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 0);
        Checks.Defined(this, DType);
        return new TensorSpec(Shape, DType);
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 0;
}

/// <summary>The numbers 0, 1, 2, … in one axis.</summary>
/// <param name="Length">How many.</param>
/// <param name="DType">Their dtype, one that computes.</param>
public sealed record Iota(int Length, DType DType) : Op<Iota>
{
    /// <inheritdoc/>
    public override string? NoGradient => "it has no inputs";

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 0);
        Checks.Attribute(this, Length >= 0, $"the length must not be negative, got {Length}.");
        Checks.Defined(this, DType);
        TensorSpec output = new([Length], DType);
        Checks.Numeric(this, output);
        return output;
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 0;
}
