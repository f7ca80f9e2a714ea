namespace DeepBridge.Schedules;

/// <summary>rate · factorⁿ, n being the number of whole periods that have passed: PyTorch's <c>StepLR</c>.</summary>
/// <param name="rate">The rate at the first step.</param>
/// <param name="period">The number of steps between changes, at least 1.</param>
/// <param name="factor">What the rate is multiplied by.</param>
public sealed class StepSchedule(double rate, int period, double factor = 0.1) : Schedule
{
    private readonly int _period = period >= 1 ? period : throw new InvalidAttributeException(nameof(StepSchedule), $"takes a period of at least 1, got {period}.");

    /// <inheritdoc/>
    public override Tensor At(Tensor step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return (Number(factor, step).Pow(step.FloorDivide(_period).Cast(DType.Float64)) * rate).Cast(DType.Float32);
    }
}

/// <summary>rate · factorⁿ, n being the number of milestones that were reached: PyTorch's <c>MultiStepLR</c>.</summary>
/// <param name="rate">The rate at the first step.</param>
/// <param name="milestones">Numbers of steps; one that stands twice counts twice.</param>
/// <param name="factor">What the rate is multiplied by.</param>
public sealed class MultiStepSchedule(double rate, IEnumerable<int> milestones, double factor = 0.1) : Schedule
{
    private readonly long[] _milestones = [.. milestones.Select(each => (long)each)];

    /// <inheritdoc/>
    public override Tensor At(Tensor step)
    {
        ArgumentNullException.ThrowIfNull(step);
        Tensor reached = (Tensor.From(_milestones, step.Device) <= step).Sum();
        return (Number(factor, step).Pow(reached.Cast(DType.Float64)) * rate).Cast(DType.Float32);
    }
}

/// <summary>rate · factorⁿ, n being the number of steps: PyTorch's <c>ExponentialLR</c>.</summary>
/// <param name="rate">The rate at the first step.</param>
/// <param name="factor">What the rate is multiplied by at each step.</param>
public sealed class ExponentialSchedule(double rate, double factor) : Schedule
{
    /// <inheritdoc/>
    public override Tensor At(Tensor step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return (Number(factor, step).Pow(step.Cast(DType.Float64)) * rate).Cast(DType.Float32);
    }
}

/// <summary>
/// final + (rate − final) · (1 − step / steps)ᵖ, afterwards final: PyTorch's <c>PolynomialLR</c>, and with p = 1 a straight
/// line.
/// </summary>
/// <param name="rate">The rate at the first step.</param>
/// <param name="steps">The number of steps down to the last rate, at least 1.</param>
/// <param name="power">p.</param>
/// <param name="final">The last rate.</param>
public sealed class PolynomialSchedule(double rate, int steps, double power = 1, double final = 0) : Schedule
{
    private readonly int _steps = steps >= 1 ? steps : throw new InvalidAttributeException(nameof(PolynomialSchedule), $"takes at least 1 step, got {steps}.");

    /// <inheritdoc/>
    public override Tensor At(Tensor step)
    {
        ArgumentNullException.ThrowIfNull(step);
        Tensor left = 1 - (step.Minimum(_steps).Cast(DType.Float64) / _steps);
        return ((left.Pow(power) * (rate - final)) + final).Cast(DType.Float32);
    }
}

/// <summary>
/// Cosines that start anew: PyTorch's <c>CosineAnnealingWarmRestarts</c> (Loshchilov and Hutter, 2017, "SGDR"). Within each,
/// minimum + (rate − minimum) · (1 + cos(π · passed / length)) / 2.
/// </summary>
/// <param name="rate">The rate at each start.</param>
/// <param name="steps">The length of the first, at least 1.</param>
/// <param name="multiplier">How many times as long each is as the one before, at least 1.</param>
/// <param name="minimum">The least rate.</param>
public sealed class CosineRestarts(double rate, int steps, int multiplier = 1, double minimum = 0) : Schedule
{
    private readonly long[] _starts = Starts(steps, multiplier);

    /// <inheritdoc/>
    public override Tensor At(Tensor step)
    {
        ArgumentNullException.ThrowIfNull(step);
        Tensor passed = step % steps, length = Tensor.Of(steps, DType.Float64, step.Device);
        if (multiplier > 1)
        {
            // The closed form has a logarithm that may miss a start by one step.
            Tensor starts = Tensor.From(_starts, step.Device);
            Tensor started = Tensor.Where(starts <= step, starts, starts.ZerosLike()).Max();
            passed = step - started;
            length = ((started * (multiplier - 1)) + steps).Cast(DType.Float64);
        }

        Tensor cosine = (passed.Cast(DType.Float64) * Math.PI / length).Cos();
        return (((cosine + 1) * ((rate - minimum) / 2)) + minimum).Cast(DType.Float32);
    }

    /// <summary>Where each begins, as far as anybody trains.</summary>
    private static long[] Starts(long steps, int multiplier)
    {
        if (steps < 1 || multiplier < 1)
        {
            throw new InvalidAttributeException(nameof(CosineRestarts), $"takes at least 1 step and a multiplier of at least 1, got {steps} and {multiplier}.");
        }

        List<long> starts = [0];
        for (long length = steps; multiplier > 1 && starts[^1] < 1L << 40; length *= multiplier)
        {
            starts.Add(starts[^1] + length);
        }

        return [.. starts];
    }
}

/// <summary>
/// Up along a cosine, then down along one below where it began: PyTorch's <c>OneCycleLR</c> in two phases (Smith and Topin,
/// 2019). After its end the rate stays. <see cref="OneCycleMomentum"/> goes with it.
/// </summary>
/// <param name="maximum">The greatest rate.</param>
/// <param name="steps">The number of steps.</param>
/// <param name="rise">The part of the steps that rises, above 0 and below 1; it must end after the first step.</param>
/// <param name="startDivisor">The first rate is the greatest over this.</param>
/// <param name="finalDivisor">The last rate is the first over this.</param>
public sealed class OneCycle(double maximum, int steps, double rise = 0.3, double startDivisor = 25, double finalDivisor = 1e4) : Schedule
{
    private readonly double _top = Top(nameof(OneCycle), steps, rise);

    /// <inheritdoc/>
    public override Tensor At(Tensor step) =>
        Cycle(step, steps, _top, maximum / startDivisor, maximum, maximum / startDivisor / finalDivisor);

    /// <summary>The step at which the cycle turns.</summary>
    internal static double Top(string name, int steps, double rise) => rise is > 0 and < 1 && (rise * steps) - 1 > 0
        ? (rise * steps) - 1
        : throw new InvalidAttributeException(name, $"a rise of {rise} of {steps} steps must be more than one step and end before the last.");

    /// <summary>From the first number to the second along a cosine, and on to the third.</summary>
    internal static Tensor Cycle(Tensor step, int steps, double top, double first, double second, double third)
    {
        ArgumentNullException.ThrowIfNull(step);
        Tensor now = step.Minimum(steps - 1).Cast(DType.Float64);
        Tensor there = Along(now / top, first, second), on = Along((now - top) / (steps - 1 - top), second, third);
        return Tensor.Where(now <= top, there, on).Cast(DType.Float32);
    }

    private static Tensor Along(Tensor part, double from, double to) => (((part * Math.PI).Cos() + 1) * ((from - to) / 2)) + to;
}

/// <summary>
/// The momentum of PyTorch's <c>OneCycleLR</c>, for <see cref="Optimizers.Optimizer.MomentumSchedule"/>: down along a cosine while
/// <see cref="OneCycle"/> rises, then up again.
/// </summary>
/// <param name="steps">The number of steps.</param>
/// <param name="rise">The part of the steps in which the rate rises, as <see cref="OneCycle"/>'s.</param>
/// <param name="lowest">The momentum where the rate is greatest.</param>
/// <param name="highest">The momentum at the start and at the end.</param>
public sealed class OneCycleMomentum(int steps, double rise = 0.3, double lowest = 0.85, double highest = 0.95) : Schedule
{
    private readonly double _top = OneCycle.Top(nameof(OneCycleMomentum), steps, rise);

    /// <inheritdoc/>
    public override Tensor At(Tensor step) => OneCycle.Cycle(step, steps, _top, highest, lowest, highest);
}
