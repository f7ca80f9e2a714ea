using System.Globalization;

namespace DeepBridge;

/// <summary>
/// A number that meets a tensor without widening it: <c>float32 + 1.5</c> stays float32; an integer tensor meets a
/// floating scalar as float32; a bool tensor meets an integer as int64.
/// </summary>
public readonly struct Scalar : IEquatable<Scalar>
{
    private readonly long _bits;

    private Scalar(DType kind, long bits)
    {
        Kind = kind;
        _bits = bits;
    }

    /// <summary>Bool, Int64 or Float64: the kind of number that was written.</summary>
    public DType Kind { get; }

    /// <summary>A bool.</summary>
    /// <param name="value">The value.</param>
    public static implicit operator Scalar(bool value) => new(DType.Bool, value ? 1 : 0);

    /// <summary>An integer.</summary>
    /// <param name="value">The value.</param>
    public static implicit operator Scalar(int value) => new(DType.Int64, value);

    /// <summary>An integer.</summary>
    /// <param name="value">The value.</param>
    public static implicit operator Scalar(long value) => new(DType.Int64, value);

    /// <summary>A floating-point number.</summary>
    /// <param name="value">The value.</param>
    public static implicit operator Scalar(float value) => new(DType.Float64, BitConverter.DoubleToInt64Bits(value));

    /// <summary>A floating-point number.</summary>
    /// <param name="value">The value.</param>
    public static implicit operator Scalar(double value) => new(DType.Float64, BitConverter.DoubleToInt64Bits(value));

    /// <summary>Compares kind and bits.</summary>
    /// <param name="left">One scalar.</param>
    /// <param name="right">The other.</param>
    public static bool operator ==(Scalar left, Scalar right) => left.Equals(right);

    /// <summary>Compares kind and bits.</summary>
    /// <param name="left">One scalar.</param>
    /// <param name="right">The other.</param>
    public static bool operator !=(Scalar left, Scalar right) => !left.Equals(right);

    /// <summary>The value as a double; integers beyond 2⁵³ are rounded.</summary>
    /// <returns>The value.</returns>
    public double ToDouble() => Kind == DType.Float64 ? BitConverter.Int64BitsToDouble(_bits) : _bits;

    /// <summary>The value as an integer; a floating value is truncated, NaN is 0, what is out of range saturates.</summary>
    /// <returns>The value.</returns>
    public long ToInt64() => Kind == DType.Float64 ? (long)BitConverter.Int64BitsToDouble(_bits) : _bits;

    /// <summary>The dtype in which this scalar meets a tensor of <paramref name="tensor"/>.</summary>
    /// <param name="tensor">The tensor's dtype.</param>
    /// <returns>The common dtype.</returns>
    public DType Meet(DType tensor) => Kind switch
    {
        DType.Float64 when !tensor.IsFloating() => DType.Float32,
        DType.Int64 when tensor == DType.Bool => DType.Int64,
        _ => tensor,
    };

    /// <inheritdoc/>
    public bool Equals(Scalar other) => Kind == other.Kind && _bits == other._bits;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Scalar other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Kind, _bits);

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        DType.Bool => _bits != 0 ? "true" : "false",
        DType.Int64 => _bits.ToString(CultureInfo.InvariantCulture),
        _ => ToDouble().ToString("R", CultureInfo.InvariantCulture),
    };
}
