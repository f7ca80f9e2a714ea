using DeepBridge.Autodiff;
using DeepBridge.Backends;

namespace DeepBridge.Ops;

/// <summary>a + b.</summary>
public sealed record Add : BinaryOp<Add>
{
    /// <summary>The op.</summary>
    public static readonly Add Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Nothing;

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        if (b.Needs(0))
        {
            b.Give(0, b.Incoming.SumTo(b.InputSpec(0).Shape));
        }

        if (b.Needs(1))
        {
            b.Give(1, b.Incoming.SumTo(b.InputSpec(1).Shape));
        }
    }
}

/// <summary>a − b.</summary>
public sealed record Subtract : BinaryOp<Subtract>
{
    /// <summary>The op.</summary>
    public static readonly Subtract Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Nothing;

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        if (b.Needs(0))
        {
            b.Give(0, b.Incoming.SumTo(b.InputSpec(0).Shape));
        }

        if (b.Needs(1))
        {
            b.Give(1, -b.Incoming.SumTo(b.InputSpec(1).Shape));
        }
    }
}

/// <summary>a · b, element by element.</summary>
public sealed record Multiply : BinaryOp<Multiply>
{
    /// <summary>The op.</summary>
    public static readonly Multiply Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => new(((needs & 1) << 1) | ((needs >> 1) & 1), 0);

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        if (b.Needs(0))
        {
            b.Give(0, (b.Incoming * b.Input(1)).SumTo(b.InputSpec(0).Shape));
        }

        if (b.Needs(1))
        {
            b.Give(1, (b.Incoming * b.Input(0)).SumTo(b.InputSpec(1).Shape));
        }
    }
}

/// <summary>a / b in floating point; integer division is <see cref="FloorDivide"/>.</summary>
public sealed record Divide : BinaryOp<Divide>
{
    /// <summary>The op.</summary>
    public static readonly Divide Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => (needs & 2) != 0 ? Saved.AllInputs : Saved.Input(1);

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        if (b.Needs(0))
        {
            b.Give(0, (b.Incoming / b.Input(1)).SumTo(b.InputSpec(0).Shape));
        }

        if (b.Needs(1))
        {
            Tensor divisor = b.Input(1);
            b.Give(1, (-b.Incoming * (b.Input(0) / divisor / divisor)).SumTo(b.InputSpec(1).Shape));
        }
    }

    /// <inheritdoc/>
    protected override void Check(TensorSpec input) => Checks.Floating(this, input);
}

/// <summary>
/// The greatest integer not above a / b, as Python's <c>//</c>; for floats as PyTorch computes it: NaN for an infinite
/// a, a / b for b = 0. For integers b = 0 is an error, and MinValue // −1 wraps to MinValue.
/// </summary>
public sealed record FloorDivide : BinaryOp<FloorDivide>, IBoundedOp
{
    /// <summary>The op.</summary>
    public static readonly FloorDivide Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Nothing;

    /// <inheritdoc/>
    public IReadOnlyList<ValueBound> Bounds(ReadOnlySpan<TensorSpec> inputs) => BinaryRules.Bounds(inputs);

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        b.GiveZeros(0);
        b.GiveZeros(1);
    }
}

/// <summary>
/// a − b·floor(a / b), as Python's <c>%</c>: the result has the sign of b. For integers b = 0 is an error.
/// </summary>
public sealed record FloorModulo : BinaryOp<FloorModulo>, IBoundedOp
{
    /// <summary>The op.</summary>
    public static readonly FloorModulo Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => (needs & 2) != 0 ? Saved.AllInputs : Saved.Nothing;

    /// <inheritdoc/>
    public IReadOnlyList<ValueBound> Bounds(ReadOnlySpan<TensorSpec> inputs) => BinaryRules.Bounds(inputs);

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        if (b.Needs(0))
        {
            b.Give(0, b.Incoming.SumTo(b.InputSpec(0).Shape));
        }

        if (b.Needs(1))
        {
            b.Give(1, (-b.Incoming * b.Input(0).FloorDivide(b.Input(1))).SumTo(b.InputSpec(1).Shape));
        }
    }
}

/// <summary>
/// a to the power b. For integers a negative b is an error. Gradients follow PyTorch: zero in a where b = 0, zero in b
/// where a = 0 and b ≥ 0.
/// </summary>
public sealed record Power : BinaryOp<Power>, IBoundedOp
{
    /// <summary>The op.</summary>
    public static readonly Power Instance = new();

    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Full;

    /// <inheritdoc/>
    public IReadOnlyList<ValueBound> Bounds(ReadOnlySpan<TensorSpec> inputs) =>
        inputs[1].IsFloating ? [] : [new ValueBound(1, 0, long.MaxValue)];

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => (needs & 2) != 0 ? Saved.Everything : Saved.AllInputs;

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        Tensor x = b.Input(0), y = b.Input(1);
        if (b.Needs(0))
        {
            Tensor zero = y.ZerosLike();
            b.Give(0, Tensor.Where(y == 0, zero, b.Incoming * y * x.Pow(y - 1)).SumTo(b.InputSpec(0).Shape));
        }

        if (b.Needs(1))
        {
            Tensor slope = b.Incoming * b.Output() * x.Log();
            b.Give(1, Tensor.Where((x == 0) & (y >= 0), slope.ZerosLike(), slope).SumTo(b.InputSpec(1).Shape));
        }
    }
}

/// <summary>The larger of a and b; NaN wins. A tie gives half of the gradient to each.</summary>
public sealed record Maximum : BinaryOp<Maximum>
{
    /// <summary>The op.</summary>
    public static readonly Maximum Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => BinaryRules.Choose(b, b.Input(0), b.Input(1));
}

/// <summary>The smaller of a and b; NaN wins. A tie gives half of the gradient to each.</summary>
public sealed record Minimum : BinaryOp<Minimum>
{
    /// <summary>The op.</summary>
    public static readonly Minimum Instance = new();

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => BinaryRules.Choose(b, -b.Input(0), -b.Input(1));
}

/// <summary>What these ops share.</summary>
file static class BinaryRules
{
    internal static IReadOnlyList<ValueBound> Bounds(ReadOnlySpan<TensorSpec> inputs) =>
        inputs[1].IsFloating ? [] : [new ValueBound(1, long.MinValue, long.MaxValue, NotZero: true)];

    /// <summary>Gives the gradient to the larger of x and y; where one is NaN, to both, as PyTorch does.</summary>
    internal static void Choose(in Backward b, Tensor x, Tensor y)
    {
        Tensor shared = Tensor.Where(x == y, b.Incoming * 0.5, b.Incoming);
        Tensor zero = shared.ZerosLike();
        if (b.Needs(0))
        {
            b.Give(0, Tensor.Where(x < y, zero, shared).SumTo(b.InputSpec(0).Shape));
        }

        if (b.Needs(1))
        {
            b.Give(1, Tensor.Where(y < x, zero, shared).SumTo(b.InputSpec(1).Shape));
        }
    }
}
