namespace DeepBridge.Metrics;

/// <summary>
/// A number that says how good predictions are, gathered batch by batch on their device: nothing is read back before
/// <see cref="Compute"/>. Updating takes no part in gradients.
/// </summary>
/// <remarks>
/// State lies in variables, so an update may be part of a traced step, except for those that keep every score
/// (<see cref="RankingMetric"/>). Metrics follow the predictions' device.
/// </remarks>
public abstract class Metric
{
    private readonly List<Variable> _state = [];

    /// <summary>Makes a metric.</summary>
    /// <param name="name">What it is called in logs.</param>
    protected Metric(string name) => Name = name;

    /// <summary>What it is called in logs, such as <c>accuracy</c>.</summary>
    public string Name { get; init; }

    /// <summary>Adds a batch.</summary>
    /// <param name="predictions">What was predicted.</param>
    /// <param name="targets">What should have been.</param>
    /// <exception cref="ShapeMismatchException">The shapes do not fit.</exception>
    /// <exception cref="ValueOutOfBoundsException">A class is none.</exception>
    public void Update(Tensor predictions, Tensor targets)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        ArgumentNullException.ThrowIfNull(targets);
        using TensorScope scope = new(Name);
        using AmbientChange change = Gradients.NoGradient();
        foreach (Variable variable in _state)
        {
            variable.To(predictions.Device);
        }

        Add(predictions.Detach(), targets.Detach());
    }

    /// <summary>Reads the number back.</summary>
    /// <returns>The number; NaN where nothing was added.</returns>
    public abstract double Compute();

    /// <summary>Starts again.</summary>
    public virtual void Reset()
    {
        using TensorScope scope = new(Name);
        foreach (Variable variable in _state)
        {
            variable.Assign(Tensor.Zeros(variable.Shape, variable.DType, variable.Device));
        }
    }

    /// <summary>What was gathered, by name, for a checkpoint.</summary>
    /// <returns>The tensors.</returns>
    public virtual IReadOnlyDictionary<string, Tensor> State() => _state.ToDictionary(variable => variable.Name!, variable => variable.Value);

    /// <summary>Takes up what was gathered before.</summary>
    /// <param name="state">What <see cref="State"/> gave.</param>
    /// <exception cref="KeyNotFoundException">A name is missing.</exception>
    /// <exception cref="ShapeMismatchException">A tensor has another shape: it is of another metric.</exception>
    /// <exception cref="DTypeMismatchException">A tensor has another dtype.</exception>
    public virtual void Restore(IReadOnlyDictionary<string, Tensor> state)
    {
        ArgumentNullException.ThrowIfNull(state);
        using TensorScope scope = new(Name);
        foreach (Variable variable in _state)
        {
            variable.Assign(Find(state, variable.Name!).To(variable.Device));
        }
    }

    /// <summary>Adds a batch to the state, inside a scope that records no gradients.</summary>
    /// <param name="predictions">What was predicted.</param>
    /// <param name="targets">What should have been.</param>
    protected abstract void Add(Tensor predictions, Tensor targets);

    /// <summary>Makes a part of the state, which starts as zeros.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="dtype">Its dtype.</param>
    /// <returns>The variable.</returns>
    protected Variable Gather(string name, DType dtype, Shape shape = default)
    {
        using Tensor zeros = Tensor.Zeros(shape, dtype);
        Variable variable = new(zeros, name);
        _state.Add(variable);
        return variable;
    }

    /// <summary>Adds to a part of the state.</summary>
    /// <param name="variable">The part.</param>
    /// <param name="value">What is added, cast to its dtype.</param>
    protected static void Add(Variable variable, Tensor value)
    {
        ArgumentNullException.ThrowIfNull(variable);
        ArgumentNullException.ThrowIfNull(value);
        Variable.Update(Ops.Add.Instance, [variable], value.Cast(variable.DType));
    }

    /// <summary>Reads a scalar part of the state.</summary>
    /// <param name="variable">The part.</param>
    /// <returns>Its value.</returns>
    protected static double Read(Variable variable) => Numbers(variable)[0];

    private protected static double[] Numbers(Variable variable)
    {
        using TensorScope scope = new("metric");
        return variable.Value.Cast(DType.Float64).ToArray<double>();
    }

    private protected static Tensor Find(IReadOnlyDictionary<string, Tensor> state, string key) =>
        state.TryGetValue(key, out Tensor? tensor) ? tensor : throw new KeyNotFoundException($"The state has no '{key}'.");

    /// <summary>
    /// The classes predicted and the right ones, int64 (N): of scores that have one axis more than the targets, its
    /// argmax; of floating predictions, whether they are above one half.
    /// </summary>
    private protected (Tensor Predicted, Tensor Labels) Classes(Tensor predictions, Tensor targets)
    {
        if (targets.Rank > 0 && predictions.Rank == targets.Rank + 1 && predictions.Shape.Without(1) == targets.Shape)
        {
            predictions = predictions.ArgMax(1);
        }

        RequireSame(predictions, targets);
        predictions = predictions.DType.IsFloating() ? predictions > 0.5 : predictions;
        return (predictions.Cast(DType.Int64).Reshape(-1), targets.Cast(DType.Int64).Reshape(-1));
    }

    /// <summary>Which labels count, bool.</summary>
    private protected static Tensor Counted(Tensor labels, long? ignoreIndex) =>
        ignoreIndex is { } ignored ? labels != ignored : labels.OnesLike().Cast(DType.Bool);

    private protected void RequireSame(Tensor predictions, Tensor targets)
    {
        if (predictions.Shape != targets.Shape)
        {
            throw new ShapeMismatchException(
                Name, $"predictions {predictions.Shape} and targets {targets.Shape} must have one shape.", [predictions.Shape, targets.Shape]);
        }
    }
}
