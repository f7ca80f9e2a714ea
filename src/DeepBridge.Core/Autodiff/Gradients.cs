using DeepBridge.Autodiff;
using DeepBridge.Memory;

namespace DeepBridge;

/// <summary>
/// Derivatives of a scalar with respect to variables, and the functions that make them. The tape is the core's own,
/// with one semantics on every backend.
/// </summary>
public sealed partial class Gradients
{
    private readonly Dictionary<Variable, Tensor> _gradients;
    private readonly HashSet<Variable> _reached;

    private Gradients(Dictionary<Variable, Tensor> gradients, HashSet<Variable> reached)
    {
        _gradients = gradients;
        _reached = reached;
    }

    /// <summary>The variables that have a gradient.</summary>
    public IReadOnlyCollection<Variable> Variables => _gradients.Keys;

    /// <summary>The trainable variables that the history held, asked for or not.</summary>
    internal IReadOnlyCollection<Variable> Reached => _reached;

    /// <summary>The gradient of a variable.</summary>
    /// <param name="variable">The variable.</param>
    /// <exception cref="GradientException">It was not asked for.</exception>
    public Tensor this[Variable variable] => Find(variable) ?? throw new GradientException(
        $"There is no gradient of {variable}: it was not among the targets.");

    /// <summary>The gradient of a variable, or null.</summary>
    /// <param name="variable">The variable.</param>
    /// <returns>The gradient or null.</returns>
    public Tensor? Find(Variable variable) => _gradients.GetValueOrDefault(variable);

    /// <summary>The same gradients after a function: clipping, unscaling, averaging.</summary>
    /// <param name="function">From a variable and its gradient to the new gradient, of the same spec.</param>
    /// <returns>New gradients.</returns>
    public Gradients Map(Func<Variable, Tensor, Tensor> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        Dictionary<Variable, Tensor> mapped = new(ReferenceEqualityComparer.Instance);
        foreach ((Variable variable, Tensor gradient) in _gradients)
        {
            mapped[variable] = function(variable, gradient);
        }

        return new Gradients(mapped, _reached);
    }

    /// <summary>
    /// The gradients of a scalar with respect to variables. All reads of one variable, of every version in the history,
    /// add up.
    /// </summary>
    /// <param name="loss">A tracked scalar.</param>
    /// <param name="targets">The variables; frozen ones are passed over.</param>
    /// <param name="keep">Whether the history may be walked again; by default it is consumed.</param>
    /// <param name="differentiable">Whether the results are recorded, for gradients of gradients; implies <paramref name="keep"/>.</param>
    /// <param name="zeros">Whether a variable that the history does not reach gets zeros; by default it throws.</param>
    /// <returns>The gradients.</returns>
    /// <exception cref="GradientException">The loss is no tracked scalar, or a target is not reached.</exception>
    public static Gradients Of(
        Tensor loss, IEnumerable<Variable> targets, bool keep = false, bool differentiable = false, bool zeros = false)
    {
        ArgumentNullException.ThrowIfNull(targets);
        List<Variable> variables = [];
        List<(Node, int)> leaves = [];
        Dictionary<Variable, Tensor> gradients = new(ReferenceEqualityComparer.Instance);
        foreach (Variable variable in targets)
        {
            if (variable.IsTrainable && gradients.TryAdd(variable, loss))
            {
                variables.Add(variable);
                leaves.Add((variable.Leaf, 0));
            }
        }

        Tensor[] values = Run(loss, [.. leaves], keep, differentiable, out HashSet<Variable> reached, index =>
            zeros ? Tensor.Zeros(variables[index].Spec.Shape, variables[index].Spec.DType, loss.Device) : throw new GradientException(
                $"The loss does not depend on {variables[index]}. Leave it out, freeze it, or pass zeros: true."));
        for (int i = 0; i < values.Length; i++)
        {
            gradients[variables[i]] = values[i];
        }

        return new Gradients(gradients, reached);
    }

    /// <summary>The gradients of a scalar with respect to tracked tensors.</summary>
    /// <param name="loss">A tracked scalar.</param>
    /// <param name="targets">Tensors of its history.</param>
    /// <param name="keep">Whether the history may be walked again; by default it is consumed.</param>
    /// <param name="differentiable">Whether the results are recorded, for gradients of gradients; implies <paramref name="keep"/>.</param>
    /// <param name="zeros">Whether a tensor that the history does not reach gets zeros; by default it throws.</param>
    /// <returns>One gradient a target.</returns>
    /// <exception cref="GradientException">The loss is no tracked scalar, a target is not tracked or not reached.</exception>
    public static Tensor[] Of(
        Tensor loss, IReadOnlyList<Tensor> targets, bool keep = false, bool differentiable = false, bool zeros = false)
    {
        ArgumentNullException.ThrowIfNull(targets);
        (Node, int)[] edges = new (Node, int)[targets.Count];
        for (int i = 0; i < edges.Length; i++)
        {
            edges[i] = (targets[i].Node ?? throw new GradientException(
                $"Target {i}, a {targets[i].Spec} tensor, is not tracked: call Track() on it before computing with it."), targets[i].OutputIndex);
        }

        return Run(loss, edges, keep, differentiable, out _, index => zeros ? Tensor.Zeros(targets[index].Shape, targets[index].DType, loss.Device)
            : throw new GradientException($"The loss does not depend on target {index}. Leave it out, or pass zeros: true."));
    }

    /// <summary>Runs a function of tensors and returns its value with its gradients.</summary>
    /// <param name="function">The function; its result is a scalar.</param>
    /// <param name="arguments">The arguments; all are tracked.</param>
    /// <returns>The value, without history, and one gradient an argument (zeros where the value does not depend on it).</returns>
    public static (Tensor Value, Tensor[] Gradients) ValueAndGradient(Func<Tensor[], Tensor> function, params ReadOnlySpan<Tensor> arguments)
    {
        ArgumentNullException.ThrowIfNull(function);
        Tensor[] tracked = new Tensor[arguments.Length];
        for (int i = 0; i < tracked.Length; i++)
        {
            tracked[i] = arguments[i].Track();
        }

        Tensor value = function(tracked);
        return (value.Detach(), Of(value, tracked, zeros: true));
    }

    /// <summary>Stops recording in this flow until the result is disposed: what is computed is not tracked.</summary>
    /// <returns>What ends it.</returns>
    public static AmbientChange NoGradient() => Ambient.Enter(Ambient.Now with { Recording = false });

    private static Tensor[] Run(
        Tensor loss, (Node Node, int Output)[] targets, bool keep, bool differentiable, out HashSet<Variable> reached, Func<int, Tensor> missing)
    {
        ArgumentNullException.ThrowIfNull(loss);
        if (loss.Node is null)
        {
            throw new GradientException(
                "The loss is not tracked: it derives from no trainable parameter and no tensor of Track(), or it was computed under NoGradient().");
        }

        if (loss.Count != 1)
        {
            throw new GradientException($"Gradients are of a scalar; this tensor has shape {loss.Shape}. Sum() or Mean() it first.");
        }

        BackwardPass pass = new(targets, keep || differentiable, differentiable);
        Tensor seed = Tensor.Ones(loss.Shape, loss.DType, loss.Data.Device);
        using (Device.Use(loss.Data.Device))
        {
            pass.Run(loss, seed);
        }

        reached = pass.Reached;
        Tensor[] gradients = new Tensor[targets.Length];
        for (int i = 0; i < gradients.Length; i++)
        {
            gradients[i] = pass.Result(targets[i].Node, targets[i].Output) ?? missing(i);
        }

        return gradients;
    }
}
