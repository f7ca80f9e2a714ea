namespace DeepBridge.Layers;

/// <summary>
/// The mean of windows that together cover each spatial axis and give a fixed number of outputs: window i reaches from
/// ⌊i · extent / outputs⌋ to ⌈(i + 1) · extent / outputs⌉, as PyTorch's <c>AdaptiveAvgPool</c>.
/// </summary>
public sealed partial class AdaptiveAveragePool : Module<Tensor, Tensor>
{
    private readonly Dims _size;

    /// <summary>Makes the layer.</summary>
    /// <param name="size">The extents that come out, one for each of one or two spatial axes.</param>
    /// <exception cref="InvalidAttributeException">The extents are not one or two numbers of at least 1.</exception>
    public AdaptiveAveragePool(Dims size) => _size = Resampling.Size(nameof(AdaptiveAveragePool), size);

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input)
    {
        if (Resampling.Divides(nameof(AdaptiveAveragePool), input, _size) is { } window)
        {
            return input.AveragePool(window);
        }

        Tensor x = input;
        for (int i = 0; i < _size.Length; i++)
        {
            int extent = input.Shape[i + 2], size = _size[i];
            x = Resampling.Along(x, i + 2, size, at =>
            {
                (int start, int end) = Resampling.Window(at, extent, size);
                return Enumerable.Range(start, end - start).Select(index => (index, 1.0 / (end - start)));
            });
        }

        return x;
    }
}

/// <summary>
/// The maximum of windows that together cover each spatial axis and give a fixed number of outputs; the windows are those of
/// <see cref="AdaptiveAveragePool"/>. Of equals the first gets the gradient.
/// </summary>
public sealed partial class AdaptiveMaxPool : Module<Tensor, Tensor>
{
    private readonly Dims _size;

    /// <summary>Makes the layer.</summary>
    /// <param name="size">The extents that come out, one for each of one or two spatial axes.</param>
    /// <exception cref="InvalidAttributeException">The extents are not one or two numbers of at least 1.</exception>
    public AdaptiveMaxPool(Dims size) => _size = Resampling.Size(nameof(AdaptiveMaxPool), size);

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input)
    {
        if (Resampling.Divides(nameof(AdaptiveMaxPool), input, _size) is { } window)
        {
            return input.MaxPool(window);
        }

        // Rows first, so that of equals the topmost wins, and the leftmost in it.
        Tensor x = input;
        for (int axis = input.Rank - 1; axis >= 2; axis--)
        {
            int extent = input.Shape[axis], size = _size[axis - 2], longest = 0;
            for (int i = 0; i < size; i++)
            {
                (int start, int end) = Resampling.Window(i, extent, size);
                longest = Math.Max(longest, end - start);
            }

            // A shorter window repeats its last element, which changes no maximum.
            long[] places = new long[size * longest];
            for (int i = 0; i < places.Length; i++)
            {
                (int start, int end) = Resampling.Window(i / longest, extent, size);
                places[i] = Math.Min(start + (i % longest), end - 1);
            }

            x = x.Gather(Tensor.From<long>(places, [size, longest], x.Device), axis).MaxWithIndices(axis + 1).Values;
        }

        return x;
    }
}

/// <summary>How <see cref="Upsample"/> finds values between elements.</summary>
public enum UpsampleMode
{
    /// <summary>The nearest element.</summary>
    Nearest,

    /// <summary>Along a line between two neighbours; over two axes bilinear.</summary>
    Linear,
}

/// <summary>
/// Makes (batch, channels, spatial…), of one or two spatial axes, larger or smaller, as PyTorch's <c>nn.Upsample</c>. With a
/// scale, places are computed by the scale and not by the extents.
/// </summary>
public sealed partial class Upsample : Module<Tensor, Tensor>
{
    private readonly Dims _size;
    private readonly double? _scale;
    private readonly UpsampleMode _mode;
    private readonly bool _alignCorners;

    /// <summary>Makes the layer by a scale.</summary>
    /// <param name="scale">How many times as large each axis becomes; the extents are rounded down.</param>
    /// <param name="mode">How values between elements are found.</param>
    /// <param name="alignCorners">Whether the first and last elements stay the first and last; linear only.</param>
    /// <exception cref="InvalidAttributeException">The scale is not above 0, or corners cannot be aligned.</exception>
    public Upsample(double scale, UpsampleMode mode = UpsampleMode.Nearest, bool alignCorners = false)
        : this(mode, alignCorners)
    {
        _scale = double.IsFinite(scale) && scale > 0 ? scale : throw new InvalidAttributeException(nameof(Upsample), $"the scale must be finite and above 0, got {scale}.");
    }

    /// <summary>Makes the layer by the extents that come out.</summary>
    /// <param name="size">The extents, one for each of one or two spatial axes.</param>
    /// <param name="mode">How values between elements are found.</param>
    /// <param name="alignCorners">Whether the first and last elements stay the first and last; linear only.</param>
    /// <exception cref="InvalidAttributeException">The extents are not one or two numbers of at least 1, or corners cannot be aligned.</exception>
    public Upsample(Dims size, UpsampleMode mode = UpsampleMode.Nearest, bool alignCorners = false)
        : this(mode, alignCorners) => _size = Resampling.Size(nameof(Upsample), size);

    private Upsample(UpsampleMode mode, bool alignCorners)
    {
        if (alignCorners && mode != UpsampleMode.Linear)
        {
            throw new InvalidAttributeException(nameof(Upsample), "corners are aligned in linear mode only.");
        }

        (_mode, _alignCorners) = (mode, alignCorners);
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input)
    {
        int axes = _scale is null ? _size.Length : Math.Clamp(input.Rank - 2, 1, 2);
        Resampling.Require(nameof(Upsample), input, axes);
        Tensor x = input;
        for (int i = 0; i < axes; i++)
        {
            int extent = input.Shape[i + 2];
            double size = _scale is { } scale ? Math.Floor(extent * scale) : _size[i];
            if (size is < 1 or > int.MaxValue)
            {
                throw new ShapeMismatchException(nameof(Upsample), $"axis {i + 2} of shape {input.Shape} would have {size} elements.", [input.Shape], i + 2);
            }

            x = _mode == UpsampleMode.Nearest ? Nearest(x, i + 2, (int)size) : Linear(x, i + 2, (int)size);
        }

        return x;
    }

    private Tensor Nearest(Tensor x, int axis, int size)
    {
        // PyTorch computes the places in float32, whatever the dtype is.
        int extent = x.Shape[axis];
        float step = _scale is { } scale ? (float)(1 / scale) : (float)extent / size;
        long[] places = [.. Enumerable.Range(0, size).Select(at => Math.Min((long)MathF.Floor(at * step), extent - 1))];
        return x.Gather(Tensor.From(places, x.Device), axis);
    }

    private Tensor Linear(Tensor x, int axis, int size)
    {
        int extent = x.Shape[axis];
        double step = _alignCorners ? (extent - 1.0) / Math.Max(size - 1, 1) : _scale is { } scale ? 1 / scale : (double)extent / size;
        return Resampling.Along(x, axis, size, at =>
        {
            double place = _alignCorners ? at * step : Math.Max(((at + 0.5) * step) - 0.5, 0);
            int low = Math.Min((int)place, extent - 1);
            double part = Math.Min(place - low, 1);
            return [(low, 1 - part), (Math.Min(low + 1, extent - 1), part)];
        });
    }
}

/// <summary>What these layers share.</summary>
file static class Resampling
{
    internal static Dims Size(string name, Dims size)
    {
        bool fits = size.Length is 1 or 2 && size[0] >= 1 && size[^1] >= 1;
        return fits ? size : throw new InvalidAttributeException(name, $"takes one or two extents of at least 1, got {size}.");
    }

    internal static void Require(string name, Tensor input, int axes)
    {
        if (input.Rank != axes + 2 || input.Shape.AsSpan()[2..].Contains(0))
        {
            throw new ShapeMismatchException(
                name, $"takes (batch, channels, {(axes == 1 ? "length" : "height, width")}) with elements in each, got shape {input.Shape}.", [input.Shape]);
        }
    }

    /// <summary>The window of the pooling op that does the same; null where windows overlap or differ.</summary>
    internal static Dims? Divides(string name, Tensor input, Dims size)
    {
        Require(name, input, size.Length);
        int[] windows = [.. Enumerable.Range(0, size.Length).Select(i => input.Shape[i + 2] % size[i] == 0 ? input.Shape[i + 2] / size[i] : 0)];
        return windows.Contains(0) ? null : Dims.Take(windows);
    }

    internal static (int Start, int End) Window(int at, int extent, int size) =>
        ((int)((long)at * extent / size), (int)((((at + 1L) * extent) + size - 1) / size));

    /// <summary>One axis times a small matrix: row i holds the weights of the elements that make output i.</summary>
    internal static Tensor Along(Tensor x, int axis, int size, Func<int, IEnumerable<(int Index, double Weight)>> row)
    {
        int extent = x.Shape[axis];
        double[] weights = new double[checked(size * extent)];
        for (int i = 0; i < size; i++)
        {
            foreach ((int index, double weight) in row(i))
            {
                weights[(i * extent) + index] += weight;
            }
        }

        Tensor matrix = Tensor.From<double>(weights, [size, extent], x.Device).Cast(x.DType);
        return axis == x.Rank - 1 ? x.MatMul(matrix.T) : matrix.MatMul(x);
    }
}
