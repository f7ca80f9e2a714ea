using DeepBridge.Backends;

namespace DeepBridge.Primitives.Tests;

/// <summary>
/// A strided window on an array: floats for float32 and below, doubles for float64, longs for the rest. Views share
/// the array, which nobody writes to once it is full.
/// </summary>
internal sealed class Block : BackendTensor
{
    internal Block(TensorSpec spec, Device device, Array elements, int offset = 0, int[]? strides = null)
        : base(spec, device)
    {
        Elements = elements;
        Offset = offset;
        Strides = strides ?? [.. spec.Shape.RowMajorStrides().Select(stride => (int)stride)];
    }

    internal Array Elements { get; private set; }

    internal int Offset { get; }

    internal int[] Strides { get; }

    internal Shape Shape => Spec.Shape;

    /// <summary>Where the elements of a shape that this one broadcasts to lie, row by row.</summary>
    internal int[] Positions(Shape shape)
    {
        int[] strides = new int[shape.Rank];
        for (int axis = 0; axis < Shape.Rank; axis++)
        {
            strides[shape.Rank - Shape.Rank + axis] = Shape[axis] == 1 ? 0 : Strides[axis];
        }

        return Positions(shape, Offset, strides);
    }

    internal int[] Positions() => Positions(Shape, Offset, Strides);

    internal static int[] Positions(Shape shape, int offset, int[] strides)
    {
        int[] positions = new int[shape.Count];
        if (positions.Length == 0)
        {
            return positions;
        }

        // Each axis repeats what the axes inside it have filled, moved by its stride.
        positions[0] = offset;
        int filled = 1;
        for (int axis = shape.Rank - 1; axis >= 0; axis--)
        {
            for (int i = 1; i < shape[axis]; i++)
            {
                for (int k = 0; k < filled; k++)
                {
                    positions[(i * filled) + k] = positions[k] + (i * strides[axis]);
                }
            }

            filled *= shape[axis];
        }

        return positions;
    }

    protected override void Free() => Elements = Array.Empty<long>();
}
