using DeepBridge.Ops;

namespace DeepBridge.Schedules;

/// <summary>
/// A learning rate that depends on the number of steps. It is written with tensor ops, so that a traced training step
/// computes it anew each time.
/// </summary>
public abstract class Schedule
{
    /// <summary>The learning rate of a step.</summary>
    /// <param name="step">How many steps came before, int64 scalar.</param>
    /// <returns>The rate, float32 scalar.</returns>
    public abstract Tensor At(Tensor step);

    /// <summary>What the schedule remembers besides the number of steps, for a state dictionary; mostly nothing.</summary>
    /// <returns>Key and variable.</returns>
    public virtual IEnumerable<(string Key, Variable Variable)> NamedVariables() => [];

    /// <summary>A number as a float64 scalar beside the step.</summary>
    /// <param name="value">The number.</param>
    /// <param name="step">The step.</param>
    /// <returns>The tensor.</returns>
    private protected static Tensor Number(double value, Tensor step) => Eager.Constant(value, DType.Float64, step.Data.Device);
}

/// <summary>The same rate at every step.</summary>
/// <param name="rate">The rate.</param>
public sealed class ConstantSchedule(double rate) : Schedule
{
    /// <inheritdoc/>
    public override Tensor At(Tensor step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return Eager.Constant(rate, DType.Float32, step.Data.Device);
    }
}

/// <summary>
/// From a fraction of another schedule's first rate straight up to it, then that schedule from its start: PyTorch's
/// <c>LinearLR</c> followed by another.
/// </summary>
/// <param name="steps">The number of steps of the rise, at least 1.</param>
/// <param name="then">The schedule that follows.</param>
/// <param name="start">The fraction at the first step.</param>
public sealed class WarmUp(int steps, Schedule then, double start = 1.0 / 3) : Schedule
{
    private readonly int _steps = steps >= 1 ? steps : throw new InvalidAttributeException(nameof(WarmUp), $"takes at least 1 step, got {steps}.");
    private readonly Schedule _then = then ?? throw new ArgumentNullException(nameof(then));

    /// <inheritdoc/>
    public override IEnumerable<(string Key, Variable Variable)> NamedVariables() => _then.NamedVariables();

    /// <inheritdoc/>
    public override Tensor At(Tensor step)
    {
        ArgumentNullException.ThrowIfNull(step);
        Tensor fraction = (step.Cast(DType.Float64) * ((1 - start) / _steps)) + start;
        Tensor rate = _then.At((step - _steps).Maximum(0));
        return Tensor.Where(step < _steps, (rate.Cast(DType.Float64) * fraction).Cast(DType.Float32), rate);
    }
}

/// <summary>
/// minimum + (rate − minimum) · (1 + cos(π · step / steps)) / 2: PyTorch's <c>CosineAnnealingLR</c> in closed form
/// (Loshchilov and Hutter, 2017). After <paramref name="steps"/> steps the rate rises again.
/// </summary>
/// <param name="rate">The rate at the first step.</param>
/// <param name="steps">The number of steps down to the minimum, at least 1.</param>
/// <param name="minimum">The least rate.</param>
public sealed class CosineSchedule(double rate, int steps, double minimum = 0) : Schedule
{
    private readonly int _steps = steps >= 1 ? steps : throw new InvalidAttributeException(nameof(CosineSchedule), $"takes at least 1 step, got {steps}.");

    /// <inheritdoc/>
    public override Tensor At(Tensor step)
    {
        ArgumentNullException.ThrowIfNull(step);
        Tensor cosine = (step.Cast(DType.Float64) * Math.PI / _steps).Cos();
        return (((cosine + 1) * ((rate - minimum) / 2)) + minimum).Cast(DType.Float32);
    }
}
