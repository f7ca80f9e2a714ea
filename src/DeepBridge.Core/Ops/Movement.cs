using DeepBridge.Autodiff;

namespace DeepBridge.Ops;

/// <summary>The base of ops that only move elements of any dtype: they save nothing and cost no arithmetic.</summary>
/// <typeparam name="TSelf">The op itself.</typeparam>
public abstract record MovementOp<TSelf> : Op<TSelf>
    where TSelf : MovementOp<TSelf>
{
    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Nothing;

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 0;

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 1);
        return inputs[0].As(Move(inputs[0].Shape));
    }

    /// <summary>The shape that comes out.</summary>
    /// <param name="input">The shape that goes in.</param>
    /// <returns>The shape.</returns>
    protected abstract Shape Move(Shape input);
}

/// <summary>The same elements, row by row, in another shape.</summary>
/// <param name="Shape">The new shape.</param>
public sealed record Reshape(Dims Shape) : MovementOp<Reshape>
{
    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, b.Incoming.Reshape(b.InputSpec(0).Shape.AsSpan()));

    /// <inheritdoc/>
    protected override Shape Move(Shape input)
    {
        Shape output = new(Shape);
        return output.Count == input.Count ? output : throw new ShapeMismatchException(
            Name, $"shape {input} has {input.Count} elements, shape {output} has {output.Count}.", [input, output]);
    }
}

/// <summary>The same elements with their axes in another order.</summary>
/// <param name="Axes">Axis i of the output is axis Axes[i] of the input.</param>
public sealed record Permute(Dims Axes) : MovementOp<Permute>
{
    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        int[] inverse = new int[Axes.Length];
        for (int i = 0; i < inverse.Length; i++)
        {
            inverse[Axes[i]] = i;
        }

        b.Give(0, b.Incoming.Permute(inverse));
    }

    /// <inheritdoc/>
    protected override Shape Move(Shape input)
    {
        int[] dims = new int[input.Rank];
        ulong seen = 0;
        for (int i = 0; i < Axes.Length && i < dims.Length; i++)
        {
            Checks.Axis(this, Axes[i], input);
            seen |= 1UL << Axes[i];
            dims[i] = input[Axes[i]];
        }

        Checks.Attribute(
            this,
            Axes.Length == input.Rank && System.Numerics.BitOperations.PopCount(seen) == input.Rank,
            $"{Axes} does not name each axis of shape {input} once.");
        return new Shape(Dims.Take(dims));
    }
}

/// <summary>Repeats axes of extent 1, and new leading axes, up to a shape.</summary>
/// <param name="Shape">The new shape.</param>
public sealed record Expand(Dims Shape) : MovementOp<Expand>
{
    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, b.Incoming.SumTo(b.InputSpec(0).Shape));

    /// <inheritdoc/>
    protected override Shape Move(Shape input)
    {
        Shape output = new(Shape);
        return Broadcasting.Fits(input, output) ? output : throw new ShapeMismatchException(
            Name, $"shape {input} does not broadcast to {output}.", [input, output]);
    }
}

/// <summary>Every Steps[i]-th element of axis i from Starts[i] on, Sizes[i] of them.</summary>
/// <param name="Starts">The first element, an axis.</param>
/// <param name="Sizes">How many elements, an axis.</param>
/// <param name="Steps">The distance, at least 1, an axis.</param>
public sealed record Slice(Dims Starts, Dims Sizes, Dims Steps) : MovementOp<Slice>
{
    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        Shape input = b.InputSpec(0).Shape;
        Tensor gradient = b.Incoming;
        int rank = input.Rank;
        if (input.Count == 0 || gradient.Count == 0)
        {
            b.GiveZeros(0);
            return;
        }

        int[] low = new int[rank], high = new int[rank];
        for (int axis = 0; axis < rank; axis++)
        {
            if (Steps[axis] > 1 && Sizes[axis] > 1)
            {
                // Zeros between the elements: a new axis of extent 1 is padded to the step and folded into this one.
                int size = Sizes[axis], step = Steps[axis];
                Shape shape = gradient.Shape;
                int[] dims = [.. shape.AsSpan()[..axis], size, 1, .. shape.AsSpan()[(axis + 1)..]];
                int[] after = new int[dims.Length];
                after[axis + 1] = step - 1;
                gradient = gradient.Reshape(dims).Pad(new int[dims.Length], after, 0).Reshape(shape.With(axis, size * step).AsSpan());
                gradient = gradient.Narrow(axis, 0, ((size - 1) * step) + 1);
            }

            low[axis] = Starts[axis];
            high[axis] = input[axis] - Starts[axis] - gradient.Shape[axis];
        }

        b.Give(0, gradient.Pad(low, high, 0));
    }

    /// <inheritdoc/>
    protected override Shape Move(Shape input)
    {
        Checks.Attribute(
            this,
            Starts.Length == input.Rank && Sizes.Length == input.Rank && Steps.Length == input.Rank,
            $"starts {Starts}, sizes {Sizes} and steps {Steps} must have one entry for each axis of shape {input}.");
        for (int axis = 0; axis < input.Rank; axis++)
        {
            bool fits = Starts[axis] >= 0 && Sizes[axis] >= 0 && Steps[axis] >= 1 && Starts[axis] <= input[axis]
                && (Sizes[axis] == 0 || Starts[axis] + ((long)(Sizes[axis] - 1) * Steps[axis]) < input[axis]);
            if (!fits)
            {
                throw new ShapeMismatchException(
                    Name, $"{Sizes[axis]} elements from {Starts[axis]} in steps of {Steps[axis]} do not lie in axis {axis} of shape {input}.", [input], axis);
            }
        }

        return new Shape(Sizes);
    }
}

/// <summary>Puts elements of one value around.</summary>
/// <param name="Low">How many before, an axis.</param>
/// <param name="High">How many after, an axis.</param>
/// <param name="Value">The value, cast to the input's dtype.</param>
public sealed record Pad(Dims Low, Dims High, Scalar Value) : MovementOp<Pad>
{
    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(
        0, new Slice(Low, b.InputSpec(0).Shape.Dims, Dims.Repeat(1, Low.Length)).Apply(b.Incoming));

    /// <inheritdoc/>
    protected override Shape Move(Shape input)
    {
        Checks.Attribute(
            this, Low.Length == input.Rank && High.Length == input.Rank, $"{Low} and {High} must have one entry for each axis of shape {input}.");
        int[] dims = new int[input.Rank];
        for (int axis = 0; axis < dims.Length; axis++)
        {
            Checks.Attribute(this, Low[axis] >= 0 && High[axis] >= 0, $"a padding must not be negative, got {Low} and {High}. Slice instead.");
            long extent = (long)Low[axis] + input[axis] + High[axis];
            Checks.Attribute(this, extent <= int.MaxValue, $"{Low} and {High} make axis {axis} of shape {input} longer than 2^31-1.");
            dims[axis] = (int)extent;
        }

        return new Shape(Dims.Take(dims));
    }
}

/// <summary>Reverses axes.</summary>
/// <param name="Axes">The axes, ascending.</param>
public sealed record Flip(Dims Axes) : MovementOp<Flip>
{
    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, Apply(b.Incoming));

    /// <inheritdoc/>
    protected override Shape Move(Shape input)
    {
        Checks.Axes(this, Axes, input);
        return input;
    }
}

/// <summary>Tensors of one dtype end to end along an axis.</summary>
/// <param name="Axis">The axis, from 0.</param>
public sealed record Concat(int Axis) : Op<Concat>
{
    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Nothing;

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 0;

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 1, int.MaxValue);
        Shape first = inputs[0].Shape;
        Checks.Axis(this, Axis, first);
        long extent = 0;
        foreach (TensorSpec input in inputs)
        {
            Checks.Same(this, inputs[0], input);
            if (input.Rank != first.Rank || input.Shape.With(Axis, 0) != first.With(Axis, 0))
            {
                throw new ShapeMismatchException(
                    Name, $"shapes {first} and {input.Shape} differ elsewhere than in axis {Axis}.", [first, input.Shape]);
            }

            extent += input.Shape[Axis];
        }

        Checks.Attribute(this, extent <= int.MaxValue, $"the inputs make axis {Axis} {extent} long, longer than 2^31-1.");
        return inputs[0].As(first.With(Axis, (int)extent));
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        int start = 0;
        for (int i = 0; i < b.InputCount; i++)
        {
            int extent = b.InputSpec(i).Shape[Axis];
            if (b.Needs(i))
            {
                b.Give(i, b.Incoming.Narrow(Axis, start, extent));
            }

            start += extent;
        }
    }
}
