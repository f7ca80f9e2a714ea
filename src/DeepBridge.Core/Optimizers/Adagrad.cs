using DeepBridge.Ops;

namespace DeepBridge.Optimizers;

/// <summary>Adagrad as <c>torch.optim.Adagrad</c>; the formula stands at <see cref="AdagradStep"/>.</summary>
public sealed class Adagrad : Optimizer
{
    /// <summary>Makes an optimizer of a module's parameters.</summary>
    /// <param name="module">The module.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="rateDecay">How fast the learning rate falls: it is divided by 1 + steps · this.</param>
    /// <param name="weightDecay">How much of the parameter is added to the gradient.</param>
    /// <param name="epsilon">What is added to the root.</param>
    /// <param name="groups">Parameters with options of their own; the others have those given here.</param>
    /// <exception cref="InvalidAttributeException">A number is out of range, or a group does not fit.</exception>
    public Adagrad(
        Module module, double learningRate = 1e-2, double rateDecay = 0, double weightDecay = 0, double epsilon = 1e-10, IEnumerable<ParameterGroup>? groups = null)
        : this(Named(module), learningRate, groups, rateDecay, weightDecay, epsilon)
    {
    }

    /// <summary>Makes an optimizer of parameters.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="rateDecay">How fast the learning rate falls: it is divided by 1 + steps · this.</param>
    /// <param name="weightDecay">How much of the parameter is added to the gradient.</param>
    /// <param name="epsilon">What is added to the root.</param>
    /// <param name="groups">Parameters with options of their own; the others have those given here.</param>
    /// <exception cref="InvalidAttributeException">A number is out of range, or a group does not fit.</exception>
    public Adagrad(
        IEnumerable<Parameter> parameters, double learningRate = 1e-2, double rateDecay = 0, double weightDecay = 0, double epsilon = 1e-10, IEnumerable<ParameterGroup>? groups = null)
        : this(Named(parameters), learningRate, groups, rateDecay, weightDecay, epsilon)
    {
    }

    private Adagrad(
        IEnumerable<(string Key, Parameter Parameter)> parameters, double learningRate, IEnumerable<ParameterGroup>? groups, double rateDecay, double weightDecay, double epsilon)
        : base(
            parameters, learningRate, groups, decay => new AdagradStep(epsilon, decay ?? weightDecay, rateDecay), ["sum"], true)
    {
    }
}
