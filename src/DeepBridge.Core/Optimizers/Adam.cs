using DeepBridge.Ops;

namespace DeepBridge.Optimizers;

/// <summary>Adam as <c>torch.optim.Adam</c>; the formula stands at <see cref="AdamStep"/>.</summary>
public sealed class Adam : Optimizer
{
    private readonly AdamStep _step;

    /// <summary>Makes an optimizer of a module's parameters.</summary>
    /// <param name="module">The module.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="beta1">How much of the average gradient stays.</param>
    /// <param name="beta2">How much of the average squared gradient stays.</param>
    /// <param name="epsilon">What is added to the root.</param>
    /// <param name="weightDecay">How much of the parameter is added to the gradient.</param>
    /// <exception cref="InvalidAttributeException">A number is out of range.</exception>
    public Adam(
        Module module, double learningRate = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 0)
        : this(Named(module), learningRate, new AdamStep(beta1, beta2, epsilon, weightDecay, false))
    {
    }

    /// <summary>Makes an optimizer of parameters.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="beta1">How much of the average gradient stays.</param>
    /// <param name="beta2">How much of the average squared gradient stays.</param>
    /// <param name="epsilon">What is added to the root.</param>
    /// <param name="weightDecay">How much of the parameter is added to the gradient.</param>
    /// <exception cref="InvalidAttributeException">A number is out of range.</exception>
    public Adam(
        IEnumerable<Parameter> parameters, double learningRate = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 0)
        : this(Named(parameters), learningRate, new AdamStep(beta1, beta2, epsilon, weightDecay, false))
    {
    }

    private Adam(IEnumerable<(string Key, Parameter Parameter)> parameters, double learningRate, AdamStep step)
        : base(parameters, learningRate, ["exp_avg", "exp_avg_sq"], true)
    {
        step.Validate();
        _step = step;
    }

    /// <inheritdoc/>
    protected override void Update(ReadOnlySpan<Variable> state, Tensor gradient, Tensor learningRate) =>
        Variable.Update(_step, state, gradient, learningRate);
}
