using DeepBridge.Ops;

namespace DeepBridge.Optimizers;

/// <summary>Stochastic gradient descent as <c>torch.optim.SGD</c>; the formula stands at <see cref="SgdStep"/>.</summary>
public sealed class Sgd : Optimizer
{
    private readonly SgdStep _step;

    /// <summary>Makes an optimizer of a module's parameters.</summary>
    /// <param name="module">The module.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="momentum">How much of the momentum buffer stays; 0: there is none.</param>
    /// <param name="dampening">How much of the gradient is left out of the buffer, but for the first step.</param>
    /// <param name="weightDecay">How much of the parameter is added to the gradient.</param>
    /// <param name="nesterov">Whether to look ahead; it takes momentum without dampening.</param>
    /// <exception cref="InvalidAttributeException">A number is out of range.</exception>
    public Sgd(
        Module module, double learningRate = 1e-3, double momentum = 0, double dampening = 0, double weightDecay = 0, bool nesterov = false)
        : this(Named(module), learningRate, new SgdStep(momentum, dampening, weightDecay, nesterov))
    {
    }

    /// <summary>Makes an optimizer of parameters.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="momentum">How much of the momentum buffer stays; 0: there is none.</param>
    /// <param name="dampening">How much of the gradient is left out of the buffer, but for the first step.</param>
    /// <param name="weightDecay">How much of the parameter is added to the gradient.</param>
    /// <param name="nesterov">Whether to look ahead; it takes momentum without dampening.</param>
    /// <exception cref="InvalidAttributeException">A number is out of range.</exception>
    public Sgd(
        IEnumerable<Parameter> parameters, double learningRate = 1e-3, double momentum = 0, double dampening = 0, double weightDecay = 0, bool nesterov = false)
        : this(Named(parameters), learningRate, new SgdStep(momentum, dampening, weightDecay, nesterov))
    {
    }

    private Sgd(IEnumerable<(string Key, Parameter Parameter)> parameters, double learningRate, SgdStep step)
        : base(parameters, learningRate, step.Momentum == 0 ? [] : ["momentum_buffer"], step.Momentum != 0)
    {
        step.Validate();
        _step = step;
    }

    /// <inheritdoc/>
    protected override void Update(ReadOnlySpan<Variable> state, Tensor gradient, Tensor learningRate) =>
        Variable.Update(_step, state, gradient, learningRate);
}
