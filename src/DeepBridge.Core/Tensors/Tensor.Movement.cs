using DeepBridge.Ops;

namespace DeepBridge;

public sealed partial class Tensor
{
    /// <summary>Swaps the last two axes.</summary>
    public Tensor T => Transpose(-2, -1);

    /// <summary>Tensors end to end along an axis; dtypes are promoted.</summary>
    /// <param name="tensors">The tensors; their shapes agree in all other axes.</param>
    /// <param name="axis">The axis; −1 is the last.</param>
    /// <returns>The result.</returns>
    public static Tensor Concat(ReadOnlySpan<Tensor> tensors, int axis = 0)
    {
        if (tensors.IsEmpty)
        {
            throw new InvalidAttributeException(nameof(Concat), "takes at least one tensor.");
        }

        DType common = DType.Bool;
        foreach (Tensor tensor in tensors)
        {
            ArgumentNullException.ThrowIfNull(tensor, nameof(tensors));
            common = DTypes.Promote(common, tensor.DType);
        }

        Tensor[] parts = Array.ConvertAll(tensors.ToArray(), tensor => tensor.Cast(common));
        return parts.Length == 1 ? parts[0] : Eager.Run(new Concat(Checks.Normalize(nameof(Concat), axis, parts[0].Shape)), parts);
    }

    /// <summary>Tensors of one shape side by side along a new axis; dtypes are promoted.</summary>
    /// <param name="tensors">The tensors.</param>
    /// <param name="axis">Where the new axis stands in the result; −1: last.</param>
    /// <returns>The result.</returns>
    public static Tensor Stack(ReadOnlySpan<Tensor> tensors, int axis = 0)
    {
        Tensor[] raised = new Tensor[tensors.Length];
        for (int i = 0; i < raised.Length; i++)
        {
            raised[i] = tensors[i].Unsqueeze(axis);
        }

        return Concat(raised, axis);
    }

    /// <summary>The same elements, row by row, in another shape.</summary>
    /// <param name="dims">The extents; one may be −1 and is found from the others.</param>
    /// <returns>The result.</returns>
    /// <exception cref="ShapeMismatchException">The number of elements differs.</exception>
    public Tensor Reshape(params ReadOnlySpan<int> dims)
    {
        int[] extents = dims.ToArray();
        int unknown = Array.IndexOf(extents, -1);
        if (unknown >= 0)
        {
            long known = 1;
            for (int i = 0; i < extents.Length; i++)
            {
                known *= i == unknown ? 1 : extents[i];
            }

            if (known <= 0 ? Count != 0 || known < 0 : Count % known != 0)
            {
                throw new ShapeMismatchException(
                    nameof(Reshape), $"shape {Shape} has {Count} elements, which {Dims.Take(extents)} does not divide.", [Shape]);
            }

            extents[unknown] = known == 0 ? 0 : checked((int)(Count / known));
        }

        Dims shape = Dims.Take(extents);
        return shape == Shape.Dims ? this : Eager.Unary(new Reshape(shape), this);
    }

    /// <summary>The axes in another order.</summary>
    /// <param name="axes">Axis i of the result is axis axes[i] of this; −1 is the last.</param>
    /// <returns>The result.</returns>
    public Tensor Permute(params ReadOnlySpan<int> axes)
    {
        int[] order = new int[axes.Length];
        bool same = axes.Length == Rank;
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = Checks.Normalize(nameof(Permute), axes[i], Shape);
            same &= order[i] == i;
        }

        return same ? this : Eager.Unary(new Permute(Dims.Take(order)), this);
    }

    /// <summary>Swaps two axes.</summary>
    /// <param name="first">One axis; −1 is the last.</param>
    /// <param name="second">The other.</param>
    /// <returns>The result.</returns>
    public Tensor Transpose(int first, int second)
    {
        int[] axes = [.. Enumerable.Range(0, Rank)];
        int a = Checks.Normalize(nameof(Transpose), first, Shape), b = Checks.Normalize(nameof(Transpose), second, Shape);
        (axes[a], axes[b]) = (axes[b], axes[a]);
        return Permute(axes);
    }

    /// <summary>Moves one axis; the others keep their order.</summary>
    /// <param name="from">The axis; −1 is the last.</param>
    /// <param name="to">Where it goes.</param>
    /// <returns>The result.</returns>
    public Tensor MoveAxis(int from, int to)
    {
        int source = Checks.Normalize(nameof(MoveAxis), from, Shape), target = Checks.Normalize(nameof(MoveAxis), to, Shape);
        List<int> axes = [.. Enumerable.Range(0, Rank)];
        axes.RemoveAt(source);
        axes.Insert(target, source);
        return Permute([.. axes]);
    }

    /// <summary>Repeats axes of extent 1, and new leading axes, up to a shape.</summary>
    /// <param name="shape">The shape.</param>
    /// <returns>The result.</returns>
    public Tensor Expand(Shape shape) => shape == Shape ? this : Eager.Unary(new Expand(shape.Dims), this);

    /// <summary>Adds up what broadcasting repeated: the transpose of <see cref="Expand"/>.</summary>
    /// <param name="shape">The shape that had been broadcast to this one.</param>
    /// <returns>The result.</returns>
    public Tensor SumTo(Shape shape)
    {
        if (shape == Shape)
        {
            return this;
        }

        if (!Broadcasting.Fits(shape, Shape))
        {
            throw new ShapeMismatchException(nameof(SumTo), $"shape {shape} does not broadcast to {Shape}.", [Shape, shape]);
        }

        int leading = Rank - shape.Rank;
        List<int> axes = [];
        for (int axis = 0; axis < Rank; axis++)
        {
            if (axis < leading || (shape[axis - leading] == 1 && Shape[axis] != 1))
            {
                axes.Add(axis);
            }
        }

        return Eager.Unary(new Sum(Dims.Create([.. axes]), true), this).Reshape(shape.AsSpan());
    }

    /// <summary>Reverses axes.</summary>
    /// <param name="axes">The axes; none: all.</param>
    /// <returns>The result.</returns>
    public Tensor Flip(params ReadOnlySpan<int> axes) => Eager.Unary(new Flip(Checks.Normalize(nameof(Flip), axes, Shape)), this);

    /// <summary>Puts elements of one value around.</summary>
    /// <param name="low">How many before, an axis.</param>
    /// <param name="high">How many after, an axis.</param>
    /// <param name="value">The value.</param>
    /// <returns>The result.</returns>
    public Tensor Pad(ReadOnlySpan<int> low, ReadOnlySpan<int> high, Scalar value = default) =>
        low.IndexOfAnyExcept(0) < 0 && high.IndexOfAnyExcept(0) < 0 && low.Length == Rank && high.Length == Rank
            ? this
            : Eager.Unary(new Pad(Dims.Create(low), Dims.Create(high), value), this);

    /// <summary>A stretch of one axis.</summary>
    /// <param name="axis">The axis; −1 is the last.</param>
    /// <param name="start">The first element.</param>
    /// <param name="length">How many.</param>
    /// <param name="step">The distance between elements, at least 1.</param>
    /// <returns>The result.</returns>
    public Tensor Narrow(int axis, int start, int length, int step = 1)
    {
        int normal = Checks.Normalize(nameof(Narrow), axis, Shape);
        if (start == 0 && length == Shape[normal] && step == 1)
        {
            return this;
        }

        int[] starts = new int[Rank], sizes = Shape.AsSpan().ToArray(), steps = new int[Rank];
        Array.Fill(steps, 1);
        (starts[normal], sizes[normal], steps[normal]) = (start, length, step);
        return Eager.Unary(new Slice(Dims.Take(starts), Dims.Take(sizes), Dims.Take(steps)), this);
    }

    /// <summary>Cuts an axis into stretches of one length; the last may be shorter.</summary>
    /// <param name="length">The length, at least 1.</param>
    /// <param name="axis">The axis; −1 is the last.</param>
    /// <returns>The stretches.</returns>
    public Tensor[] Split(int length, int axis = 0)
    {
        if (length < 1)
        {
            throw new InvalidAttributeException(nameof(Split), $"the length must be at least 1, got {length}.");
        }

        int normal = Checks.Normalize(nameof(Split), axis, Shape);
        int extent = Shape[normal];
        int count = Math.Max(1, (int)(((long)extent + length - 1) / length));
        int Length(int i) => Math.Min(length, extent - (i * length));
        Tensor[] Cut(Tensor[] whole) => [.. Enumerable.Range(0, count).Select(i => whole[0].Narrow(normal, i * length, Length(i)))];

        // Each stretch by itself would give a gradient as large as the whole; together they are concatenated once.
        return count == 1 || !IsTracked ? Cut([this]) : Gradients.Custom(
            nameof(Split),
            [this],
            Cut,
            (incoming, whole) => [Concat(
                [.. incoming.Select((given, i) => given ?? Full(whole[0].Shape.With(normal, Length(i)), 0, whole[0].DType, whole[0].Device))], normal)]);
    }

    /// <summary>Takes away an axis of extent 1.</summary>
    /// <param name="axis">The axis; −1 is the last.</param>
    /// <returns>The result.</returns>
    public Tensor Squeeze(int axis)
    {
        int normal = Checks.Normalize(nameof(Squeeze), axis, Shape);
        return Shape[normal] == 1 ? Reshape(Shape.Without(normal).AsSpan()) : throw new ShapeMismatchException(
            nameof(Squeeze), $"axis {axis} of shape {Shape} has {Shape[normal]} elements, not 1.", [Shape], normal);
    }

    /// <summary>Takes away all axes of extent 1.</summary>
    /// <returns>The result.</returns>
    public Tensor Squeeze() => Reshape([.. Shape.AsSpan().ToArray().Where(extent => extent != 1)]);

    /// <summary>Adds an axis of extent 1.</summary>
    /// <param name="axis">Where it stands in the result; −1: last.</param>
    /// <returns>The result.</returns>
    public Tensor Unsqueeze(int axis)
    {
        int normal = axis < 0 ? axis + Rank + 1 : axis;
        if ((uint)normal > (uint)Rank)
        {
            throw new ShapeMismatchException(nameof(Unsqueeze), $"a new axis {axis} has no place in shape {Shape}.", [Shape], axis);
        }

        ReadOnlySpan<int> dims = Shape.AsSpan();
        return Reshape([.. dims[..normal], 1, .. dims[normal..]]);
    }

    /// <summary>Folds a run of axes into one.</summary>
    /// <param name="first">The first axis.</param>
    /// <param name="last">The last axis.</param>
    /// <returns>The result.</returns>
    public Tensor Flatten(int first = 0, int last = -1)
    {
        if (Rank == 0)
        {
            return Reshape(1);
        }

        int from = Checks.Normalize(nameof(Flatten), first, Shape), to = Checks.Normalize(nameof(Flatten), last, Shape);
        if (to < from)
        {
            throw new InvalidAttributeException(nameof(Flatten), $"axis {last} stands before axis {first} in shape {Shape}.");
        }

        ReadOnlySpan<int> dims = Shape.AsSpan();
        int count = 1;
        foreach (int extent in dims[from..(to + 1)])
        {
            count = checked(count * extent);
        }

        return Reshape([.. dims[..from], count, .. dims[(to + 1)..]]);
    }
}
