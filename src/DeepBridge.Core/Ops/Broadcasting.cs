namespace DeepBridge.Ops;

/// <summary>NumPy's broadcasting: shapes are aligned at their ends, and an extent of 1 repeats.</summary>
public static class Broadcasting
{
    /// <summary>The shape in which two shapes meet.</summary>
    /// <param name="op">Whose inputs they are, for the error.</param>
    /// <param name="left">One shape.</param>
    /// <param name="right">The other.</param>
    /// <returns>The common shape.</returns>
    /// <exception cref="ShapeMismatchException">An axis has two extents, neither of which is 1.</exception>
    public static Shape Join(string op, Shape left, Shape right)
    {
        if (left == right)
        {
            return left;
        }

        int rank = Math.Max(left.Rank, right.Rank);
        int[] dims = new int[rank];
        for (int i = 1; i <= rank; i++)
        {
            int a = i <= left.Rank ? left[^i] : 1, b = i <= right.Rank ? right[^i] : 1;
            if (a != b && a != 1 && b != 1)
            {
                throw new ShapeMismatchException(
                    op, $"shapes {left} and {right} do not broadcast: axis -{i} has {a} and {b} elements, expected equal numbers or 1.", [left, right], rank - i);
            }

            dims[rank - i] = a == 1 ? b : a;
        }

        return new Shape(Dims.Take(dims));
    }

    /// <summary>Whether a shape broadcasts to another without changing that.</summary>
    /// <param name="from">The shape.</param>
    /// <param name="to">The other.</param>
    /// <returns>True where it does.</returns>
    public static bool Fits(Shape from, Shape to)
    {
        if (from.Rank > to.Rank)
        {
            return false;
        }

        for (int i = 1; i <= from.Rank; i++)
        {
            if (from[^i] != to[^i] && from[^i] != 1)
            {
                return false;
            }
        }

        return true;
    }
}
