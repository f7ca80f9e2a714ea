namespace DeepBridge.Layers;

/// <summary>
/// Transposed convolution over one axis of (batch, channels, length). Keys and initial values are PyTorch's: U(±1/√fan-in)
/// for both, the fan-in counting filters.
/// </summary>
public sealed partial class ConvTranspose1d : Module<Tensor, Tensor>
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;
    private readonly TransposedOptions _options;

    /// <summary>Makes the layer.</summary>
    /// <param name="channels">The channels of the input.</param>
    /// <param name="filters">The channels of the output.</param>
    /// <param name="size">The window's extent.</param>
    /// <param name="stride">The step.</param>
    /// <param name="padding">What is cut off on both sides.</param>
    /// <param name="outputPadding">Elements more at the end, below the stride.</param>
    /// <param name="dilation">The distance of the window's elements.</param>
    /// <param name="groups">Channels and filters are split into so many independent groups.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="dtype">A floating dtype.</param>
    public ConvTranspose1d(
        int channels, int filters, int size, int stride = 1, int padding = 0, int outputPadding = 0, int dilation = 1, int groups = 1, bool bias = true, DType dtype = DType.Float32)
    {
        _options = new TransposedOptions([stride], [padding], [outputPadding], [dilation], groups);
        (_weight, _bias) = _options.Make(channels, filters, [size], bias, dtype);
    }

    /// <summary>(channels, filters / groups, size).</summary>
    public Parameter Weight => _weight;

    /// <summary>(filters), or null.</summary>
    public Parameter? Bias => _bias;

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => _options.Apply(input, _weight, _bias);
}

/// <summary>
/// Transposed convolution over two axes of (batch, channels, height, width). Keys and initial values are PyTorch's:
/// U(±1/√fan-in) for both, the fan-in counting filters.
/// </summary>
public sealed partial class ConvTranspose2d : Module<Tensor, Tensor>
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;
    private readonly TransposedOptions _options;

    /// <summary>Makes the layer.</summary>
    /// <param name="channels">The channels of the input.</param>
    /// <param name="filters">The channels of the output.</param>
    /// <param name="size">The window's extents: one number, or height and width.</param>
    /// <param name="stride">The step: one number, or one an axis; none: 1.</param>
    /// <param name="padding">What is cut off on both sides: one number, or one an axis; none: 0.</param>
    /// <param name="outputPadding">Elements more at the end: one number, or one an axis, below the stride; none: 0.</param>
    /// <param name="dilation">The distance of the window's elements: one number, or one an axis; none: 1.</param>
    /// <param name="groups">Channels and filters are split into so many independent groups.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="dtype">A floating dtype.</param>
    public ConvTranspose2d(
        int channels, int filters, Dims size, Dims stride = default, Dims padding = default, Dims outputPadding = default, Dims dilation = default, int groups = 1, bool bias = true, DType dtype = DType.Float32)
    {
        _options = new TransposedOptions(stride, padding, outputPadding, dilation, groups);
        (_weight, _bias) = _options.Make(channels, filters, size.Length == 1 ? [size[0], size[0]] : size, bias, dtype);
    }

    /// <summary>Makes the layer with a square window.</summary>
    /// <param name="channels">The channels of the input.</param>
    /// <param name="filters">The channels of the output.</param>
    /// <param name="size">The window's height and width.</param>
    /// <param name="stride">The step.</param>
    /// <param name="padding">What is cut off on all sides.</param>
    /// <param name="outputPadding">Elements more at the ends, below the stride.</param>
    /// <param name="dilation">The distance of the window's elements.</param>
    /// <param name="groups">Channels and filters are split into so many independent groups.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="dtype">A floating dtype.</param>
    public ConvTranspose2d(
        int channels, int filters, int size, int stride = 1, int padding = 0, int outputPadding = 0, int dilation = 1, int groups = 1, bool bias = true, DType dtype = DType.Float32)
        : this(channels, filters, [size, size], [stride], [padding], [outputPadding], [dilation], groups, bias, dtype)
    {
    }

    /// <summary>(channels, filters / groups, height, width).</summary>
    public Parameter Weight => _weight;

    /// <summary>(filters), or null.</summary>
    public Parameter? Bias => _bias;

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => _options.Apply(input, _weight, _bias);
}

/// <summary>What the transposed convolution layers share.</summary>
internal sealed record TransposedOptions(Dims Stride, Dims Padding, Dims OutputPadding, Dims Dilation, int Groups)
{
    internal (Parameter Weight, Parameter? Bias) Make(int channels, int filters, Dims size, bool bias, DType dtype)
    {
        // A convolution's weight the other way round, so that the roles of channels and filters change.
        (Parameter weight, _) = new ConvolutionOptions(Stride, default, Dilation, Groups).Make(filters, channels, size, false, dtype);
        double bound = 1 / Math.Sqrt((double)weight.Shape.Count / channels);
        return (weight, bias ? new Parameter(Tensor.Uniform([filters], -bound, bound, dtype)) : null);
    }

    internal Tensor Apply(Tensor input, Parameter weight, Parameter? bias) =>
        input.ConvolveTransposed(weight, bias?.Value, Stride, Padding, OutputPadding, Dilation, Groups);
}
