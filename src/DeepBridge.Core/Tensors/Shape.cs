using System.Runtime.CompilerServices;

namespace DeepBridge;

/// <summary>
/// The extents of a tensor, outermost first. No dimension is negative; a dimension holds at most 2³¹−1 elements,
/// the tensor up to 2⁶³−1. A scalar has rank 0. Write it as a collection expression: <c>Shape s = [2, 3];</c>
/// </summary>
[CollectionBuilder(typeof(Shape), nameof(Create))]
public readonly struct Shape : IEquatable<Shape>
{
    private readonly long _countMinusOne;

    /// <summary>Makes a shape of dimensions.</summary>
    /// <param name="dims">The extents.</param>
    /// <exception cref="ArgumentOutOfRangeException">A dimension is negative, or the count exceeds 2⁶³−1.</exception>
    public Shape(Dims dims)
    {
        long count = 1;
        bool overflow = false, empty = false;
        foreach (int dim in dims)
        {
            if (dim < 0)
            {
                throw new ArgumentOutOfRangeException(nameof(dims), $"A shape has no negative dimensions: {dims}.");
            }

            empty |= dim == 0;
            overflow |= dim != 0 && count > long.MaxValue / dim;
            count = unchecked(count * Math.Max(dim, 1));
        }

        if (overflow)
        {
            throw new ArgumentOutOfRangeException(nameof(dims), $"A tensor of shape {dims} has more than 2^63-1 elements.");
        }

        Dims = dims;
        _countMinusOne = empty ? -1 : count - 1;
    }

    /// <summary>The extents as attributes of an op hold them.</summary>
    public Dims Dims { get; }

    /// <summary>The number of dimensions.</summary>
    public int Rank => Dims.Length;

    /// <summary>The number of elements: the product of the dimensions, 1 for a scalar.</summary>
    public long Count => _countMinusOne + 1;

    /// <summary>One extent; <c>shape[^1]</c> is the innermost.</summary>
    /// <param name="axis">The axis, from the front or from the end.</param>
    public int this[Index axis] => Dims[axis.GetOffset(Rank)];

    /// <summary>Dimensions as a shape.</summary>
    /// <param name="dims">The extents.</param>
    public static implicit operator Shape(Dims dims) => new(dims);

    /// <summary>An array as a shape.</summary>
    /// <param name="dims">The extents.</param>
    public static implicit operator Shape(int[] dims) => new(Dims.Create(dims));

    /// <summary>Compares the extents.</summary>
    /// <param name="left">One shape.</param>
    /// <param name="right">The other.</param>
    public static bool operator ==(Shape left, Shape right) => left.Dims == right.Dims;

    /// <summary>Compares the extents.</summary>
    /// <param name="left">One shape.</param>
    /// <param name="right">The other.</param>
    public static bool operator !=(Shape left, Shape right) => left.Dims != right.Dims;

    /// <summary>Makes a shape of a span; collection expressions come here.</summary>
    /// <param name="dims">The extents.</param>
    /// <returns>The shape.</returns>
    public static Shape Create(ReadOnlySpan<int> dims) => new(Dims.Create(dims));

    /// <summary>The extents, without a copy.</summary>
    /// <returns>A span over them.</returns>
    public ReadOnlySpan<int> AsSpan() => Dims.AsSpan();

    /// <summary>Enumerates the extents.</summary>
    /// <returns>The enumerator.</returns>
    public ReadOnlySpan<int>.Enumerator GetEnumerator() => Dims.GetEnumerator();

    /// <summary>A copy with one extent replaced.</summary>
    /// <param name="axis">The axis, from 0.</param>
    /// <param name="extent">The new extent.</param>
    /// <returns>The new shape.</returns>
    public Shape With(int axis, int extent)
    {
        int[] dims = AsSpan().ToArray();
        dims[axis] = extent;
        return new Shape(Dims.Take(dims));
    }

    /// <summary>A copy without one axis.</summary>
    /// <param name="axis">The axis, from 0.</param>
    /// <returns>The new shape.</returns>
    public Shape Without(int axis)
    {
        ReadOnlySpan<int> dims = AsSpan();
        return Create([.. dims[..axis], .. dims[(axis + 1)..]]);
    }

    /// <summary>Distances between neighbours along each axis of a row-major layout, in elements.</summary>
    /// <returns>One stride an axis.</returns>
    public long[] RowMajorStrides()
    {
        long[] strides = new long[Rank];
        long stride = 1;
        for (int axis = Rank - 1; axis >= 0; axis--)
        {
            strides[axis] = stride;
            stride *= Math.Max(Dims[axis], 1);
        }

        return strides;
    }

    /// <inheritdoc/>
    public bool Equals(Shape other) => Dims.Equals(other.Dims);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Dims.GetHashCode();

    /// <summary>The extents in parentheses: <c>(2, 3)</c>.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => Dims.ToString();
}
