using DeepBridge.Ops;

namespace DeepBridge.Optimizers;

/// <summary>RMSprop as <c>torch.optim.RMSprop</c>; the formula stands at <see cref="RmsPropStep"/>.</summary>
public sealed class RmsProp : Optimizer
{
    /// <summary>Makes an optimizer of a module's parameters.</summary>
    /// <param name="module">The module.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="alpha">How much of the average squared gradient stays.</param>
    /// <param name="epsilon">What is added to the root.</param>
    /// <param name="weightDecay">How much of the parameter is added to the gradient.</param>
    /// <param name="momentum">How much of the momentum buffer stays; 0: there is none.</param>
    /// <param name="centered">Whether the variance of the gradients divides instead of their mean square.</param>
    /// <param name="groups">Parameters with options of their own; the others have those given here.</param>
    /// <exception cref="InvalidAttributeException">A number is out of range, or a group does not fit.</exception>
    public RmsProp(
        Module module, double learningRate = 1e-2, double alpha = 0.99, double epsilon = 1e-8, double weightDecay = 0, double momentum = 0, bool centered = false, IEnumerable<ParameterGroup>? groups = null)
        : this(Named(module), learningRate, groups, alpha, epsilon, weightDecay, momentum, centered)
    {
    }

    /// <summary>Makes an optimizer of parameters.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="alpha">How much of the average squared gradient stays.</param>
    /// <param name="epsilon">What is added to the root.</param>
    /// <param name="weightDecay">How much of the parameter is added to the gradient.</param>
    /// <param name="momentum">How much of the momentum buffer stays; 0: there is none.</param>
    /// <param name="centered">Whether the variance of the gradients divides instead of their mean square.</param>
    /// <param name="groups">Parameters with options of their own; the others have those given here.</param>
    /// <exception cref="InvalidAttributeException">A number is out of range, or a group does not fit.</exception>
    public RmsProp(
        IEnumerable<Parameter> parameters, double learningRate = 1e-2, double alpha = 0.99, double epsilon = 1e-8, double weightDecay = 0, double momentum = 0, bool centered = false, IEnumerable<ParameterGroup>? groups = null)
        : this(Named(parameters), learningRate, groups, alpha, epsilon, weightDecay, momentum, centered)
    {
    }

    private RmsProp(
        IEnumerable<(string Key, Parameter Parameter)> parameters, double learningRate, IEnumerable<ParameterGroup>? groups, double alpha, double epsilon, double weightDecay, double momentum, bool centered)
        : base(
            parameters, learningRate, groups, decay => new RmsPropStep(alpha, epsilon, decay ?? weightDecay, momentum, centered), Slots(momentum != 0, centered), false)
    {
    }

    private static string[] Slots(bool momentum, bool centered) =>
        ["square_avg", .. momentum ? ["momentum_buffer"] : Array.Empty<string>(), .. centered ? ["grad_avg"] : Array.Empty<string>()];
}
