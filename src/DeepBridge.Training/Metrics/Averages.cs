namespace DeepBridge.Metrics;

/// <summary>The base of what is a sum over a count, in double precision.</summary>
public abstract class AverageMetric : Metric
{
    private readonly Variable _sum;
    private readonly Variable _count;

    private protected AverageMetric(string name)
        : base(name)
    {
        _sum = Gather("sum", DType.Float64);
        _count = Gather("count", DType.Float64);
    }

    /// <inheritdoc/>
    public override double Compute() => Read(_sum) / Read(_count);

    /// <inheritdoc/>
    protected sealed override void Add(Tensor predictions, Tensor targets)
    {
        (Tensor sum, Tensor count) = Part(predictions, targets);
        Add(_sum, sum);
        Add(_count, count);
    }

    /// <summary>What a batch adds to the sum and to the count, scalars.</summary>
    private protected abstract (Tensor Sum, Tensor Count) Part(Tensor predictions, Tensor targets);

    /// <summary>The sum of errors of two tensors of one shape, and how many there are.</summary>
    private protected (Tensor Sum, Tensor Count) Errors(Tensor predictions, Tensor targets, Func<Tensor, Tensor> error)
    {
        RequireSame(predictions, targets);
        Tensor errors = error(predictions.Cast(DType.Float64) - targets.Cast(DType.Float64));
        return (errors.Sum(), errors.OnesLike().Sum());
    }
}

/// <summary>The mean of values, such as losses.</summary>
public sealed class Average : AverageMetric
{
    /// <summary>Makes the metric.</summary>
    /// <param name="name">What the mean is called in logs.</param>
    public Average(string name = "mean")
        : base(name)
    {
    }

    /// <summary>Adds values of weight 1.</summary>
    /// <param name="values">The values, of any shape.</param>
    public void Update(Tensor values)
    {
        ArgumentNullException.ThrowIfNull(values);
        using TensorScope scope = new(Name);
        Update(values, values.OnesLike());
    }

    /// <summary>Takes values and, of the same shape, their weights.</summary>
    private protected override (Tensor Sum, Tensor Count) Part(Tensor predictions, Tensor targets)
    {
        RequireSame(predictions, targets);
        Tensor weights = targets.Cast(DType.Float64);
        return ((predictions.Cast(DType.Float64) * weights).Sum(), weights.Sum());
    }
}

/// <summary>The mean of |prediction − target| over all elements.</summary>
public sealed class MeanAbsoluteError() : AverageMetric("mae")
{
    /// <inheritdoc/>
    private protected override (Tensor Sum, Tensor Count) Part(Tensor predictions, Tensor targets) =>
        Errors(predictions, targets, error => error.Abs());
}

/// <summary>The mean of (prediction − target)² over all elements.</summary>
public sealed class MeanSquaredError() : AverageMetric("mse")
{
    /// <inheritdoc/>
    private protected override (Tensor Sum, Tensor Count) Part(Tensor predictions, Tensor targets) =>
        Errors(predictions, targets, error => error * error);
}

/// <summary>The exponential of the mean cross-entropy of labels, on logits (N, C, d…) and labels (N, d…).</summary>
/// <param name="ignoreIndex">A label that counts for nothing; null: none.</param>
public sealed class Perplexity(long? ignoreIndex = -100) : AverageMetric("perplexity")
{
    /// <inheritdoc/>
    public override double Compute() => Math.Exp(base.Compute());

    /// <inheritdoc/>
    private protected override (Tensor Sum, Tensor Count) Part(Tensor predictions, Tensor targets) => (
        Loss.CrossEntropy(predictions, targets, ignoreIndex: ignoreIndex, reduction: Reduction.None).Cast(DType.Float64).Sum(),
        Counted(targets, ignoreIndex).Sum());
}

/// <summary>
/// The coefficient of determination over all elements: 1 − Σ (y − p)² / Σ (y − ȳ)². Constant targets give 1 where every
/// prediction is right, else 0; fewer than two elements NaN; all as scikit-learn has it.
/// </summary>
/// <remarks>
/// The targets' spread is merged batch by batch (Chan, Golub and LeVeque, 1979), which does not lose digits to a large mean.
/// </remarks>
public sealed class R2Score : Metric
{
    private readonly Variable _count;
    private readonly Variable _mean;
    private readonly Variable _spread;
    private readonly Variable _residual;

    /// <summary>Makes the metric.</summary>
    public R2Score()
        : base("r2")
    {
        _count = Gather("count", DType.Float64);
        _mean = Gather("mean", DType.Float64);
        _spread = Gather("spread", DType.Float64);
        _residual = Gather("residual", DType.Float64);
    }

    /// <inheritdoc/>
    public override double Compute()
    {
        double spread = Read(_spread), residual = Read(_residual);
        return Read(_count) < 2 ? double.NaN : spread != 0 ? 1 - (residual / spread) : residual == 0 ? 1 : 0;
    }

    /// <inheritdoc/>
    protected override void Add(Tensor predictions, Tensor targets)
    {
        RequireSame(predictions, targets);
        Tensor y = targets.Cast(DType.Float64), error = y - predictions.Cast(DType.Float64);
        Tensor count = y.OnesLike().Sum(), mean = y.Sum() / count.Maximum(1), off = y - mean;
        Tensor before = _count.Value, total = before + count, shift = mean - _mean.Value, share = count / total.Maximum(1);
        Add(_spread, (off * off).Sum() + (shift * shift * before * share));
        Add(_mean, shift * share);
        Add(_count, count);
        Add(_residual, (error * error).Sum());
    }
}
