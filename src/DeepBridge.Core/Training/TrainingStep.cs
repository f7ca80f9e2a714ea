using DeepBridge.Graphs;
using DeepBridge.Optimizers;

namespace DeepBridge.Training;

/// <summary>
/// A training step as one function from a batch to its loss: forward, gradients, accumulation, clipping, optimizer,
/// averages, the sum of losses. All that changes is a variable, so it runs eagerly or as a graph.
/// </summary>
/// <typeparam name="TBatch">A batch.</typeparam>
internal sealed class TrainingStep<TBatch>
{
    private readonly Func<TBatch, StepOutput> _objective;
    private readonly Optimizer _optimizer;
    private readonly TrainerOptions _options;
    private readonly BatchWalk<TBatch>? _walk;
    private readonly Variable[] _parameters;
    private readonly Dictionary<Variable, (string Key, Variable Sum)> _sums = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Key, Traced> _graphs = [];
    private readonly Variable? _weight;

    internal TrainingStep(
        Module model, Func<TBatch, StepOutput> objective, Optimizer optimizer, TrainerOptions options, BatchWalk<TBatch>? walk, Averages? averages)
    {
        (_objective, _optimizer, _options, _walk, Averages) = (objective, optimizer, options, walk, averages);
        _parameters = [.. model.Parameters];
        Device device = Device;
        using TensorScope scope = new("step");
        LossSum = new Variable(Tensor.Zeros(default, DType.Float64, device), "loss_sum");
        if (options.Accumulate > 1)
        {
            _weight = new Variable(Tensor.Zeros(default, DType.Float64, device), "weight");
            foreach ((string key, Variable variable) in model.NamedVariables().Where(named => named.Variable is Parameter && named.Variable.DType.IsFloating()))
            {
                _sums.TryAdd(variable, (key, new Variable(Tensor.Zeros(variable.Shape, variable.DType, variable.Device), $"{key}.sum")));
            }
        }
    }

    /// <summary>Where the model is, as its first parameter says.</summary>
    internal Device Device => _parameters.Length > 0 ? _parameters[0].Device : Device.Default.Real;

    /// <summary>The moving averages, where they are kept.</summary>
    internal Averages? Averages { get; }

    /// <summary>The sum of all examples' losses since it was last set to 0, float64 scalar.</summary>
    internal Variable LossSum { get; }

    /// <summary>What the step is doing, for whoever stands between ops and backend.</summary>
    internal string Phase { get; private set; } = "forward";

    /// <summary>The sums of gradients between two steps, for a checkpoint.</summary>
    internal IEnumerable<(string Key, Variable Variable)> Accumulators() =>
        _weight is null ? [] : [("weight", _weight), .. _sums.Values.Select(sum => (sum.Key + ".sum", sum.Sum))];

    /// <summary>The batch where the model is.</summary>
    internal TBatch Place(TBatch batch) => _walk is null ? batch : _walk.To(batch, Device);

    /// <summary>Runs the step eagerly.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="update">Whether the optimizer makes its step; otherwise the gradients are only added to the sums.</param>
    /// <returns>The output without history, and the number of examples.</returns>
    internal (StepOutput Output, long Examples) Run(TBatch batch, bool update)
    {
        Phase = "forward";
        StepOutput output = _objective(batch);
        long examples = output.Examples ?? _walk?.Examples(batch) ?? 1;
        Phase = "backward";
        Gradients gradients = Gradients.Of(output.Loss, _parameters);
        using AmbientChange change = Gradients.NoGradient();
        Phase = "update";
        Tensor loss = output.Loss.Detach();
        if (_weight is not null)
        {
            gradients = Accumulate(gradients, examples, update);
        }

        if (update)
        {
            Apply(gradients);
        }

        LossSum.To(loss.Device);
        LossSum.Assign(LossSum.Value + (loss.Cast(DType.Float64) * examples).Reshape());
        return (output with { Loss = loss, Prediction = output.Prediction?.Detach() }, examples);
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

        _optimizer.Step(gradients);
        Averages?.Update();
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
}
