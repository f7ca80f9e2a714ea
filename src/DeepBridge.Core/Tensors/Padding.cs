using DeepBridge.Ops;

namespace DeepBridge;

/// <summary>
/// What a window may reach over at the borders: a number of elements on every side (an <see cref="int"/> says it), or
/// Keras' <see cref="Same"/>, or nothing (<see cref="Valid"/>).
/// </summary>
public readonly struct Padding : IEquatable<Padding>
{
    private readonly Dims _amounts;
    private readonly bool _same;

    private Padding(Dims amounts, bool same)
    {
        _amounts = amounts;
        _same = same;
    }

    /// <summary>None.</summary>
    public static Padding Valid => default;

    /// <summary>So much that the output has ⌈input / stride⌉ elements; an odd one stands at the end.</summary>
    public static Padding Same { get; } = new(default, true);

    /// <summary>The same number of elements on every side.</summary>
    /// <param name="amount">The number.</param>
    public static implicit operator Padding(int amount) => new([amount], false);

    /// <summary>Compares what is padded.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator ==(Padding left, Padding right) => left.Equals(right);

    /// <summary>Compares what is padded.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator !=(Padding left, Padding right) => !left.Equals(right);

    /// <summary>A number of elements for each spatial axis, on both of its sides.</summary>
    /// <param name="amounts">One number an axis.</param>
    /// <returns>The padding.</returns>
    public static Padding Each(params ReadOnlySpan<int> amounts) => new(Dims.Create(amounts), false);

    /// <inheritdoc/>
    public bool Equals(Padding other) => _same == other._same && _amounts == other._amounts;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Padding other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_same, _amounts);

    /// <inheritdoc/>
    public override string ToString() => _same ? "same" : _amounts.Length == 0 ? "valid" : _amounts.ToString();

    /// <summary>The window over an input.</summary>
    /// <param name="name">Whose window it is, for errors.</param>
    /// <param name="input">The input (batch, channels, spatial…).</param>
    /// <param name="size">The window's extents.</param>
    /// <param name="stride">The step: one number, or one an axis.</param>
    /// <param name="dilation">The distance of the window's elements: one number, or one an axis.</param>
    /// <returns>The window.</returns>
    internal Window Over(string name, Shape input, Dims size, Dims stride, Dims dilation)
    {
        int rank = size.Length;
        if (input.Rank != rank + 2)
        {
            throw new ShapeMismatchException(
                name, $"takes (batch, channels, {(rank == 1 ? "length" : "height, width")}), got shape {input}.", [input]);
        }

        stride = PerAxis(name, stride, rank, "stride");
        dilation = PerAxis(name, dilation, rank, "dilation");
        if (!_same)
        {
            Dims amounts = PerAxis(name, _amounts.Length == 0 ? [0] : _amounts, rank, "padding");
            return new Window(stride, amounts, amounts, dilation);
        }

        int[] low = new int[rank], high = new int[rank];
        for (int i = 0; i < rank; i++)
        {
            int extent = input[i + 2], step = Math.Max(stride[i], 1), output = (extent + step - 1) / step;
            int total = Math.Max(((output - 1) * step) + (dilation[i] * (size[i] - 1)) + 1 - extent, 0);
            low[i] = total / 2;
            high[i] = total - low[i];
        }

        return new Window(stride, Dims.Take(low), Dims.Take(high), dilation);
    }

    private static Dims PerAxis(string name, Dims values, int rank, string what) =>
        values.Length == rank ? values
        : values.Length == 1 ? Dims.Repeat(values[0], rank)
        : throw new InvalidAttributeException(name, $"{what} {values} must be one number, or one for each of {rank} spatial axes.");
}
