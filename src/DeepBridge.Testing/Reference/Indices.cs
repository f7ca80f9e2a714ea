namespace DeepBridge.Testing;

/// <summary>Coordinates of row-major data.</summary>
internal static class Indices
{
    /// <summary>All coordinates of a shape in row-major order; one array that changes.</summary>
    internal static IEnumerable<int[]> Walk(Shape shape)
    {
        int[] at = new int[shape.Rank];
        for (long i = 0; i < shape.Count; i++)
        {
            yield return at;
            for (int axis = at.Length - 1; axis >= 0 && ++at[axis] == shape[axis]; axis--)
            {
                at[axis] = 0;
            }
        }
    }

    /// <summary>The row-major position of coordinates.</summary>
    internal static int Flat(ReadOnlySpan<int> at, Shape shape)
    {
        int flat = 0;
        for (int axis = 0; axis < at.Length; axis++)
        {
            flat = (flat * shape[axis]) + at[axis];
        }

        return flat;
    }

    /// <summary>Where the element at coordinates of a broadcast shape comes from.</summary>
    internal static int Broadcast(ReadOnlySpan<int> at, Shape from)
    {
        int flat = 0, leading = at.Length - from.Rank;
        for (int axis = 0; axis < from.Rank; axis++)
        {
            flat = (flat * from[axis]) + (from[axis] == 1 ? 0 : at[leading + axis]);
        }

        return flat;
    }

    /// <summary>For each element of a shape, row by row, where it comes from.</summary>
    internal static int[] Map(Shape shape, Func<int[], int> source)
    {
        int[] map = new int[shape.Count];
        int i = 0;
        foreach (int[] at in Walk(shape))
        {
            map[i++] = source(at);
        }

        return map;
    }

    /// <summary>The product of extents.</summary>
    internal static int Product(ReadOnlySpan<int> extents) => checked((int)Shape.Create(extents).Count);
}
