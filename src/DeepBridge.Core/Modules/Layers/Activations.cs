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
