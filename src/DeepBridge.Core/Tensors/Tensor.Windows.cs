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

    /// <summary>
    /// Transposed convolution over one or two spatial axes (the weight's rank says which): what a convolution with this
    /// weight does to a gradient. The output has (extent − 1) · stride − 2 · padding + dilation · (window − 1) + 1 + output
    /// padding elements an axis.
    /// </summary>
    /// <param name="weight">(channels, filters / groups, window…).</param>
    /// <param name="bias">(filters), or null.</param>
    /// <param name="stride">The step: one number, or one an axis; none: 1.</param>
    /// <param name="padding">What is cut off on both sides: one number, or one an axis; none: 0.</param>
    /// <param name="outputPadding">Elements more at the end: one number, or one an axis, below the stride; none: 0.</param>
    /// <param name="dilation">The distance of the window's elements: one number, or one an axis; none: 1.</param>
    /// <param name="groups">Channels and filters are split into so many independent groups.</param>
    /// <returns>(batch, filters, spatial…).</returns>
    /// <exception cref="ShapeMismatchException">The shapes do not fit, or nothing would come out.</exception>
    /// <exception cref="InvalidAttributeException">A number is out of range.</exception>
    public Tensor ConvolveTransposed(
        Tensor weight, Tensor? bias = null, Dims stride = default, Dims padding = default, Dims outputPadding = default, Dims dilation = default, int groups = 1)
    {
        ArgumentNullException.ThrowIfNull(weight);
        const string Name = nameof(ConvolveTransposed);
        if (weight.Rank is not (3 or 4) || Rank != weight.Rank || Shape[1] != weight.Shape[0])
        {
            throw new ShapeMismatchException(
                Name, $"takes (batch, channels, spatial…) and a weight (channels, filters / groups, window…), got shapes {Shape} and {weight.Shape}.", [Shape, weight.Shape]);
        }

        Dims size = Dims.Create(weight.Shape.AsSpan()[2..]);
        Window window = Padding.Each(padding.AsSpan()).Over(Name, Shape, size, OneUnless(stride), OneUnless(dilation));
        ConvolutionInputGradient op = new(window, groups, default);
        window.Check(op, size.AsSpan());
        Checks.Attribute(op, groups >= 1, $"groups must be at least 1, got {groups}.");
        Checks.Attribute(op, outputPadding.Length <= 1 || outputPadding.Length == size.Length, $"output padding {outputPadding} must be one number, or one an axis.");
        int[] extents = [Shape[0], checked(weight.Shape[1] * groups), .. size.AsSpan()];
        for (int i = 0; i < size.Length; i++)
        {
            int extra = outputPadding.Length == 0 ? 0 : outputPadding[outputPadding.Length == 1 ? 0 : i];
            Checks.Attribute(op, extra >= 0 && extra < window.Stride[i], $"output padding {outputPadding} must be at least 0 and below stride {window.Stride}.");
            long extent = ((Shape[i + 2] - 1L) * window.Stride[i]) - (2L * window.Low[i]) + ((long)window.Dilation[i] * (size[i] - 1)) + 1 + extra;
            extents[i + 2] = extent is >= 1 and <= int.MaxValue ? (int)extent : throw new ShapeMismatchException(
                Name, $"{extent} elements of axis {i + 2} would come out of shape {Shape}.", [Shape, weight.Shape], i + 2);
        }

        Tensor output = Eager.Run(op with { InputShape = Dims.Take(extents) }, [this, weight]);
        return bias is null ? output : output + bias.Reshape([bias.Shape[0], .. Enumerable.Repeat(1, size.Length)]);
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
