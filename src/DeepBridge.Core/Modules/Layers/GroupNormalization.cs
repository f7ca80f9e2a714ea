using DeepBridge.Ops;

namespace DeepBridge.Layers;

/// <summary>
/// Normalizes groups of channels of (batch, channels, …), each with all other axes, to mean 0 and variance 1 (biased), then
/// scales and shifts each channel (Wu and He, 2018). Keys are PyTorch's.
/// </summary>
public sealed partial class GroupNorm : Module<Tensor, Tensor>
{
    private readonly Parameter? _weight;
    private readonly Parameter? _bias;
    private readonly int _groups;
    private readonly int _channels;
    private readonly double _epsilon;

    /// <summary>Makes the layer.</summary>
    /// <param name="groups">The number of groups.</param>
    /// <param name="channels">The extent of axis 1, which the groups divide.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="affine">Whether channels are scaled and shifted.</param>
    /// <param name="dtype">A floating dtype.</param>
    /// <exception cref="ArgumentException">The groups do not divide the channels.</exception>
    public GroupNorm(int groups, int channels, double epsilon = 1e-5, bool affine = true, DType dtype = DType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(groups);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        if (channels % groups != 0)
        {
            throw new ArgumentException($"{channels} channels do not split into {groups} groups.", nameof(groups));
        }

        (_groups, _channels, _epsilon) = (groups, channels, epsilon);
        _weight = affine ? new Parameter(Tensor.Ones([channels], dtype)) : null;
        _bias = affine ? new Parameter(Tensor.Zeros([channels], dtype)) : null;
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => ChannelNorms.Apply(nameof(GroupNorm), input, _groups, _channels, _epsilon, _weight, _bias);
}

/// <summary>
/// Normalizes each channel of each sample of (batch, channels, …) to mean 0 and variance 1 (biased), then may scale and shift
/// (Ulyanov, Vedaldi and Lempitsky, 2016). Keys and defaults are PyTorch's: neither weights nor running statistics.
/// </summary>
public sealed partial class InstanceNorm : Module<Tensor, Tensor>
{
    private readonly Parameter? _weight;
    private readonly Parameter? _bias;
    private readonly Variable? _runningMean;
    private readonly Variable? _runningVar;
    private readonly Variable? _numBatchesTracked;
    private readonly int _channels;
    private readonly double _momentum;
    private readonly double _epsilon;

    /// <summary>Makes the layer.</summary>
    /// <param name="channels">The extent of axis 1.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="momentum">The new batch's share of the running statistics.</param>
    /// <param name="affine">Whether channels are scaled and shifted.</param>
    /// <param name="trackRunningStatistics">Whether evaluation uses statistics that training has gathered.</param>
    /// <param name="dtype">A floating dtype.</param>
    public InstanceNorm(
        int channels, double epsilon = 1e-5, double momentum = 0.1, bool affine = false, bool trackRunningStatistics = false, DType dtype = DType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        (_channels, _momentum, _epsilon) = (channels, momentum, epsilon);
        if (affine)
        {
            _weight = new Parameter(Tensor.Ones([channels], dtype));
            _bias = new Parameter(Tensor.Zeros([channels], dtype));
        }

        if (trackRunningStatistics)
        {
            _runningMean = new Variable(Tensor.Zeros([channels], dtype));
            _runningVar = new Variable(Tensor.Ones([channels], dtype));

            // PyTorch has this key too, and never counts.
            _numBatchesTracked = new Variable(Tensor.Zeros([], DType.Int64));
        }
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input)
    {
        if (!IsTraining && _runningMean is not null)
        {
            return input.BatchNorm(
                _runningMean, _runningVar!, _weight ?? Tensor.Ones([_channels], input.DType, input.Device), _bias ?? Tensor.Zeros([_channels], input.DType, input.Device), _epsilon);
        }

        if (input.Rank < 3 || input.Count == (long)input.Shape[0] * input.Shape[1])
        {
            throw new ShapeMismatchException(
                nameof(InstanceNorm), $"takes (batch, channels, …) with at least 2 values a channel of a sample, got shape {input.Shape}.", [input.Shape]);
        }

        Tensor output = ChannelNorms.Apply(nameof(InstanceNorm), input, _channels, _channels, _epsilon, _weight, _bias);
        if (_runningMean is not null)
        {
            using AmbientChange change = Gradients.NoGradient();
            Tensor values = input.Flatten(2);
            Track(_runningMean, values.Mean([0, 2]));
            Track(_runningVar!, values.Variance(1, [2]).Mean(0));
        }

        return output;
    }

    private void Track(Variable running, Tensor now) => running.Assign((running.Value * (1 - _momentum)) + (now.Cast(running.DType) * _momentum));
}

/// <summary>
/// x / √(mean of x² + ε) over the trailing axes, times a weight (Zhang and Sennrich, 2019). Keys and defaults are PyTorch's.
/// </summary>
public sealed partial class RmsNorm : Module<Tensor, Tensor>
{
    private readonly Parameter? _weight;
    private readonly Shape _shape;
    private readonly double? _epsilon;

    /// <summary>Makes the layer.</summary>
    /// <param name="shape">The trailing axes that are normalized.</param>
    /// <param name="epsilon">Added to the mean square; null: the machine epsilon of the input's dtype.</param>
    /// <param name="affine">Whether there is a weight.</param>
    /// <param name="dtype">A floating dtype.</param>
    public RmsNorm(Shape shape, double? epsilon = null, bool affine = true, DType dtype = DType.Float32)
    {
        if (shape.Rank == 0)
        {
            throw new ArgumentException("There must be an axis to normalize.", nameof(shape));
        }

        (_shape, _epsilon) = (shape, epsilon);
        _weight = affine ? new Parameter(Tensor.Ones(shape, dtype)) : null;
    }

    /// <summary>Makes the layer for one axis.</summary>
    /// <param name="features">The extent of the last axis.</param>
    /// <param name="epsilon">Added to the mean square; null: the machine epsilon of the input's dtype.</param>
    /// <param name="affine">Whether there is a weight.</param>
    /// <param name="dtype">A floating dtype.</param>
    public RmsNorm(int features, double? epsilon = null, bool affine = true, DType dtype = DType.Float32)
        : this(Shape.Create([features]), epsilon, affine, dtype)
    {
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input)
    {
        int count = _shape.Rank;
        if (input.Rank < count || !input.Shape.AsSpan()[^count..].SequenceEqual(_shape.AsSpan()))
        {
            throw new ShapeMismatchException(nameof(RmsNorm), $"takes trailing axes {_shape}, got shape {input.Shape}.", [input.Shape, _shape]);
        }

        Tensor x = input.Widen();
        Dims axes = [.. Enumerable.Range(x.Rank - count, count)];
        Tensor y = x * ((x * x).Mean(axes, keepDims: true) + (_epsilon ?? MachineEpsilon(input.DType))).Rsqrt();
        return (_weight is null ? y : y * _weight.Value.Widen()).Cast(input.DType);
    }

    private static double MachineEpsilon(DType dtype) => Math.Pow(2, dtype switch
    {
        DType.Float64 => -52,
        DType.Float16 => -10,
        DType.BFloat16 => -7,
        _ => -23,
    });
}

/// <summary>What the norms of channels share.</summary>
file static class ChannelNorms
{
    internal static Tensor Apply(string name, Tensor input, int groups, int channels, double epsilon, Parameter? weight, Parameter? bias)
    {
        if (input.Rank < 2 || input.Shape[1] != channels)
        {
            throw new ShapeMismatchException(name, $"takes (batch, {channels}, …), got shape {input.Shape}.", [input.Shape], 1);
        }

        long each = input.Count / Math.Max((long)input.Shape[0] * groups, 1);
        Tensor y = input.Reshape(input.Shape[0], groups, checked((int)each)).LayerNorm(1, epsilon).Reshape(input.Shape.AsSpan());
        int[] raised = [channels, .. Enumerable.Repeat(1, input.Rank - 2)];
        return weight is null ? y : (y * weight.Value.Reshape(raised)) + bias!.Value.Reshape(raised);
    }
}
