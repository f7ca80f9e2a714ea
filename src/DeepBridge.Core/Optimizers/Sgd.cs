using DeepBridge.Ops;

namespace DeepBridge.Optimizers;

/// <summary>Stochastic gradient descent as <c>torch.optim.SGD</c>; the formula stands at <see cref="SgdStep"/>.</summary>
public sealed class Sgd : Optimizer
{
    /// <summary>Makes an optimizer of a module's parameters.</summary>
    /// <param name="module">The module.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="momentum">How much of the momentum buffer stays; 0: there is none.</param>
    /// <param name="dampening">How much of the gradient is left out of the buffer, but for the first step.</param>
    /// <param name="weightDecay">How much of the parameter is added to the gradient.</param>
    /// <param name="nesterov">Whether to look ahead; it takes momentum without dampening.</param>
    /// <param name="groups">Parameters with options of their own; the others have those given here.</param>
    /// <exception cref="InvalidAttributeException">A number is out of range, or a group does not fit.</exception>
    public Sgd(
        Module module, double learningRate = 1e-3, double momentum = 0, double dampening = 0, double weightDecay = 0, bool nesterov = false, IEnumerable<ParameterGroup>? groups = null)
        : this(Named(module), learningRate, groups, momentum, dampening, weightDecay, nesterov)
    {
    }

    /// <summary>Makes an optimizer of parameters.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="momentum">How much of the momentum buffer stays; 0: there is none.</param>
    /// <param name="dampening">How much of the gradient is left out of the buffer, but for the first step.</param>
    /// <param name="weightDecay">How much of the parameter is added to the gradient.</param>
    /// <param name="nesterov">Whether to look ahead; it takes momentum without dampening.</param>
    /// <param name="groups">Parameters with options of their own; the others have those given here.</param>
    /// <exception cref="InvalidAttributeException">A number is out of range, or a group does not fit.</exception>
    public Sgd(
        IEnumerable<Parameter> parameters, double learningRate = 1e-3, double momentum = 0, double dampening = 0, double weightDecay = 0, bool nesterov = false, IEnumerable<ParameterGroup>? groups = null)
        : this(Named(parameters), learningRate, groups, momentum, dampening, weightDecay, nesterov)
    {
    }

    private Sgd(
        IEnumerable<(string Key, Parameter Parameter)> parameters, double learningRate, IEnumerable<ParameterGroup>? groups, double momentum, double dampening, double weightDecay, bool nesterov)
        : base(
            parameters, learningRate, groups, decay => new SgdStep(momentum, dampening, decay ?? weightDecay, nesterov), momentum == 0 ? [] : ["momentum_buffer"], momentum != 0)
    {
    }
}
