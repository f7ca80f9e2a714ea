namespace DeepBridge.Layers;

/// <summary>x·Wᵀ + b over the last axis. Keys and initial values are PyTorch's: U(±1/√inputs) for both.</summary>
public sealed partial class Linear : Module<Tensor, Tensor>
{
    private readonly Parameter _weight;
    private readonly Parameter? _bias;

    /// <summary>Makes the layer.</summary>
    /// <param name="inputs">The extent of the input's last axis.</param>
    /// <param name="outputs">The extent of the output's last axis.</param>
    /// <param name="bias">Whether a bias is added.</param>
    /// <param name="dtype">A floating dtype.</param>
    public Linear(int inputs, int outputs, bool bias = true, DType dtype = DType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inputs);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(outputs);
        double bound = 1 / Math.Sqrt(inputs);
        _weight = new Parameter(Tensor.Uniform([outputs, inputs], -bound, bound, dtype));
        _bias = bias ? new Parameter(Tensor.Uniform([outputs], -bound, bound, dtype)) : null;
    }

    /// <summary>(outputs, inputs).</summary>
    public Parameter Weight => _weight;

    /// <summary>(outputs), or null.</summary>
    public Parameter? Bias => _bias;

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input.Linear(_weight, _bias?.Value);
}
