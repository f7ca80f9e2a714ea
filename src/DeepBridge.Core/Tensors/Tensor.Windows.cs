using DeepBridge.Ops;

namespace DeepBridge;

public sealed partial class Tensor
{
    /// <summary>
    /// Cross-correlates with filters, what deep learning calls convolution, over one or two spatial axes (the weight's
    /// rank says which).
    /// </summary>
    /// <param name="weight">(filters, channels / groups, window…).</param>
    /// <param name="bias">(filters), or null.</param>
    /// <param name="stride">The step: one number, or one an axis; none: 1.</param>
    /// <param name="padding">Zeros around.</param>
    /// <param name="dilation">The distance of the window's elements: one number, or one an axis; none: 1.</param>
    /// <param name="groups">Channels and filters are split into so many independent groups.</param>
    /// <returns>(batch, filters, spatial…).</returns>
    /// <exception cref="ShapeMismatchException">The shapes do not fit, or the window is larger than the padded input.</exception>
    public Tensor Convolve(
        Tensor weight, Tensor? bias = null, Dims stride = default, Padding padding = default, Dims dilation = default, int groups = 1)
    {
        ArgumentNullException.ThrowIfNull(weight);
        if (weight.Rank is not (3 or 4))
        {
            throw new ShapeMismatchException(
                nameof(Convolution), $"the weight (filters, channels / groups, window…) must have 3 or 4 dimensions, got shape {weight.Shape}.", [Shape, weight.Shape]);
        }

        Dims size = Dims.Create(weight.Shape.AsSpan()[2..]);
        Convolution op = new(padding.Over(nameof(Convolution), Shape, size, OneUnless(stride), OneUnless(dilation)), groups);
        return bias is null ? Eager.Run(op, [this, weight]) : Eager.Run(op, [this, weight, bias]);
    }

    /// <summary>The maximum of each window over one or two spatial axes.</summary>
    /// <param name="size">The window's extents, one an axis.</param>
    /// <param name="stride">The step; none: the window's extents.</param>
    /// <param name="padding">−∞ around, at most half of the window.</param>
    /// <param name="dilation">The distance of the window's elements; none: 1.</param>
    /// <returns>(batch, channels, spatial…).</returns>
    public Tensor MaxPool(Dims size, Dims stride = default, Padding padding = default, Dims dilation = default) =>
        MaxPoolWithIndices(size, stride, padding, dilation).Values;

    /// <summary>The maximum of each window, and where it was found, row by row in the unpadded spatial axes.</summary>
    /// <param name="size">The window's extents, one an axis.</param>
    /// <param name="stride">The step; none: the window's extents.</param>
    /// <param name="padding">−∞ around, at most half of the window.</param>
    /// <param name="dilation">The distance of the window's elements; none: 1.</param>
    /// <returns>The maxima and their positions, int64.</returns>
    public (Tensor Values, Tensor Indices) MaxPoolWithIndices(Dims size, Dims stride = default, Padding padding = default, Dims dilation = default)
    {
        Window window = padding.Over(nameof(MaxPool), Shape, size, stride.Length == 0 ? size : stride, OneUnless(dilation));
        Tensor[] outputs = Eager.RunAll(new MaxPool(size, window), [this]);
        return (outputs[0], outputs[1]);
    }

    /// <summary>The mean of each window over one or two spatial axes.</summary>
    /// <param name="size">The window's extents, one an axis.</param>
    /// <param name="stride">The step; none: the window's extents.</param>
    /// <param name="padding">Zeros around, at most half of the window.</param>
    /// <param name="countPadding">Whether the divisor counts padding.</param>
    /// <returns>(batch, channels, spatial…).</returns>
    public Tensor AveragePool(Dims size, Dims stride = default, Padding padding = default, bool countPadding = true) =>
        Eager.Run(
            new AveragePool(size, padding.Over(nameof(AveragePool), Shape, size, stride.Length == 0 ? size : stride, [1]), countPadding), [this]);

    private static Dims OneUnless(Dims given) => given.Length == 0 ? [1] : given;
}
