namespace DeepBridge.Layers;

/// <summary>max(x, 0).</summary>
public sealed partial class Relu : Module<Tensor, Tensor>
{
    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input.Relu();
}

/// <summary>x·Φ(x), with the error function.</summary>
public sealed partial class Gelu : Module<Tensor, Tensor>
{
    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input.Gelu();
}

/// <summary>x·sigmoid(x).</summary>
public sealed partial class Silu : Module<Tensor, Tensor>
{
    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input.Silu();
}

/// <summary>The hyperbolic tangent.</summary>
public sealed partial class Tanh : Module<Tensor, Tensor>
{
    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input.Tanh();
}

/// <summary>1 / (1 + e⁻ˣ).</summary>
public sealed partial class Sigmoid : Module<Tensor, Tensor>
{
    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input.Sigmoid();
}

/// <summary>
/// x where it is positive, else slope · x, with a learned slope (He et al., 2015). Keys and initial values are PyTorch's.
/// </summary>
public sealed partial class PRelu : Module<Tensor, Tensor>
{
    private readonly Parameter _weight;

    /// <summary>Makes the layer.</summary>
    /// <param name="count">One slope for all, or one for each channel: axis 1.</param>
    /// <param name="slope">The slopes' first value.</param>
    /// <param name="dtype">A floating dtype.</param>
    public PRelu(int count = 1, double slope = 0.25, DType dtype = DType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        _weight = new Parameter(Tensor.Full([count], slope, dtype));
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input)
    {
        int count = _weight.Shape[0];
        if (count > 1 && (input.Rank < 2 || input.Shape[1] != count))
        {
            throw new ShapeMismatchException(nameof(PRelu), $"takes (batch, {count}, …), got shape {input.Shape}.", [input.Shape], 1);
        }

        // Two sums instead of a choice of products: 0 · ∞ would make the slope's gradient NaN.
        Tensor negative = Tensor.Where(input > 0, input.ZerosLike(), input);
        Tensor slope = count == 1 ? _weight : _weight.Value.Reshape([count, .. Enumerable.Repeat(1, input.Rank - 2)]);
        return input.Relu() + (negative * slope);
    }
}

/// <summary>Zeros each element with a probability while training, and scales the others by 1 / (1 − p).</summary>
public sealed partial class Dropout : Module<Tensor, Tensor>
{
    private readonly double _probability;

    /// <summary>Makes the layer.</summary>
    /// <param name="probability">p, from 0 to below 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">p is outside.</exception>
    public Dropout(double probability = 0.5)
    {
        if (probability is not (>= 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(probability), $"The probability must be at least 0 and below 1, got {probability}.");
        }

        _probability = probability;
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => IsTraining && _probability > 0 ? input.Dropout(_probability) : input;
}

/// <summary>Folds all axes from one on into one.</summary>
/// <param name="first">The first axis that is folded.</param>
public sealed partial class Flatten(int first = 1) : Module<Tensor, Tensor>
{
    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input.Flatten(first);
}
