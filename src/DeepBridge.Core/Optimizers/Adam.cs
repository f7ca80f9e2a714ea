using DeepBridge.Ops;

namespace DeepBridge.Optimizers;

/// <summary>Adam as <c>torch.optim.Adam</c>; the formula stands at <see cref="AdamStep"/>, AMSGrad's at <see cref="AmsGradStep"/>.</summary>
public sealed class Adam : Optimizer
{
    /// <summary>Makes an optimizer of a module's parameters.</summary>
    /// <param name="module">The module.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="beta1">How much of the average gradient stays.</param>
    /// <param name="beta2">How much of the average squared gradient stays.</param>
    /// <param name="epsilon">What is added to the root.</param>
    /// <param name="weightDecay">How much of the parameter is added to the gradient.</param>
    /// <param name="amsgrad">Whether the greatest average squared gradient so far divides.</param>
    /// <param name="groups">Parameters with options of their own; the others have those given here.</param>
    /// <exception cref="InvalidAttributeException">A number is out of range, or a group does not fit.</exception>
    public Adam(
        Module module, double learningRate = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 0, bool amsgrad = false, IEnumerable<ParameterGroup>? groups = null)
        : this(Named(module), learningRate, groups, beta1, beta2, epsilon, weightDecay, amsgrad)
    {
    }

    /// <summary>Makes an optimizer of parameters.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="beta1">How much of the average gradient stays.</param>
    /// <param name="beta2">How much of the average squared gradient stays.</param>
    /// <param name="epsilon">What is added to the root.</param>
    /// <param name="weightDecay">How much of the parameter is added to the gradient.</param>
    /// <param name="amsgrad">Whether the greatest average squared gradient so far divides.</param>
    /// <param name="groups">Parameters with options of their own; the others have those given here.</param>
    /// <exception cref="InvalidAttributeException">A number is out of range, or a group does not fit.</exception>
    public Adam(
        IEnumerable<Parameter> parameters, double learningRate = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 0, bool amsgrad = false, IEnumerable<ParameterGroup>? groups = null)
        : this(Named(parameters), learningRate, groups, beta1, beta2, epsilon, weightDecay, amsgrad)
    {
    }

    private Adam(
        IEnumerable<(string Key, Parameter Parameter)> parameters, double learningRate, IEnumerable<ParameterGroup>? groups, double beta1, double beta2, double epsilon, double weightDecay, bool amsgrad)
        : base(
            parameters, learningRate, groups, decay => amsgrad
                ? new AmsGradStep(beta1, beta2, epsilon, decay ?? weightDecay, false)
                : new AdamStep(beta1, beta2, epsilon, decay ?? weightDecay, false), amsgrad ? ["exp_avg", "exp_avg_sq", "max_exp_avg_sq"] : ["exp_avg", "exp_avg_sq"], true)
    {
    }
}
