using DeepBridge.Ops;
using DeepBridge.Schedules;

namespace DeepBridge.Optimizers;

/// <summary>
/// Changes parameters by their gradients. Learning rate, step count and what it remembers of each parameter (its slots)
/// are variables: they are saved, follow their parameters' devices, and a traced step threads them through. An optimizer
/// derives from this class and says by which op it changes a parameter.
/// </summary>
public abstract class Optimizer
{
    private readonly Entry[] _entries;
    private readonly HashSet<Variable> _listed = new(ReferenceEqualityComparer.Instance);

    /// <summary>Makes the variables.</summary>
    /// <param name="parameters">The parameters with their keys; each is taken once. See <see cref="Named(Module)"/>.</param>
    /// <param name="learningRate">The learning rate, at least 0.</param>
    /// <param name="groups">Parameters with options of their own; null: there are none.</param>
    /// <param name="step">
    /// From a group's weight decay (null: the optimizer's) to the op of one step. Its inputs are the parameter, its slots,
    /// the gradient and the learning rate (float32 scalar); its outputs the new parameter and slots.
    /// </param>
    /// <param name="slots">Names of slots that start as zeros of their parameter's spec.</param>
    /// <param name="countsSteps">Whether each parameter has a slot <c>step</c> last, an int64 scalar that starts at 0.</param>
    /// <exception cref="InvalidAttributeException">
    /// A number is out of range, there are no parameters, or a group's parameter is of another group or not the optimizer's.
    /// </exception>
    protected Optimizer(
        IEnumerable<(string Key, Parameter Parameter)> parameters,
        double learningRate,
        IEnumerable<ParameterGroup>? groups,
        Func<double?, Op> step,
        ReadOnlySpan<string> slots,
        bool countsSteps)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(step);
        if (!double.IsFinite(learningRate) || learningRate < 0)
        {
            throw new InvalidAttributeException(GetType().Name, $"the learning rate must be finite and not negative, got {learningRate}.");
        }

        Groups = [.. groups ?? []];
        Dictionary<Parameter, (ParameterGroup? Group, Op Step)> grouped = Assign(step);
        Op common = step(null);
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

                (ParameterGroup? group, Op op) = grouped.GetValueOrDefault(parameter, (null, common));
                Entry entry = new(parameter, group, op, [.. state]);
                entry.Validate();
                entries.Add(entry);
            }
        }

        if (grouped.Keys.FirstOrDefault(parameter => !_listed.Contains(parameter)) is { } stranger)
        {
            throw new InvalidAttributeException(GetType().Name, $"a group has {stranger}, which is not among the parameters.");
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

    /// <summary>
    /// What sets SGD's momentum, or Adam's β₁, before each step, from <see cref="StepCount"/>, such as <see cref="OneCycleMomentum"/>;
    /// null: it stays. The step is made of several ops then, and does not write in place.
    /// </summary>
    /// <exception cref="InvalidAttributeException">The optimizer has no momentum.</exception>
    public Schedule? MomentumSchedule
    {
        get;
        set => field = value is null || _entries.All(entry => entry.Step is IMomentumStep { HasMomentum: true })
            ? value
            : throw new InvalidAttributeException(GetType().Name, "has no momentum that a schedule could set.");
    }

    /// <summary>The parameters with options of their own.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; }

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
        Tensor? momentum = MomentumSchedule?.At(StepCount.Value);
        foreach (Entry entry in _entries)
        {
            if (!entry.Parameter.IsFrozen && gradients.Find(entry.Parameter) is { } gradient)
            {
                Tensor mine = entry.Group is null ? rate : rate * entry.Group.Factor.Value;
                entry.Update(gradient, mine.To(entry.Parameter.Device), momentum?.To(entry.Parameter.Device));
            }
        }

        StepCount.Assign(StepCount.Value + 1);
    }

    /// <summary>
    /// The learning rate, the step count, the groups' factors, the slots and what the schedule remembers, for a state
    /// dictionary: <c>learning_rate</c>, <c>step_count</c>, <c>groups.N.factor</c>, for each parameter its key and the slot's
    /// name, <c>schedule.…</c>, <c>momentum_schedule.…</c>.
    /// </summary>
    /// <returns>Key and variable.</returns>
    public IEnumerable<(string Key, Variable Variable)> NamedVariables()
    {
        yield return (LearningRate.Name!, LearningRate);
        yield return (StepCount.Name!, StepCount);
        for (int i = 0; i < Groups.Count; i++)
        {
            yield return ($"groups.{i}.factor", Groups[i].Factor);
        }

        foreach (Entry entry in _entries)
        {
            foreach (Variable slot in entry.State.AsSpan(1).ToArray())
            {
                yield return (slot.Name!, slot);
            }
        }

        foreach ((string key, Variable variable) in Schedule?.NamedVariables() ?? [])
        {
            yield return ($"schedule.{key}", variable);
        }

        foreach ((string key, Variable variable) in MomentumSchedule?.NamedVariables() ?? [])
        {
            yield return ($"momentum_schedule.{key}", variable);
        }
    }

    /// <summary>What <see cref="NamedVariables"/> gives, by key.</summary>
    /// <returns>The variables.</returns>
    public IReadOnlyDictionary<string, Variable> StateDictionary() => new OrderedDictionary<string, Variable>(
        NamedVariables().Select(named => KeyValuePair.Create(named.Key, named.Variable)));

    /// <summary>Loads tensors into what <see cref="NamedVariables"/> gives, each on its own device; all of them or none.</summary>
    /// <param name="state">The tensors by key, on any device.</param>
    /// <param name="strict">Whether a key that is missing or unexpected is an error; otherwise it is passed over and reported.</param>
    /// <param name="convert">Whether a tensor of another dtype is cast; otherwise it is an error.</param>
    /// <returns>Which keys were missing and which unexpected.</returns>
    /// <exception cref="ModuleException">Keys, shapes or dtypes do not fit; nothing was changed.</exception>
    public StateReport LoadState(IReadOnlyDictionary<string, Tensor> state, bool strict = true, bool convert = false) =>
        Module.LoadInto(GetType().Name, StateDictionary(), state, strict, convert);

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

    private static Variable Make(string name, Shape shape, Scalar value, DType dtype, Device device)
    {
        using Tensor first = Tensor.Full(shape, value, dtype, device);
        return new Variable(first, name);
    }

    /// <summary>The group of each parameter that has one, and its op.</summary>
    private Dictionary<Parameter, (ParameterGroup? Group, Op Step)> Assign(Func<double?, Op> step)
    {
        Dictionary<Parameter, (ParameterGroup?, Op)> grouped = new(ReferenceEqualityComparer.Instance);
        foreach (ParameterGroup group in Groups)
        {
            Op op = step(group.WeightDecay);
            foreach (Parameter parameter in group.Parameters)
            {
                if (!grouped.TryAdd(parameter, (group, op)))
                {
                    throw new InvalidAttributeException(GetType().Name, $"{parameter} is in two groups.");
                }
            }
        }

        return grouped;
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

        Device first = _entries[0].Parameter.Device;
        Follow(LearningRate, first);
        Follow(StepCount, first);
        foreach (ParameterGroup group in Groups)
        {
            Follow(group.Factor, first);
        }
    }

    private static void Follow(Variable variable, Device device)
    {
        if (!ReferenceEquals(variable.Device, device))
        {
            variable.To(device);
        }
    }

    /// <summary>A parameter, its group, the op that changes it, and what that works on: the parameter and its slots.</summary>
    private sealed record Entry(Parameter Parameter, ParameterGroup? Group, Op Step, Variable[] State)
    {
        /// <summary>Makes the step, as one op, or with another momentum of several.</summary>
        internal void Update(Tensor gradient, Tensor rate, Tensor? momentum)
        {
            if (momentum is null)
            {
                Variable.Update(Step, State, gradient, rate);
                return;
            }

            Tensor[] next = ((IMomentumStep)Step).Decompose([.. State.Select(variable => variable.Value), gradient, rate], momentum);
            for (int i = 0; i < next.Length; i++)
            {
                State[i].Assign(next[i]);
            }
        }

        /// <summary>Asks the op's rule now what it would else say at the first step.</summary>
        internal void Validate()
        {
            if (Parameter.DType.IsFloating())
            {
                Step.InferAll([.. State.Select(variable => variable.Spec), Parameter.Spec, new TensorSpec(default, DType.Float32)]);
            }
        }
    }
}
