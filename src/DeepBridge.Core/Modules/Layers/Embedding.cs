namespace DeepBridge.Layers;

/// <summary>A learned vector for each of a number of things. Keys and initial values are PyTorch's: N(0, 1).</summary>
public sealed partial class Embedding : Module<Tensor, Tensor>
{
    private readonly Parameter _weight;
    private readonly int? _padding;

    /// <summary>Makes the layer.</summary>
    /// <param name="count">How many things.</param>
    /// <param name="features">The length of a vector.</param>
    /// <param name="padding">A thing that is returned as it is stored (zeros at first) and gets no gradient; −1 is the last.</param>
    /// <param name="dtype">A floating dtype.</param>
    public Embedding(int count, int features, int? padding = null, DType dtype = DType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(features);
        _padding = padding < 0 ? padding + count : padding;
        if (_padding is { } row && (uint)row >= (uint)count)
        {
            throw new ArgumentOutOfRangeException(nameof(padding), $"There is no thing {padding} among {count}.");
        }

        Tensor values = Tensor.Normal([count, features], dtype: dtype);
        _weight = new Parameter(_padding is { } zero
            ? values * (Tensor.Arange(count, device: values.Device) != zero).Cast(dtype).Unsqueeze(1)
            : values);
    }

    /// <summary>(count, features).</summary>
    public Parameter Weight => _weight;

    /// <summary>The vectors of numbers of any shape; a last axis of features is added.</summary>
    /// <param name="input">Int32 or int64, from 0 to count − 1.</param>
    /// <returns>The vectors.</returns>
    protected override Tensor Forward(Tensor input) => _weight.Value.Embedding(input, _padding);
}
