namespace DeepBridge.Layers;

/// <summary>
/// Convolution over one axis of (batch, channels, length). Keys and initial values are PyTorch's: U(±1/√fan-in) for both.
/// </summary>
public sealed partial class Conv1d : Module<Tensor, Tensor>
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;
    private readonly ConvolutionOptions _options;

    /// <summary>Makes the layer.</summary>
    /// <param name="channels">The channels of the input.</param>
    /// <param name="filters">The channels of the output.</param>
    /// <param name="size">The window's extent.</param>
    /// <param name="stride">The step.</param>
    /// <param name="padding">Zeros around.</param>
    /// <param name="dilation">The distance of the window's elements.</param>
    /// <param name="groups">Channels and filters are split into so many independent groups.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="dtype">A floating dtype.</param>
    public Conv1d(
        int channels, int filters, int size, int stride = 1, Padding padding = default, int dilation = 1, int groups = 1, bool bias = true, DType dtype = DType.Float32)
    {
        _options = new ConvolutionOptions([stride], padding, [dilation], groups);
        (_weight, _bias) = _options.Make(channels, filters, [size], bias, dtype);
    }

    /// <summary>(filters, channels / groups, size).</summary>
    public Parameter Weight => _weight;

    /// <summary>(filters), or null.</summary>
    public Parameter? Bias => _bias;

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => _options.Apply(input, _weight, _bias);
}

/// <summary>
/// Convolution over two axes of (batch, channels, height, width). Keys and initial values are PyTorch's:
/// U(±1/√fan-in) for both.
/// </summary>
public sealed partial class Conv2d : Module<Tensor, Tensor>
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;
    private readonly ConvolutionOptions _options;

    /// <summary>Makes the layer.</summary>
    /// <param name="channels">The channels of the input.</param>
    /// <param name="filters">The channels of the output.</param>
    /// <param name="size">The window's extents: one number, or height and width.</param>
    /// <param name="stride">The step: one number, or one an axis; none: 1.</param>
    /// <param name="padding">Zeros around.</param>
    /// <param name="dilation">The distance of the window's elements: one number, or one an axis; none: 1.</param>
    /// <param name="groups">Channels and filters are split into so many independent groups.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="dtype">A floating dtype.</param>
    public Conv2d(
        int channels, int filters, Dims size, Dims stride = default, Padding padding = default, Dims dilation = default, int groups = 1, bool bias = true, DType dtype = DType.Float32)
    {
        _options = new ConvolutionOptions(stride, padding, dilation, groups);
        (_weight, _bias) = _options.Make(channels, filters, size.Length == 1 ? [size[0], size[0]] : size, bias, dtype);
    }

    /// <summary>Makes the layer with a square window.</summary>
    /// <param name="channels">The channels of the input.</param>
    /// <param name="filters">The channels of the output.</param>
    /// <param name="size">The window's height and width.</param>
    /// <param name="stride">The step.</param>
    /// <param name="padding">Zeros around.</param>
    /// <param name="dilation">The distance of the window's elements.</param>
    /// <param name="groups">Channels and filters are split into so many independent groups.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="dtype">A floating dtype.</param>
    public Conv2d(
        int channels, int filters, int size, int stride = 1, Padding padding = default, int dilation = 1, int groups = 1, bool bias = true, DType dtype = DType.Float32)
        : this(channels, filters, [size, size], [stride], padding, [dilation], groups, bias, dtype)
    {
    }

    /// <summary>(filters, channels / groups, height, width).</summary>
    public Parameter Weight => _weight;

    /// <summary>(filters), or null.</summary>
    public Parameter? Bias => _bias;

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => _options.Apply(input, _weight, _bias);
}

/// <summary>What the convolution layers share.</summary>
internal sealed record ConvolutionOptions(Dims Stride, Padding Padding, Dims Dilation, int Groups)
{
    internal (Parameter Weight, Parameter? Bias) Make(int channels, int filters, Dims size, bool bias, DType dtype)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(filters);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Groups);
        if (channels % Groups != 0 || filters % Groups != 0)
        {
            throw new ArgumentException($"{channels} channels and {filters} filters do not split into {Groups} groups.");
        }

        Shape shape = Shape.Create([filters, channels / Groups, .. size.AsSpan()]);
        double bound = 1 / Math.Sqrt((double)shape.Count / filters);
        return (new Parameter(Tensor.Uniform(shape, -bound, bound, dtype)), bias ? new Parameter(Tensor.Uniform([filters], -bound, bound, dtype)) : null);
    }

    internal Tensor Apply(Tensor input, Parameter weight, Parameter? bias) =>
        input.Convolve(weight, bias?.Value, Stride, Padding, Dilation, Groups);
}
