namespace DeepBridge.Layers;

/// <summary>
/// Normalizes the trailing axes to mean 0 and variance 1 (biased), then scales and shifts. Keys are PyTorch's.
/// </summary>
public sealed partial class LayerNorm : Module<Tensor, Tensor>
{
    private readonly Parameter _weight;
    private readonly Parameter _bias;
    private readonly double _epsilon;

    /// <summary>Makes the layer.</summary>
    /// <param name="shape">The trailing axes that are normalized.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="dtype">A floating dtype.</param>
    public LayerNorm(Shape shape, double epsilon = 1e-5, DType dtype = DType.Float32)
    {
        _weight = new Parameter(Tensor.Ones(shape, dtype));
        _bias = new Parameter(Tensor.Zeros(shape, dtype));
        _epsilon = epsilon;
    }

    /// <summary>Makes the layer for one axis.</summary>
    /// <param name="features">The extent of the last axis.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="dtype">A floating dtype.</param>
    public LayerNorm(int features, double epsilon = 1e-5, DType dtype = DType.Float32)
        : this(Shape.Create([features]), epsilon, dtype)
    {
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input.LayerNorm(_weight, _bias, _epsilon);
}

/// <summary>
/// Normalizes each channel of (batch, channels, …) over the batch and all other axes, then scales and shifts. While
/// training it uses the batch's biased variance and updates running statistics with the unbiased one; in evaluation it
/// uses the running ones. Keys are PyTorch's.
/// </summary>
public sealed partial class BatchNorm : Module<Tensor, Tensor>
{
    private readonly Parameter _weight;
    private readonly Parameter _bias;
    private readonly Variable _runningMean;
    private readonly Variable _runningVar;
    private readonly Variable _numBatchesTracked;
    private readonly double _epsilon;
    private readonly double? _momentum;

    /// <summary>Makes the layer.</summary>
    /// <param name="channels">The extent of axis 1.</param>
    /// <param name="momentum">The new batch's share of the running statistics; null: they are the mean of all batches.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="dtype">A floating dtype.</param>
    public BatchNorm(int channels, double? momentum = 0.1, double epsilon = 1e-5, DType dtype = DType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        _weight = new Parameter(Tensor.Ones([channels], dtype));
        _bias = new Parameter(Tensor.Zeros([channels], dtype));
        _runningMean = new Variable(Tensor.Zeros([channels], dtype));
        _runningVar = new Variable(Tensor.Ones([channels], dtype));
        _numBatchesTracked = new Variable(Tensor.Zeros([], DType.Int64));
        _momentum = momentum;
        _epsilon = epsilon;
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input)
    {
        if (!IsTraining)
        {
            return input.BatchNorm(_runningMean, _runningVar, _weight, _bias, _epsilon);
        }

        if (input.Rank < 2 || input.Count / Math.Max(input.Shape[1], 1) < 2)
        {
            throw new ShapeMismatchException(
                nameof(BatchNorm), $"training takes (batch, channels, …) with at least 2 values a channel, got shape {input.Shape}.", [input.Shape]);
        }

        (Tensor output, Tensor mean, Tensor variance) = input.BatchNorm(_weight, _bias, _epsilon);
        using (Gradients.NoGradient())
        {
            Track(mean, variance, (double)input.Count / input.Shape[1]);
        }

        return output;
    }

    private void Track(Tensor mean, Tensor variance, double count)
    {
        Tensor batches = _numBatchesTracked.Value + 1;
        _numBatchesTracked.Assign(batches);
        Tensor share = _momentum is { } momentum ? Tensor.Full([], momentum, mean.DType, mean.Device) : 1 / batches.Cast(mean.DType);
        Tensor rest = 1 - share;
        _runningMean.Assign((_runningMean.Value * rest) + (mean * share));
        _runningVar.Assign((_runningVar.Value * rest) + (variance * (count / (count - 1)) * share));
    }
}
