namespace DeepBridge.Optimizers;

/// <summary>Parameters of an optimizer that have options of their own.</summary>
public sealed class ParameterGroup
{
    /// <summary>Makes a group.</summary>
    /// <param name="parameters">The parameters, all of them the optimizer's and of no other group.</param>
    /// <param name="factor">What the learning rate is multiplied by: PyTorch's rate of the group over that of the optimizer.</param>
    /// <param name="weightDecay">The weight decay; null: the optimizer's.</param>
    /// <exception cref="InvalidAttributeException">The factor is negative or not finite.</exception>
    public ParameterGroup(IEnumerable<Parameter> parameters, double factor = 1, double? weightDecay = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        if (!double.IsFinite(factor) || factor < 0)
        {
            throw new InvalidAttributeException(nameof(ParameterGroup), $"the factor must be finite and not negative, got {factor}.");
        }

        Parameters = [.. parameters];
        WeightDecay = weightDecay;
        using Tensor first = Tensor.Of(factor, DType.Float32);
        Factor = new Variable(first, "factor");
    }

    /// <summary>The parameters.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>What the learning rate is multiplied by, float32 scalar: it may be assigned between steps, also traced ones.</summary>
    public Variable Factor { get; }

    /// <summary>The weight decay; null: the optimizer's.</summary>
    public double? WeightDecay { get; }
}
