using System.Runtime.CompilerServices;

namespace DeepBridge;

/// <summary>
/// A short list of integers with structural equality: axes, strides, paddings, permutations. The attributes of ops
/// are made of it, since equality over arrays would compare references. Write it as a collection expression:
/// <c>Dims axes = [0, 2];</c>
/// </summary>
[CollectionBuilder(typeof(Dims), nameof(Create))]
public readonly struct Dims : IEquatable<Dims>
{
    private readonly int[]? _values;

    private Dims(int[] values) => _values = values;

    /// <summary>The number of entries.</summary>
    public int Length => _values?.Length ?? 0;

    /// <summary>One entry.</summary>
    /// <param name="index">Its position, from 0.</param>
    public int this[int index] => _values is null ? throw new IndexOutOfRangeException() : _values[index];

    /// <summary>Compares entry by entry.</summary>
    /// <param name="left">One list.</param>
    /// <param name="right">The other.</param>
    public static bool operator ==(Dims left, Dims right) => left.Equals(right);

    /// <summary>Compares entry by entry.</summary>
    /// <param name="left">One list.</param>
    /// <param name="right">The other.</param>
    public static bool operator !=(Dims left, Dims right) => !left.Equals(right);

    /// <summary>Copies the entries of a span.</summary>
    /// <param name="values">The entries.</param>
    /// <returns>The list.</returns>
    public static Dims Create(ReadOnlySpan<int> values) => values.IsEmpty ? default : new Dims(values.ToArray());

    /// <summary>Takes an array without copying it; the caller must not change it afterwards.</summary>
    /// <param name="values">The array.</param>
    /// <returns>The list.</returns>
    internal static Dims Take(int[] values) => new(values);

    /// <summary>A list of equal entries.</summary>
    /// <param name="value">The entry.</param>
    /// <param name="length">How many.</param>
    /// <returns>The list.</returns>
    public static Dims Repeat(int value, int length)
    {
        int[] values = new int[length];
        Array.Fill(values, value);
        return new Dims(values);
    }

    /// <summary>The entries, without a copy.</summary>
    /// <returns>A span over them.</returns>
    public ReadOnlySpan<int> AsSpan() => _values;

    /// <summary>Enumerates the entries.</summary>
    /// <returns>The enumerator.</returns>
    public ReadOnlySpan<int>.Enumerator GetEnumerator() => AsSpan().GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(Dims other) => ReferenceEquals(_values, other._values) || AsSpan().SequenceEqual(other.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Dims other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        int hash = 17;
        foreach (int value in AsSpan())
        {
            hash = HashCode.Combine(hash, value);
        }

        return hash;
    }

    /// <summary>The entries in parentheses, as Python prints a tuple: <c>(2, 3)</c>, <c>(4,)</c>, <c>()</c>.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => Length == 1 ? $"({_values![0]},)" : $"({string.Join(", ", _values ?? [])})";
}
