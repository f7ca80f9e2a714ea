using DeepBridge.Graphs;
using DeepBridge.Optimizers;

namespace DeepBridge.Training;

/// <summary>
/// A training step as one function from a batch to its loss: forward, gradients, accumulation, clipping, optimizer,
/// averages, the sum of losses. All that changes is a variable, so it runs eagerly or as a graph.
/// </summary>
/// <typeparam name="TBatch">A batch.</typeparam>
internal sealed class TrainingStep<TBatch> : IDisposable
{
    private readonly Objective<TBatch> _objective;
    private readonly Optimizer _optimizer;
    private readonly TrainerOptions _options;
    private readonly Averages? _averages;
    private readonly Parameter[] _parameters;
    private readonly Module[] _modules;
    private readonly Dictionary<Variable, (string Key, Variable Sum)> _sums = new(ReferenceEqualityComparer.Instance);
    private readonly List<TracedStep> _graphs = [];
    private readonly Variable? _weight;
    private readonly LossScaler? _scaler;

    /// <summary>Makes the variables of the step.</summary>
    internal TrainingStep(Objective<TBatch> objective, Optimizer optimizer, TrainerOptions options, Averages? averages)
    {
        (_objective, _optimizer, _options, _averages) = (objective, optimizer, options, averages);
        _parameters = [.. objective.Model.Parameters];
        _modules = [.. objective.Model.NamedModules().Select(named => named.Module)];
        Device device = Device;
        _scaler = options.Precision == Precision.Float16 ? options.LossScaler ?? new LossScaler(device: device) : null;
        using TensorScope scope = new("step");
        LossSum = new Variable(Tensor.Zeros(default, DType.Float64, device), "loss_sum");
        if (options.Accumulate > 1)
        {
            _weight = new Variable(Tensor.Zeros(default, DType.Float64, device), "weight");
            foreach ((string key, Variable variable) in objective.Model.NamedVariables().Where(named => named.Variable is Parameter && named.Variable.DType.IsFloating()))
            {
                _sums.TryAdd(variable, (key, new Variable(Tensor.Zeros(variable.Shape, variable.DType, variable.Device), $"{key}.sum")));
            }
        }
    }

    /// <summary>Where the model is, as its first parameter says.</summary>
    internal Device Device => _parameters.Length > 0 ? _parameters[0].Device : Device.Default.Real;

    /// <summary>The sum of all examples' losses since it was last set to 0, float64 scalar.</summary>
    internal Variable LossSum { get; }

    /// <summary>What the step is doing, for whoever stands between ops and backend.</summary>
    internal string Phase { get; private set; } = "forward";

    /// <summary>The sums of gradients between two steps, and the loss scale, for a checkpoint.</summary>
    internal IEnumerable<(string Key, Variable Variable)> Accumulators() =>
    [
        .. _weight is null ? [] : _sums.Values.Select(sum => (sum.Key + ".sum", sum.Sum)).Prepend(("weight", _weight)),
        .. _scaler is null ? [] : _scaler.NamedVariables().Select(named => ("loss_scale." + named.Key, named.Variable)),
    ];

    /// <summary>The batch where the model is.</summary>
    internal TBatch Place(TBatch batch) => _objective.Walk is { } walk ? walk.To(batch, Device) : batch;

    /// <summary>Runs the step, as a graph where the options say so, and measures the output where they do.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="update">Whether the optimizer makes its step; otherwise the gradients are only added to the sums.</param>
    /// <param name="last">Whether the batch is the last of the epoch.</param>
    /// <returns>The number of examples.</returns>
    internal long Run(TBatch batch, bool update, bool last)
    {
        (StepOutput output, long examples) = _options.Compile && Traced(batch, update, last) is { } traced
            ? traced.Run(_objective.Walk!.Tensors(batch))
            : RunEagerly(batch, update);
        if (_options.MeasureTraining)
        {
            _objective.Update(output);
        }

        return examples;
    }

    /// <summary>Sets the sum of losses to 0.</summary>
    internal void Reset()
    {
        using Tensor zero = Tensor.Zeros(default, DType.Float64, LossSum.Device);
        LossSum.Assign(zero);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _graphs.ForEach(graph => graph.Graph.Dispose());
        _graphs.Clear();
    }

    /// <summary>The step itself.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="update">Whether the optimizer makes its step.</param>
    /// <returns>The output, its loss without history, and the number of examples.</returns>
    internal (StepOutput Output, long Examples) RunEagerly(TBatch batch, bool update)
    {
        Phase = "forward";
        StepOutput output = _objective.Function(batch);
        long examples = _objective.Examples(batch, output);
        Phase = "backward";
        Gradients gradients = _scaler?.GradientsOf(output.Loss, _parameters) ?? Gradients.Of(output.Loss, _parameters);
        Phase = "update";
        if (_weight is not null)
        {
            gradients = Accumulate(gradients, examples, update);
        }

        if (update)
        {
            Apply(gradients);
        }

        // No gradient is recorded behind the backward pass: gradients, sums and averages are untracked, and so is the loss from here.
        Tensor loss = output.Loss.Detach(), sum = loss.Cast(DType.Float64) * examples;
        LossSum.To(loss.Device);
        LossSum.Assign(LossSum.Value + (sum.Rank == 0 ? sum : sum.Reshape()));
        return (output with { Loss = loss }, examples);
    }

    private void Apply(Gradients gradients)
    {
        if (_options.ClipValue is { } limit)
        {
            gradients = gradients.ClipValue(limit);
        }

        if (_options.ClipNorm is { } norm)
        {
            gradients = gradients.ClipNorm(norm);
        }

        Action<Action> run = _scaler is null ? static update => update() : _scaler.Step;
        run(() =>
        {
            _optimizer.Step(gradients);
            _averages?.Update();
        });
    }

    private Gradients Accumulate(Gradients gradients, long examples, bool update)
    {
        _weight!.To(Device);
        _weight.Assign(_weight.Value + examples);
        gradients = gradients.Map((variable, gradient) => Sum(variable, gradient, examples));
        if (!update)
        {
            return gradients;
        }

        Tensor weight = _weight.Value;
        gradients = gradients.Map((_, sum) => sum / weight.To(sum.Device).Cast(sum.DType));
        foreach ((_, Variable sum) in _sums.Values)
        {
            sum.Assign(Tensor.Zeros(sum.Shape, sum.DType, sum.Device));
        }

        _weight.Assign(Tensor.Zeros(default, DType.Float64, _weight.Device));
        return gradients;
    }

    private Tensor Sum(Variable variable, Tensor gradient, long examples)
    {
        Variable sum = _sums[variable].Sum;
        sum.To(variable.Device);
        Tensor next = sum.Value + (gradient * examples);
        sum.Assign(next);
        return next;
    }

    /// <summary>The graph for batches of this shape, traced where there is none; null for a last batch that is run eagerly.</summary>
    private TracedStep? Traced(TBatch batch, bool update, bool last)
    {
        Tensor[] tensors = _objective.Walk!.Tensors(batch);
        Device device = Device;
        int settings = Settings();
        TracedStep? found = _graphs.Find(graph => graph.Fits(tensors, device, update, settings));
        if (found is not null)
        {
            return found;
        }

        string text = string.Join(", ", tensors.Select(tensor => tensor.Spec));
        if (last && _graphs.Count > 0)
        {
            TrainingLog.Eager(_options.Logger, text);
            return null;
        }

        bool measures = _options.MeasureTraining;
        long examples = 0;
        Graph graph = Graph.Trace(
            inputs =>
            {
                (StepOutput output, examples) = RunEagerly(_objective.Walk.Rebuild(batch, inputs), update);
                return measures && output is { Prediction: { } prediction, Target: { } target } ? [output.Loss, prediction.Detach(), target] : [output.Loss];
            },
            [.. tensors.Select(tensor => tensor.Spec)],
            device);
        TrainingLog.Traced(_options.Logger, text);
        _graphs.Add(new TracedStep(graph, update, settings, examples));
        return _graphs[^1];
    }

    /// <summary>What else a trace depends on, as a hash: which parameters are frozen, which modules train.</summary>
    private int Settings()
    {
        HashCode settings = default;
        foreach (Parameter parameter in _parameters)
        {
            settings.Add(parameter.IsFrozen);
        }

        foreach (Module module in _modules)
        {
            settings.Add(module.IsTraining);
        }

        return settings.ToHashCode();
    }
}

/// <summary>A step as a graph.</summary>
/// <param name="Graph">From the tensors of a batch to the loss and, where metrics are measured, prediction and target.</param>
/// <param name="Update">Whether the optimizer makes its step.</param>
/// <param name="Settings">Which parameters were frozen and which modules were training, as a hash.</param>
/// <param name="Examples">Examples of a batch.</param>
internal sealed record TracedStep(Graph Graph, bool Update, int Settings, long Examples)
{
    /// <summary>Whether the graph is of this step.</summary>
    internal bool Fits(Tensor[] tensors, Device device, bool update, int settings)
    {
        bool fits = Update == update && Settings == settings && ReferenceEquals(device, Graph.Device) && tensors.Length == Graph.Inputs.Count;
        for (int i = 0; fits && i < tensors.Length; i++)
        {
            fits = tensors[i].Spec.Equals(Graph.Inputs[i].Spec);
        }

        return fits;
    }

    /// <summary>Runs the graph.</summary>
    internal (StepOutput Output, long Examples) Run(Tensor[] tensors)
    {
        Tensor[] outputs = Graph.Run(tensors);
        return (new StepOutput(outputs[0], outputs.ElementAtOrDefault(1), outputs.ElementAtOrDefault(2)), Examples);
    }
}
