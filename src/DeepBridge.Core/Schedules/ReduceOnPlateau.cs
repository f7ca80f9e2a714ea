namespace DeepBridge.Schedules;

/// <summary>
/// Another schedule's rate times a factor that falls when a metric no longer improves: PyTorch's
/// <c>ReduceLROnPlateau</c>, decision for decision. What it remembers are variables, so that a traced step sees the factor
/// that a report between two steps has changed.
/// </summary>
public sealed class ReduceOnPlateau : Schedule
{
    private readonly Schedule _schedule;
    private readonly double _reduction;
    private readonly int _patience;
    private readonly double _threshold;
    private readonly bool _relative;
    private readonly bool _maximize;
    private readonly int _rest;
    private readonly double _minimum;
    private readonly Variable _factor;
    private readonly Variable _best;
    private readonly Variable _bad;
    private readonly Variable _cooldown;

    /// <summary>Makes the schedule.</summary>
    /// <param name="schedule">The schedule that is reduced; often a <see cref="ConstantSchedule"/>.</param>
    /// <param name="factor">What the rate is multiplied by, from 0 to below 1.</param>
    /// <param name="patience">How many reports without improvement are borne; the next one reduces.</param>
    /// <param name="threshold">By how much the metric must improve.</param>
    /// <param name="relative">Whether the threshold is a part of the best metric instead of an amount.</param>
    /// <param name="maximize">Whether a greater metric is better.</param>
    /// <param name="cooldown">For how many reports after a reduction nothing counts.</param>
    /// <param name="minimum">The rate is not reduced below this.</param>
    /// <exception cref="InvalidAttributeException">The factor is out of range.</exception>
    public ReduceOnPlateau(
        Schedule schedule, double factor = 0.1, int patience = 10, double threshold = 1e-4, bool relative = true, bool maximize = false, int cooldown = 0, double minimum = 0)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        if (factor is not (>= 0 and < 1))
        {
            throw new InvalidAttributeException(nameof(ReduceOnPlateau), $"the factor must be at least 0 and below 1, got {factor}.");
        }

        (_schedule, _reduction, _patience, _threshold) = (schedule, factor, patience, threshold);
        (_relative, _maximize, _rest, _minimum) = (relative, maximize, cooldown, minimum);
        _factor = new Variable(Tensor.Of(1, DType.Float64), "factor");
        _best = new Variable(Tensor.Of(maximize ? double.NegativeInfinity : double.PositiveInfinity, DType.Float64), "best");
        _bad = new Variable(Tensor.Of(0, DType.Int64), "bad_reports");
        _cooldown = new Variable(Tensor.Of(0, DType.Int64), "cooldown");
    }

    /// <summary>Takes in a metric, mostly once an epoch, and decides whether the rate falls from the next step on.</summary>
    /// <param name="metric">The metric; NaN is no improvement.</param>
    public void Report(double metric)
    {
        using TensorScope scope = new(nameof(Report));
        double best = _best.Value.Item();
        long bad = _bad.Value.Item<long>() + 1, cooldown = _cooldown.Value.Item<long>();
        double margin = _maximize ? _threshold : -_threshold, bar = _relative ? best * (1 + margin) : best + margin;
        if (_maximize ? metric > bar : metric < bar)
        {
            (best, bad) = (metric, 0);
        }

        if (cooldown > 0)
        {
            (cooldown, bad) = (cooldown - 1, 0);
        }

        if (bad > _patience)
        {
            Set(_factor, _factor.Value.Item() * _reduction);
            (cooldown, bad) = (_rest, 0);
        }

        Set(_best, best);
        Set(_bad, bad);
        Set(_cooldown, cooldown);
    }

    /// <inheritdoc/>
    public override Tensor At(Tensor step)
    {
        ArgumentNullException.ThrowIfNull(step);
        if (!ReferenceEquals(_factor.Device, step.Device))
        {
            _factor.To(step.Device);
        }

        Tensor whole = _schedule.At(step).Cast(DType.Float64), reduced = whole * _factor.Value;
        return reduced.Maximum(whole.Minimum(_minimum)).Cast(DType.Float32);
    }

    /// <inheritdoc/>
    public override IEnumerable<(string Key, Variable Variable)> NamedVariables() =>
        new[] { _factor, _best, _bad, _cooldown }.Select(variable => (variable.Name!, variable)).Concat(_schedule.NamedVariables());

    private static void Set(Variable variable, Scalar value) => variable.Assign(Tensor.Of(value, variable.DType, variable.Device));
}
