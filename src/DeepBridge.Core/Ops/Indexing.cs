using DeepBridge.Autodiff;
using DeepBridge.Backends;

namespace DeepBridge.Ops;

/// <summary>
/// Picks slices of an axis by number: the axis is replaced by the axes of the indices. Inputs: values, indices (int32
/// or int64, from 0 to the axis' extent − 1).
/// </summary>
/// <param name="Axis">The axis, from 0.</param>
public sealed record Gather(int Axis) : Op<Gather>, IBoundedOp
{
    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Input(1);

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 2);
        Checks.Axis(this, Axis, inputs[0].Shape);
        Checks.Index(this, inputs[1], "indices");
        ReadOnlySpan<int> dims = inputs[0].Shape.AsSpan();
        return inputs[0].As(Shape.Create([.. dims[..Axis], .. inputs[1].Shape.AsSpan(), .. dims[(Axis + 1)..]]));
    }

    /// <inheritdoc/>
    public IReadOnlyList<ValueBound> Bounds(ReadOnlySpan<TensorSpec> inputs) => [new ValueBound(1, 0, inputs[0].Shape[Axis] - 1)];

    /// <inheritdoc/>
    public override void Gradient(in Backward b) =>
        b.Give(0, new ScatterAdd(Axis, b.InputSpec(0).Shape[Axis]).Apply(b.Incoming, b.Input(1)));
}

/// <summary>
/// Adds slices into zeros by number, the transpose of <see cref="Gather"/>. Inputs: values, whose axes from
/// <paramref name="Axis"/> on are those of the indices; indices (int32 or int64, from 0 to Extent − 1). Equal indices
/// add up, in their order.
/// </summary>
/// <param name="Axis">The axis of the output, from 0.</param>
/// <param name="Extent">Its extent.</param>
public sealed record ScatterAdd(int Axis, int Extent) : Op<ScatterAdd>, IBoundedOp
{
    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Input(1);

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 2);
        Checks.Numeric(this, inputs[0]);
        Checks.Index(this, inputs[1], "indices");
        Checks.Attribute(this, Axis >= 0 && Extent >= 0, $"axis {Axis} and extent {Extent} must not be negative.");
        ReadOnlySpan<int> values = inputs[0].Shape.AsSpan(), indices = inputs[1].Shape.AsSpan();
        if (Axis + indices.Length > values.Length || !values.Slice(Axis, indices.Length).SequenceEqual(indices))
        {
            throw new ShapeMismatchException(
                Name, $"values of shape {inputs[0].Shape} do not have the indices' shape {inputs[1].Shape} from axis {Axis} on.", [inputs[0].Shape, inputs[1].Shape], Axis);
        }

        return inputs[0].As(Shape.Create([.. values[..Axis], Extent, .. values[(Axis + indices.Length)..]]));
    }

    /// <inheritdoc/>
    public IReadOnlyList<ValueBound> Bounds(ReadOnlySpan<TensorSpec> inputs) => [new ValueBound(1, 0, Extent - 1)];

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, new Gather(Axis).Apply(b.Incoming, b.Input(1)));
}

/// <summary>A new last axis with 1 at the index and 0 elsewhere. Input: indices, int32 or int64, from 0 to Depth − 1.</summary>
/// <param name="Depth">The extent of the new axis.</param>
/// <param name="DType">The dtype of the output.</param>
public sealed record OneHot(int Depth, DType DType) : Op<OneHot>, IBoundedOp
{
    /// <inheritdoc/>
    public override string? NoGradient => "its input is an integer";

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 1);
        Checks.Index(this, inputs[0], "indices");
        Checks.Attribute(this, Depth >= 0, $"the depth must not be negative, got {Depth}.");
        Checks.Defined(this, DType);
        return new TensorSpec(Shape.Create([.. inputs[0].Shape.AsSpan(), Depth]), DType);
    }

    /// <inheritdoc/>
    public IReadOnlyList<ValueBound> Bounds(ReadOnlySpan<TensorSpec> inputs) => [new ValueBound(0, 0, Depth - 1)];
}

/// <summary>
/// Picks one element of an axis for each place: output[i, j] = values[i, indices[i, j]] for the last axis. Inputs:
/// values; indices, which agree with them in all other axes.
/// </summary>
/// <param name="Axis">The axis, from 0.</param>
public sealed record TakeAlongAxis(int Axis) : Op<TakeAlongAxis>, IBoundedOp
{
    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 2);
        Checks.Axis(this, Axis, inputs[0].Shape);
        Checks.Index(this, inputs[1], "indices");
        if (inputs[1].Rank != inputs[0].Rank || inputs[1].Shape.With(Axis, 0) != inputs[0].Shape.With(Axis, 0))
        {
            throw new ShapeMismatchException(
                Name, $"indices of shape {inputs[1].Shape} differ from values of shape {inputs[0].Shape} elsewhere than in axis {Axis}.", [inputs[0].Shape, inputs[1].Shape]);
        }

        return inputs[0].As(inputs[1].Shape);
    }

    /// <inheritdoc/>
    public IReadOnlyList<ValueBound> Bounds(ReadOnlySpan<TensorSpec> inputs) => [new ValueBound(1, 0, inputs[0].Shape[Axis] - 1)];

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Tensor values = inputs[0].MoveAxis(Axis, -1), indices = inputs[1].MoveAxis(Axis, -1).Cast(DType.Int64);
        int extent = values.Shape[^1], rows = checked((int)(extent == 0 ? 0 : values.Count / extent));
        Tensor row = Tensor.Arange(rows, device: values.Data.Device).Reshape(rows, 1) * extent;
        Tensor picked = new Gather(0).Apply(values.Reshape(-1), indices.Reshape(rows, indices.Shape[^1]) + row);
        return [picked.Reshape(indices.Shape.AsSpan()).MoveAxis(-1, Axis)];
    }
}
