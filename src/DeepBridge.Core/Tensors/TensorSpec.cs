namespace DeepBridge;

/// <summary>
/// The shape and dtype of a tensor: all that an op's rule needs to know of it. Specs are shared by reference between
/// tensors, so that the busiest comparison is one of references.
/// </summary>
public sealed class TensorSpec : IEquatable<TensorSpec>
{
    /// <summary>Makes a spec.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="dtype">The dtype.</param>
    public TensorSpec(Shape shape, DType dtype)
    {
        Shape = shape;
        DType = dtype;
        IsFloating = dtype.IsFloating();
    }

    /// <summary>The shape.</summary>
    public Shape Shape { get; }

    /// <summary>The dtype.</summary>
    public DType DType { get; }

    /// <summary>The number of dimensions.</summary>
    public int Rank => Shape.Rank;

    /// <summary>The number of elements.</summary>
    public long Count => Shape.Count;

    /// <summary>The size in bytes of a dense copy.</summary>
    public long Bytes => Shape.Count * DType.Size();

    /// <summary>Whether the dtype is a floating-point one.</summary>
    internal bool IsFloating { get; }

    /// <summary>The same shape in another dtype.</summary>
    /// <param name="dtype">The dtype.</param>
    /// <returns>This spec where nothing changes.</returns>
    public TensorSpec As(DType dtype) => dtype == DType ? this : new TensorSpec(Shape, dtype);

    /// <summary>Another shape in the same dtype.</summary>
    /// <param name="shape">The shape.</param>
    /// <returns>This spec where nothing changes.</returns>
    public TensorSpec As(Shape shape) => shape == Shape ? this : new TensorSpec(shape, DType);

    /// <inheritdoc/>
    public bool Equals(TensorSpec? other) =>
        ReferenceEquals(this, other) || (other is not null && DType == other.DType && Shape == other.Shape);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as TensorSpec);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Shape, DType);

    /// <summary>As graphs print it: <c>float32(2, 3)</c>.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => DType.Name() + Shape;
}
