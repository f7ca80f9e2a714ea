using System.Runtime.CompilerServices;

namespace DeepBridge.Cpu;

/// <summary>
/// A nest of loops over the elements of a shape, shared by up to four operands with strides of their own. Axes of
/// extent 1 are left out, and neighbours that every operand steps over evenly are merged, so that a dense operation
/// is one loop and most broadcasts are two. Axis 0 is the innermost.
/// </summary>
internal struct Walk
{
    /// <summary>The most axes that can be left after merging.</summary>
    internal const int MaxRank = 8;

    private const int Operands = 4;
    private Axes _extents;
    private Strides _strides;
    private int _rank;

    /// <summary>The number of loops; 0 for a single element.</summary>
    internal readonly int Rank => _rank;

    /// <summary>The elements of the innermost loop.</summary>
    internal readonly int Inner => _rank == 0 ? 1 : (int)_extents[0];

    /// <summary>How often the innermost loop runs.</summary>
    internal readonly long Rows
    {
        get
        {
            long rows = 1;
            for (int axis = 1; axis < _rank; axis++)
            {
                rows *= _extents[axis];
            }

            return rows;
        }
    }

    /// <summary>Makes the loops of operands that all have elements.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="strides">The strides of each operand, one after the other, an entry an axis.</param>
    /// <param name="walk">The loops.</param>
    /// <returns>False where more than <see cref="MaxRank"/> axes are left.</returns>
    internal static bool TryMake(ReadOnlySpan<int> shape, ReadOnlySpan<long> strides, out Walk walk)
    {
        walk = default;
        int operands = shape.Length == 0 ? 0 : strides.Length / shape.Length, rank = 0;
        for (int axis = shape.Length - 1; axis >= 0; axis--)
        {
            int extent = shape[axis];
            if (extent == 1)
            {
                continue;
            }

            bool merges = rank > 0;
            for (int i = 0; i < operands && merges; i++)
            {
                merges = strides[(i * shape.Length) + axis] == walk._strides[((rank - 1) * Operands) + i] * walk._extents[rank - 1];
            }

            if (merges)
            {
                walk._extents[rank - 1] *= extent;
                continue;
            }

            if (rank == MaxRank)
            {
                return false;
            }

            walk._extents[rank] = extent;
            for (int i = 0; i < operands; i++)
            {
                walk._strides[(rank * Operands) + i] = strides[(i * shape.Length) + axis];
            }

            rank++;
        }

        walk._rank = rank;
        return true;
    }

    /// <summary>The extent of an axis; 0 is the innermost.</summary>
    internal readonly long Extent(int axis) => _extents[axis];

    /// <summary>The stride of an operand along an axis; 0 where there is no such axis.</summary>
    internal readonly nint Stride(int operand, int axis = 0) => axis < _rank ? (nint)_strides[(axis * Operands) + operand] : 0;

    /// <summary>Makes two axes change places.</summary>
    internal void Swap(int first, int second)
    {
        (_extents[first], _extents[second]) = (_extents[second], _extents[first]);
        for (int i = 0; i < Operands; i++)
        {
            (_strides[(first * Operands) + i], _strides[(second * Operands) + i]) =
                (_strides[(second * Operands) + i], _strides[(first * Operands) + i]);
        }
    }

    /// <summary>Where an operand's row begins; rows are counted over the axes from <paramref name="from"/> on.</summary>
    [MethodImpl(Hot.Loop)]
    internal readonly nint Offset(int operand, long row, int from = 1)
    {
        long offset = 0;
        for (int axis = from; axis < _rank; axis++)
        {
            long extent = _extents[axis];
            if (axis == _rank - 1)
            {
                return (nint)(offset + (row * _strides[(axis * Operands) + operand]));
            }

            (row, long index) = Math.DivRem(row, extent);
            offset += index * _strides[(axis * Operands) + operand];
        }

        return (nint)offset;
    }

    [InlineArray(MaxRank)]
    private struct Axes
    {
        private long _first;
    }

    [InlineArray(MaxRank * Operands)]
    private struct Strides
    {
        private long _first;
    }
}
