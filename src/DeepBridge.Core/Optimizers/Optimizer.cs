using DeepBridge.Schedules;

namespace DeepBridge.Optimizers;

/// <summary>
/// Changes parameters by their gradients. Learning rate, step count and what it remembers of each parameter (its slots)
/// are variables: they are saved, follow their parameters' devices, and a traced step threads them through.
/// </summary>
public abstract class Optimizer
{
    private readonly Entry[] _entries;
    private readonly HashSet<Variable> _listed = new(ReferenceEqualityComparer.Instance);

    /// <summary>Makes the variables.</summary>
    /// <param name="parameters">The parameters with their keys; each is taken once. See <see cref="Named(Module)"/>.</param>
    /// <param name="learningRate">The learning rate, at least 0.</param>
    /// <param name="slots">Names of slots that start as zeros of their parameter's spec.</param>
    /// <param name="countsSteps">Whether each parameter has a slot <c>step</c> last, an int64 scalar that starts at 0.</param>
    protected Optimizer(
        IEnumerable<(string Key, Parameter Parameter)> parameters, double learningRate, ReadOnlySpan<string> slots, bool countsSteps)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        if (!double.IsFinite(learningRate) || learningRate < 0)
        {
            throw new InvalidAttributeException(GetType().Name, $"the learning rate must be finite and not negative, got {learningRate}.");
        }

        List<Entry> entries = [];
        foreach ((string key, Parameter parameter) in parameters)
        {
            if (_listed.Add(parameter))
            {
                List<Variable> state = [parameter];
                foreach (string slot in slots)
                {
                    state.Add(Make($"{key}.{slot}", parameter.Shape, 0, parameter.DType, parameter.Device));
                }

                if (countsSteps)
                {
                    state.Add(Make($"{key}.step", default, 0, DType.Int64, parameter.Device));
                }

                entries.Add(new Entry(parameter, [.. state]));
            }
        }

        if (entries.Count == 0)
        {
            throw new InvalidAttributeException(GetType().Name, "got no parameters to train.");
        }

        _entries = [.. entries];
        Device device = _entries[0].Parameter.Device;
        LearningRate = Make("learning_rate", default, learningRate, DType.Float32, device);
        StepCount = Make("step_count", default, 0, DType.Int64, device);
    }

    /// <summary>The learning rate, float32 scalar; a <see cref="Schedule"/> overwrites it.</summary>
    public Variable LearningRate { get; }

    /// <summary>How many steps were made, int64 scalar.</summary>
    public Variable StepCount { get; }

    /// <summary>What sets the learning rate before each step, from <see cref="StepCount"/>; null: it stays.</summary>
    public Schedule? Schedule { get; set; }

    /// <summary>The parameters.</summary>
    public IEnumerable<Parameter> Parameters => _entries.Select(entry => entry.Parameter);

    /// <summary>
    /// Changes each parameter that has a gradient. One without, or a frozen one, is left as it is, with its slots.
    /// </summary>
    /// <param name="gradients">The gradients.</param>
    /// <exception cref="GradientException">
    /// The loss depends on a trainable parameter that this optimizer does not have: it would silently never be trained.
    /// </exception>
    public void Step(Gradients gradients)
    {
        ArgumentNullException.ThrowIfNull(gradients);
        RequireListed(gradients);
        using TensorScope scope = new(GetType().Name);
        using AmbientChange change = Gradients.NoGradient();
        Follow();
        if (Schedule is not null)
        {
            LearningRate.Assign(Schedule.At(StepCount.Value));
        }

        Tensor rate = LearningRate.Value;
        foreach (Entry entry in _entries)
        {
            if (!entry.Parameter.IsFrozen && gradients.Find(entry.Parameter) is { } gradient)
            {
                Update(entry.State, gradient, rate.To(entry.Parameter.Device));
            }
        }

        StepCount.Assign(StepCount.Value + 1);
    }

    /// <summary>
    /// The learning rate, the step count and the slots, for a state dictionary: <c>learning_rate</c>, <c>step_count</c>,
    /// and for each parameter its key and the slot's name.
    /// </summary>
    /// <returns>Key and variable.</returns>
    public IEnumerable<(string Key, Variable Variable)> NamedVariables()
    {
        yield return (LearningRate.Name!, LearningRate);
        yield return (StepCount.Name!, StepCount);
        foreach (Entry entry in _entries)
        {
            foreach (Variable slot in entry.State.AsSpan(1).ToArray())
            {
                yield return (slot.Name!, slot);
            }
        }
    }

    /// <summary>A module's parameters, by their keys in its state dictionary.</summary>
    /// <param name="module">The module.</param>
    /// <returns>Key and parameter.</returns>
    protected static IEnumerable<(string Key, Parameter Parameter)> Named(Module module)
    {
        ArgumentNullException.ThrowIfNull(module);
        return module.NamedVariables().Where(named => named.Variable is Parameter).Select(named => (named.Key, (Parameter)named.Variable));
    }

    /// <summary>Parameters, by their numbers.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <returns>Key and parameter.</returns>
    protected static IEnumerable<(string Key, Parameter Parameter)> Named(IEnumerable<Parameter> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return parameters.Select((parameter, index) => ($"{index}", parameter));
    }

    /// <summary>Changes one parameter: mostly <see cref="Variable.Update"/> with a step op.</summary>
    /// <param name="state">The parameter and its slots, on one device.</param>
    /// <param name="gradient">The gradient.</param>
    /// <param name="learningRate">The learning rate, float32 scalar on the parameter's device.</param>
    protected abstract void Update(ReadOnlySpan<Variable> state, Tensor gradient, Tensor learningRate);

    private static Variable Make(string name, Shape shape, Scalar value, DType dtype, Device device)
    {
        using Tensor first = Tensor.Full(shape, value, dtype, device);
        return new Variable(first, name);
    }

    private void RequireListed(Gradients gradients)
    {
        foreach (Variable variable in gradients.Reached)
        {
            if (variable.IsTrainable && !_listed.Contains(variable))
            {
                throw new GradientException(
                    $"The loss depends on {variable}, which {GetType().Name} does not have, so it would never be trained. If it belongs to "
                    + "the model, keep it in a field of a module, or make the optimizer after it; if it is not to be trained, freeze it.");
            }
        }
    }

    /// <summary>Moves what belongs to parameters that have moved.</summary>
    private void Follow()
    {
        foreach (Entry entry in _entries)
        {
            foreach (Variable variable in entry.State)
            {
                Follow(variable, entry.Parameter.Device);
            }
        }

        Follow(LearningRate, _entries[0].Parameter.Device);
        Follow(StepCount, _entries[0].Parameter.Device);
    }

    private static void Follow(Variable variable, Device device)
    {
        if (!ReferenceEquals(variable.Device, device))
        {
            variable.To(device);
        }
    }

    /// <summary>A parameter and, after it, its slots.</summary>
    private sealed record Entry(Parameter Parameter, Variable[] State);
}
