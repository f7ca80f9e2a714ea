namespace DeepBridge.Data;

/// <summary>
/// Numbers in the host's memory, row by row, with a shape: what samples are made of. Unlike a tensor it belongs to no
/// scope and no device, so that workers can make many.
/// </summary>
/// <typeparam name="T">The element type.</typeparam>
public readonly record struct HostArray<T>
    where T : unmanaged
{
    /// <summary>Puts a shape over numbers, without a copy.</summary>
    /// <param name="values">The numbers; they must not change.</param>
    /// <param name="shape">The shape; an empty one for a single number.</param>
    /// <exception cref="ShapeMismatchException">There are not as many numbers as the shape has.</exception>
    public HostArray(ReadOnlyMemory<T> values, Shape shape)
    {
        if (values.Length != shape.Count)
        {
            throw new ShapeMismatchException(nameof(HostArray<T>), $"{values.Length} numbers do not make shape {shape}.", [shape]);
        }

        Values = values;
        Shape = shape;
    }

    /// <summary>The numbers.</summary>
    public ReadOnlyMemory<T> Values { get; }

    /// <summary>The shape.</summary>
    public Shape Shape { get; }

    /// <summary>The numbers.</summary>
    public ReadOnlySpan<T> Span => Values.Span;

    /// <summary>One row: a part of axis 0, without a copy.</summary>
    /// <param name="index">Its number.</param>
    /// <returns>The row.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such row.</exception>
    public HostArray<T> Row(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, Shape.Rank == 0 ? 0u : (uint)Shape[0], nameof(index));
        Shape row = Shape.Without(0);
        return new HostArray<T>(Values.Slice(index * (int)row.Count, (int)row.Count), row);
    }
}
