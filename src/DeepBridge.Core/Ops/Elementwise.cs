namespace DeepBridge.Ops;

/// <summary>The base of elementwise ops of one numeric input.</summary>
/// <typeparam name="TSelf">The op itself.</typeparam>
public abstract record UnaryOp<TSelf> : Op<TSelf>
    where TSelf : UnaryOp<TSelf>
{
    /// <inheritdoc/>
    public override bool KeepsSpec => true;

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 1);
        Checks.Numeric(this, inputs[0]);
        return inputs[0];
    }
}

/// <summary>The base of elementwise ops of one floating input.</summary>
/// <typeparam name="TSelf">The op itself.</typeparam>
public abstract record FloatingUnaryOp<TSelf> : UnaryOp<TSelf>
    where TSelf : FloatingUnaryOp<TSelf>
{
    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 1);
        Checks.Floating(this, inputs[0]);
        return inputs[0];
    }
}

/// <summary>The base of elementwise ops of two numeric inputs of one dtype, which broadcast.</summary>
/// <typeparam name="TSelf">The op itself.</typeparam>
public abstract record BinaryOp<TSelf> : Op<TSelf>
    where TSelf : BinaryOp<TSelf>
{
    /// <inheritdoc/>
    public override bool KeepsSpec => true;

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 2);
        Checks.Same(this, inputs[0], inputs[1]);
        Check(inputs[0]);
        return inputs[0].As(Broadcasting.Join(Name, inputs[0].Shape, inputs[1].Shape));
    }

    /// <summary>Requires a dtype; by default one that computes.</summary>
    /// <param name="input">The input.</param>
    protected virtual void Check(TensorSpec input) => Checks.Numeric(this, input);
}

/// <summary>The base of comparisons: two inputs of any one dtype, which broadcast; a bool output.</summary>
/// <typeparam name="TSelf">The op itself.</typeparam>
public abstract record ComparisonOp<TSelf> : Op<TSelf>
    where TSelf : ComparisonOp<TSelf>
{
    /// <inheritdoc/>
    public override string? NoGradient => "its output is bool";

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 2);
        Checks.Same(this, inputs[0], inputs[1]);
        return new TensorSpec(Broadcasting.Join(Name, inputs[0].Shape, inputs[1].Shape), DType.Bool);
    }
}

/// <summary>The base of logical ops: two bool inputs, which broadcast; a bool output.</summary>
/// <typeparam name="TSelf">The op itself.</typeparam>
public abstract record LogicalOp<TSelf> : ComparisonOp<TSelf>
    where TSelf : LogicalOp<TSelf>
{
    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        TensorSpec output = base.Infer(inputs);
        Checks.Is(this, inputs[0], DType.Bool, "both inputs");
        return output;
    }
}
