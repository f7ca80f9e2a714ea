using DeepBridge.Ops;

namespace DeepBridge.Optimizers;

/// <summary>Lion (X. Chen et al., 2023), with decoupled weight decay; the formula stands at <see cref="LionStep"/>.</summary>
public sealed class Lion : Optimizer
{
    /// <summary>Makes an optimizer of a module's parameters.</summary>
    /// <param name="module">The module.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="beta1">How much of the momentum decides the direction; the gradient decides the rest.</param>
    /// <param name="beta2">How much of the momentum stays.</param>
    /// <param name="weightDecay">How much of the parameter goes at each step, times the learning rate.</param>
    /// <param name="groups">Parameters with options of their own; the others have those given here.</param>
    /// <exception cref="InvalidAttributeException">A number is out of range, or a group does not fit.</exception>
    public Lion(
        Module module, double learningRate = 1e-4, double beta1 = 0.9, double beta2 = 0.99, double weightDecay = 0, IEnumerable<ParameterGroup>? groups = null)
        : this(Named(module), learningRate, groups, beta1, beta2, weightDecay)
    {
    }

    /// <summary>Makes an optimizer of parameters.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="beta1">How much of the momentum decides the direction; the gradient decides the rest.</param>
    /// <param name="beta2">How much of the momentum stays.</param>
    /// <param name="weightDecay">How much of the parameter goes at each step, times the learning rate.</param>
    /// <param name="groups">Parameters with options of their own; the others have those given here.</param>
    /// <exception cref="InvalidAttributeException">A number is out of range, or a group does not fit.</exception>
    public Lion(
        IEnumerable<Parameter> parameters, double learningRate = 1e-4, double beta1 = 0.9, double beta2 = 0.99, double weightDecay = 0, IEnumerable<ParameterGroup>? groups = null)
        : this(Named(parameters), learningRate, groups, beta1, beta2, weightDecay)
    {
    }

    private Lion(
        IEnumerable<(string Key, Parameter Parameter)> parameters, double learningRate, IEnumerable<ParameterGroup>? groups, double beta1, double beta2, double weightDecay)
        : base(
            parameters, learningRate, groups, decay => new LionStep(beta1, beta2, decay ?? weightDecay), ["exp_avg"], false)
    {
    }
}
