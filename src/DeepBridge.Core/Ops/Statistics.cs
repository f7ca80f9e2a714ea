using DeepBridge.Autodiff;

namespace DeepBridge.Ops;

/// <summary>The base of statistics over axes of a floating tensor.</summary>
/// <inheritdoc cref="ReductionOp{TSelf}"/>
public abstract record StatisticOp<TSelf>(Dims Axes, bool KeepDims) : ReductionOp<TSelf>(Axes, KeepDims)
    where TSelf : StatisticOp<TSelf>
{
    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Full;

    /// <summary>The number of elements that one output is made of.</summary>
    /// <param name="input">The shape of the input.</param>
    /// <returns>The number.</returns>
    public long Folded(Shape input)
    {
        long count = 1;
        foreach (int axis in Axes)
        {
            count *= input[axis];
        }

        return count;
    }

    /// <inheritdoc/>
    protected override void Check(TensorSpec input) => Checks.Floating(this, input);
}

/// <summary>The arithmetic mean; NaN of nothing.</summary>
/// <inheritdoc cref="ReductionOp{TSelf}"/>
public sealed record Mean(Dims Axes, bool KeepDims) : StatisticOp<Mean>(Axes, KeepDims)
{
    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Nothing;

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Tensor sum = new Sum(Axes, KeepDims).Apply(inputs[0].Widen());
        return [(sum / Folded(inputs[0].Shape)).Cast(inputs[0].DType)];
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        Shape shape = b.InputSpec(0).Shape;
        b.Give(0, Spread(b.Incoming / Folded(shape), shape));
    }
}

/// <summary>
/// The variance, in two passes: the mean, then the sum of squared distances over max(n − correction, 0), as PyTorch
/// divides: NaN where that is 0 and all elements are equal, else infinity.
/// </summary>
/// <param name="Axes">The axes, ascending, from 0.</param>
/// <param name="KeepDims">Whether they stay, with extent 1.</param>
/// <param name="Correction">What is taken from the number of elements: 0 for the biased variance, 1 for the unbiased one.</param>
public sealed record Variance(Dims Axes, bool KeepDims, int Correction) : StatisticOp<Variance>(Axes, KeepDims)
{
    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Tensor distance = Distance(inputs[0].Widen());
        Tensor squares = new Sum(Axes, KeepDims).Apply(distance * distance);
        return [(squares / Divisor(inputs[0].Shape)).Cast(inputs[0].DType)];
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        Tensor x = b.Input(0);
        Tensor slope = Distance(x.Widen()) * (2.0 / Divisor(x.Shape));
        b.Give(0, (Spread(b.Incoming, x.Shape) * slope).Cast(x.DType));
    }

    private long Divisor(Shape input) => Math.Max(Folded(input) - Correction, 0);

    private Tensor Distance(Tensor x) => x - new Mean(Axes, true).Apply(x);
}

/// <summary>log Σ eˣ, shifted by the maximum: right for large numbers, rows of −∞, +∞, and −∞ of nothing.</summary>
/// <inheritdoc cref="ReductionOp{TSelf}"/>
public sealed record LogSumExp(Dims Axes, bool KeepDims) : StatisticOp<LogSumExp>(Axes, KeepDims)
{
    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => new(1, 1);

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Tensor x = inputs[0].Widen();
        if (x.Count == 0)
        {
            return [new Sum(Axes, KeepDims).Apply(inputs[0]).Log()];
        }

        Tensor shift = FiniteMax(x, Axes);
        Tensor log = new Sum(Axes, true).Apply((x - shift).Exp()).Log() + shift;
        return [log.Cast(inputs[0].DType).Reshape(Reduce(x.Shape, KeepDims).AsSpan())];
    }

    /// <summary>g · exp(x − y); zero for a row of −∞.</summary>
    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        Tensor x = b.Input(0), y = b.Output();
        Tensor finite = Tensor.Where(y == double.NegativeInfinity, y.ZerosLike(), y);
        b.Give(0, Spread(b.Incoming, x.Shape) * (x - Spread(finite, x.Shape)).Exp());
    }

    /// <summary>The maximum, without history, where it is finite, else 0: what exponents are shifted by without changing the result.</summary>
    /// <param name="x">The tensor, not empty.</param>
    /// <param name="axes">The axes that are folded; they stay with extent 1.</param>
    /// <returns>The shift.</returns>
    internal static Tensor FiniteMax(Tensor x, Dims axes)
    {
        Tensor max = new Max(axes, true).Apply(x.Detach());
        return Tensor.Where(max.Abs() < double.PositiveInfinity, max, max.ZerosLike());
    }
}

/// <summary>
/// The sum of the squares of all elements: a scalar, in float32 for the 16-bit floats, whose range it would leave.
/// Input: a floating tensor.
/// </summary>
public sealed record SquaredNorm : Op<SquaredNorm>
{
    /// <summary>The op.</summary>
    public static readonly SquaredNorm Instance = new();

    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Full;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 1);
        Checks.Floating(this, inputs[0]);
        return new TensorSpec(default, inputs[0].DType.Wide());
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Tensor x = inputs[0].Widen();
        return [(x * x).Sum()];
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        Tensor x = b.Input(0);
        b.Give(0, (x.Widen() * (b.Incoming * 2)).Cast(x.DType));
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 2 * inputs[0].Count;
}
