using DeepBridge.Ops;

namespace DeepBridge;

/// <summary>
/// One part of an index expression: an <see cref="int"/> or <see cref="Index"/> picks and drops an axis, a
/// <see cref="Range"/> keeps a stretch, <see cref="Ellipsis"/> stands for the axes between, <see cref="NewAxis"/> adds one.
/// </summary>
public readonly struct TensorIndex
{
    private TensorIndex(TensorIndexKind kind, Range range, int step = 1)
    {
        Kind = kind;
        Range = range;
        Step = step;
    }

    /// <summary>All axes that the other parts do not name.</summary>
    public static TensorIndex Ellipsis { get; } = new(TensorIndexKind.Ellipsis, Range.All);

    /// <summary>A new axis of extent 1.</summary>
    public static TensorIndex NewAxis { get; } = new(TensorIndexKind.NewAxis, Range.All);

    internal TensorIndexKind Kind { get; }

    internal Range Range { get; }

    internal int Step { get; }

    /// <summary>Picks one element; a negative number counts from the end.</summary>
    /// <param name="index">The position.</param>
    public static implicit operator TensorIndex(int index) => index < 0 ? Index.FromEnd(-index) : Index.FromStart(index);

    /// <summary>Picks one element.</summary>
    /// <param name="index">The position.</param>
    public static implicit operator TensorIndex(Index index) => new(TensorIndexKind.Pick, new Range(index, index));

    /// <summary>Keeps a stretch.</summary>
    /// <param name="range">The stretch.</param>
    public static implicit operator TensorIndex(Range range) => new(TensorIndexKind.Keep, range);

    /// <summary>Keeps every <paramref name="step"/>-th element of a stretch.</summary>
    /// <param name="range">The stretch.</param>
    /// <param name="step">The step, at least 1.</param>
    /// <returns>The part.</returns>
    public static TensorIndex Every(Range range, int step) => step >= 1
        ? new TensorIndex(TensorIndexKind.Keep, range, step)
        : throw new InvalidAttributeException("Slice", $"the step must be at least 1, got {step}. Flip the axis to go backwards.");
}

/// <summary>What a part of an index expression does.</summary>
internal enum TensorIndexKind
{
    Keep,
    Pick,
    Ellipsis,
    NewAxis,
}

public sealed partial class Tensor
{
    /// <summary>
    /// A part of this tensor: <c>x[0]</c>, <c>x[^1]</c>, <c>x[1..3, 0]</c>, <c>x[.., 0]</c>,
    /// <c>x[TensorIndex.Ellipsis, 0]</c>. Axes that are not named are kept.
    /// </summary>
    /// <param name="parts">The parts.</param>
    /// <exception cref="ShapeMismatchException">There are more parts than axes, or one reaches outside.</exception>
    [System.Runtime.CompilerServices.IndexerName("Part")]
    public Tensor this[params ReadOnlySpan<TensorIndex> parts]
    {
        get
        {
            int named = 0, ellipses = 0;
            foreach (TensorIndex part in parts)
            {
                named += part.Kind is TensorIndexKind.Keep or TensorIndexKind.Pick ? 1 : 0;
                ellipses += part.Kind == TensorIndexKind.Ellipsis ? 1 : 0;
            }

            if (named > Rank || ellipses > 1)
            {
                throw new ShapeMismatchException("Slice", $"{named} indices and {ellipses} ellipses do not fit shape {Shape}.", [Shape]);
            }

            int[] starts = new int[Rank], sizes = Shape.AsSpan().ToArray(), steps = new int[Rank];
            Array.Fill(steps, 1);
            List<int> dims = [];
            int axis = 0;
            foreach (TensorIndex part in parts)
            {
                switch (part.Kind)
                {
                    case TensorIndexKind.NewAxis:
                        dims.Add(1);
                        break;
                    case TensorIndexKind.Ellipsis:
                        for (int i = 0; i < Rank - named; i++)
                        {
                            dims.Add(sizes[axis++]);
                        }

                        break;
                    default:
                        (starts[axis], sizes[axis]) = Resolve(part, axis);
                        steps[axis] = part.Step;
                        if (part.Kind == TensorIndexKind.Keep)
                        {
                            dims.Add(sizes[axis]);
                        }

                        axis++;
                        break;
                }
            }

            for (; axis < Rank; axis++)
            {
                dims.Add(sizes[axis]);
            }

            Dims kept = Dims.Take(sizes);
            Tensor slice = kept == Shape.Dims ? this : Eager.Unary(new Slice(Dims.Take(starts), kept, Dims.Take(steps)), this);
            return slice.Reshape([.. dims]);
        }
    }

    /// <summary>Slices of an axis by number; the axis is replaced by the axes of the indices.</summary>
    /// <param name="indices">Int32 or int64, from 0 to the extent − 1.</param>
    /// <param name="axis">The axis; −1 is the last.</param>
    /// <returns>The slices.</returns>
    /// <exception cref="ValueOutOfBoundsException">An index is out of range.</exception>
    public Tensor Gather(Tensor indices, int axis = 0) => Eager.Run(new Gather(Checks.Normalize(nameof(Gather), axis, Shape)), [this, indices]);

    /// <summary>One element of an axis for each place of the indices.</summary>
    /// <param name="indices">Int32 or int64; their shape agrees with this one's in all other axes.</param>
    /// <param name="axis">The axis; −1 is the last.</param>
    /// <returns>The elements.</returns>
    public Tensor TakeAlongAxis(Tensor indices, int axis) =>
        Eager.Run(new TakeAlongAxis(Checks.Normalize(nameof(TakeAlongAxis), axis, Shape)), [this, indices]);

    /// <summary>Adds slices to this tensor by number; equal indices add up.</summary>
    /// <param name="values">The slices: this tensor's shape with the axis replaced by the axes of the indices.</param>
    /// <param name="indices">Int32 or int64, from 0 to the extent − 1.</param>
    /// <param name="axis">The axis; −1 is the last.</param>
    /// <returns>The sum.</returns>
    public Tensor ScatterAdd(Tensor values, Tensor indices, int axis = 0)
    {
        int normal = Checks.Normalize(nameof(ScatterAdd), axis, Shape);
        return this + Eager.Run(new ScatterAdd(normal, Shape[normal]), [values, indices]);
    }

    /// <summary>A new last axis with 1 at the index and 0 elsewhere.</summary>
    /// <param name="depth">The extent of the new axis.</param>
    /// <param name="dtype">The dtype of the result.</param>
    /// <returns>The result.</returns>
    public Tensor OneHot(int depth, DType dtype = DType.Float32) => Eager.Unary(new OneHot(depth, dtype), this);

    private (int Start, int Size) Resolve(TensorIndex part, int axis)
    {
        int extent = Shape[axis];
        int start = part.Range.Start.GetOffset(extent);
        if (part.Kind == TensorIndexKind.Pick)
        {
            return (uint)start < (uint)extent ? (start, 1) : throw new ShapeMismatchException(
                "Slice", $"index {part.Range.Start} is outside axis {axis} of shape {Shape}.", [Shape], axis);
        }

        int end = part.Range.End.GetOffset(extent);
        if (start < 0 || end > extent || start > end)
        {
            throw new ShapeMismatchException("Slice", $"range {part.Range} is outside axis {axis} of shape {Shape}.", [Shape], axis);
        }

        return (start, (end - start + part.Step - 1) / part.Step);
    }
}
