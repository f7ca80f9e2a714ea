using DeepBridge.Autodiff;

namespace DeepBridge.Ops;

/// <summary>The base of ops that fold axes.</summary>
/// <typeparam name="TSelf">The op itself.</typeparam>
/// <param name="Axes">The axes, ascending, from 0.</param>
/// <param name="KeepDims">Whether they stay, with extent 1.</param>
public abstract record ReductionOp<TSelf>(Dims Axes, bool KeepDims) : Op<TSelf>
    where TSelf : ReductionOp<TSelf>
{
    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 1);
        Check(inputs[0]);
        return inputs[0].As(Reduce(inputs[0].Shape, KeepDims));
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => inputs[0].Count;

    /// <summary>The shape after folding.</summary>
    /// <param name="input">The shape before.</param>
    /// <param name="keep">Whether folded axes stay, with extent 1.</param>
    /// <returns>The shape.</returns>
    public Shape Reduce(Shape input, bool keep)
    {
        Checks.Axes(this, Axes, input);
        int[] dims = new int[keep ? input.Rank : input.Rank - Axes.Length];
        int next = 0, kept = 0;
        for (int axis = 0; axis < input.Rank; axis++)
        {
            bool folded = next < Axes.Length && Axes[next] == axis;
            next += folded ? 1 : 0;
            if (!folded || keep)
            {
                dims[kept++] = folded ? 1 : input[axis];
            }
        }

        return new Shape(Dims.Take(dims));
    }

    /// <summary>Something of the output's shape, spread over the input's.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="input">The input's shape.</param>
    /// <returns>The spread tensor.</returns>
    protected Tensor Spread(Tensor tensor, Shape input) => tensor.Reshape(Reduce(input, true).AsSpan()).Expand(input);

    /// <summary>Requires a dtype; by default one that computes.</summary>
    /// <param name="input">The input.</param>
    protected virtual void Check(TensorSpec input) => Checks.Numeric(this, input);

    /// <summary>Requires that no folded axis is empty: there is no element to choose.</summary>
    /// <param name="input">The input.</param>
    protected void RequireElements(TensorSpec input)
    {
        Checks.Axes(this, Axes, input.Shape);
        foreach (int axis in Axes)
        {
            if (input.Shape[axis] == 0)
            {
                throw new ShapeMismatchException(Name, $"axis {axis} of shape {input.Shape} is empty, and nothing can be chosen from it.", [input.Shape], axis);
            }
        }
    }
}

/// <summary>The sum; 0 of nothing. Float32 is summed pairwise.</summary>
/// <inheritdoc cref="ReductionOp{TSelf}"/>
public sealed record Sum(Dims Axes, bool KeepDims) : ReductionOp<Sum>(Axes, KeepDims)
{
    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Full;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Nothing;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, Spread(b.Incoming, b.InputSpec(0).Shape));
}

/// <summary>The product; 1 of nothing.</summary>
/// <inheritdoc cref="ReductionOp{TSelf}"/>
public sealed record Product(Dims Axes, bool KeepDims) : ReductionOp<Product>(Axes, KeepDims)
{
    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Full;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <summary>The product of all others, from scans of both sides: right at zeros, and differentiable again.</summary>
    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        Tensor x = b.Input(0);
        if (x.Count == 0)
        {
            b.GiveZeros(0);
            return;
        }

        int rank = x.Rank;
        List<int> order = [.. Enumerable.Range(0, rank).Where(axis => !Axes.AsSpan().Contains(axis)), .. Axes.AsSpan()];
        Tensor moved = x.Permute([.. order]);
        int count = 1;
        foreach (int axis in Axes)
        {
            count *= x.Shape[axis];
        }

        Tensor rows = moved.Reshape(-1, count);
        Tensor others = Exclusive(rows, count) * Exclusive(rows.Flip(1), count).Flip(1);
        Tensor gradient = others.Reshape(moved.Shape.AsSpan());
        int[] back = new int[rank];
        for (int i = 0; i < rank; i++)
        {
            back[order[i]] = i;
        }

        b.Give(0, Spread(b.Incoming, x.Shape) * gradient.Permute(back));
    }

    private static Tensor Exclusive(Tensor rows, int count)
    {
        Tensor scan = Shift(rows, 1, count);
        for (int step = 1; step < count; step *= 2)
        {
            scan *= Shift(scan, step, count);
        }

        return scan;
    }

    private static Tensor Shift(Tensor rows, int step, int count) => rows.Narrow(1, 0, count - step).Pad([0, step], [0, 0], 1);
}

/// <summary>The maximum; NaN wins. Ties share the gradient evenly. Bool folds as integers would.</summary>
/// <inheritdoc cref="ReductionOp{TSelf}"/>
public sealed record Max(Dims Axes, bool KeepDims) : ReductionOp<Max>(Axes, KeepDims)
{
    /// <inheritdoc/>
    public override void Gradient(in Backward b) => ExtremumGradient(b, this);

    /// <inheritdoc/>
    protected override void Check(TensorSpec input) => RequireElements(input);

    internal static void ExtremumGradient<TOp>(in Backward b, ReductionOp<TOp> op)
        where TOp : ReductionOp<TOp>
    {
        Tensor x = b.Input(0);
        Shape kept = op.Reduce(x.Shape, true);
        Tensor chosen = (x == b.Output().Reshape(kept.AsSpan())).Cast(x.DType);
        Tensor share = b.Incoming.Reshape(kept.AsSpan()) / new Sum(op.Axes, true).Apply(chosen);
        b.Give(0, chosen * share);
    }
}

/// <summary>The minimum; NaN wins. Ties share the gradient evenly.</summary>
/// <inheritdoc cref="ReductionOp{TSelf}"/>
public sealed record Min(Dims Axes, bool KeepDims) : ReductionOp<Min>(Axes, KeepDims)
{
    /// <inheritdoc/>
    public override void Gradient(in Backward b) => Max.ExtremumGradient(b, this);

    /// <inheritdoc/>
    protected override void Check(TensorSpec input) => RequireElements(input);
}

/// <summary>Whether any element is true; false of nothing.</summary>
/// <inheritdoc cref="ReductionOp{TSelf}"/>
public sealed record Any(Dims Axes, bool KeepDims) : ReductionOp<Any>(Axes, KeepDims)
{
    /// <inheritdoc/>
    public override string? NoGradient => "its output is bool";

    /// <inheritdoc/>
    protected override void Check(TensorSpec input) => Checks.Is(this, input, DType.Bool, "the input");
}

/// <summary>Whether all elements are true; true of nothing.</summary>
/// <inheritdoc cref="ReductionOp{TSelf}"/>
public sealed record All(Dims Axes, bool KeepDims) : ReductionOp<All>(Axes, KeepDims)
{
    /// <inheritdoc/>
    public override string? NoGradient => "its output is bool";

    /// <inheritdoc/>
    protected override void Check(TensorSpec input) => Checks.Is(this, input, DType.Bool, "the input");
}

/// <summary>The base of ops that say where an extremum of one axis is.</summary>
/// <typeparam name="TSelf">The op itself.</typeparam>
/// <param name="Axis">The axis, from 0.</param>
/// <param name="KeepDims">Whether it stays, with extent 1.</param>
public abstract record ArgOp<TSelf>(int Axis, bool KeepDims) : ReductionOp<TSelf>([Axis], KeepDims)
    where TSelf : ArgOp<TSelf>
{
    /// <inheritdoc/>
    public override string? NoGradient => "its output is an integer";

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs) => base.Infer(inputs).As(DType.Int64);

    /// <inheritdoc/>
    protected override void Check(TensorSpec input)
    {
        base.Check(input);
        RequireElements(input);
    }
}

/// <summary>The position of the maximum, int64: the lowest of equals, the first NaN.</summary>
/// <inheritdoc cref="ArgOp{TSelf}"/>
public sealed record ArgMax(int Axis, bool KeepDims) : ArgOp<ArgMax>(Axis, KeepDims);

/// <summary>The position of the minimum, int64: the lowest of equals, the first NaN.</summary>
/// <inheritdoc cref="ArgOp{TSelf}"/>
public sealed record ArgMin(int Axis, bool KeepDims) : ArgOp<ArgMin>(Axis, KeepDims);

/// <summary>Running sums along an axis.</summary>
/// <param name="Axis">The axis, from 0.</param>
public sealed record CumulativeSum(int Axis) : Op<CumulativeSum>
{
    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Full;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Nothing;

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 1);
        Checks.Numeric(this, inputs[0]);
        Checks.Axis(this, Axis, inputs[0].Shape);
        return inputs[0];
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, Apply(b.Incoming.Flip(Axis)).Flip(Axis));
}
