using DeepBridge.Memory;
using DeepBridge.Modules;

namespace DeepBridge.Optimizers;

/// <summary>
/// A loss scale that finds its own size, for <see cref="Precision.Float16"/>, by the rules of <c>torch.cuda.amp.GradScaler</c>:
/// the loss is multiplied, so that small gradients do not vanish, and the gradients are divided again. Where one is not
/// finite the step is skipped and the scale halved; after 2,000 good steps in a row it is doubled. All of it happens on the
/// device, and is state: nothing is read back, and a traced step holds it.
/// </summary>
public sealed class LossScaler
{
    private readonly (double Growth, double Backoff, long Interval) _rule;
    private readonly Variable _overflow;

    /// <summary>Makes the state.</summary>
    /// <param name="initialScale">The first scale, above 0.</param>
    /// <param name="growthFactor">What the scale is multiplied by after good steps, at least 1.</param>
    /// <param name="backoffFactor">What the scale is multiplied by at a skipped step, above 0 and at most 1.</param>
    /// <param name="growthInterval">After how many good steps in a row the scale grows, at least 1.</param>
    /// <param name="device">Where the state is at first, until a loss elsewhere is seen; null: the default device.</param>
    /// <exception cref="InvalidAttributeException">A number is out of range.</exception>
    public LossScaler(
        double initialScale = 65536, double growthFactor = 2, double backoffFactor = 0.5, long growthInterval = 2000, Device? device = null)
    {
        if (initialScale is not (> 0 and <= double.MaxValue) || growthFactor is not (>= 1 and <= double.MaxValue)
            || backoffFactor is not (> 0 and <= 1) || growthInterval < 1)
        {
            throw new InvalidAttributeException(
                nameof(LossScaler),
                $"takes a finite scale above 0, a finite growth of at least 1, a backoff above 0 and at most 1, and an interval of at least 1; got {initialScale}, {growthFactor}, {backoffFactor} and {growthInterval}.");
        }

        _rule = (growthFactor, backoffFactor, growthInterval);
        Scale = Make("scale", initialScale, DType.Float32, device);
        GoodSteps = Make("growth_tracker", 0, DType.Int64, device);
        SkippedSteps = Make("skipped_steps", 0, DType.Int64, device);
        _overflow = Make("found_inf", false, DType.Bool, device);
    }

    /// <summary>The scale, float32 scalar.</summary>
    public Variable Scale { get; }

    /// <summary>How many steps in a row were good since the scale last changed, int64 scalar.</summary>
    public Variable GoodSteps { get; }

    /// <summary>How many steps were skipped, int64 scalar.</summary>
    public Variable SkippedSteps { get; }

    /// <summary>
    /// The gradients of a loss, computed at the scale and divided by it: ready to be clipped. Until the next step it is remembered
    /// whether all were finite, also over several calls.
    /// </summary>
    /// <param name="loss">A tracked scalar.</param>
    /// <param name="targets">The variables; frozen ones are passed over.</param>
    /// <returns>The gradients.</returns>
    /// <exception cref="GradientException">The loss is no tracked scalar, or a target is not reached.</exception>
    /// <exception cref="DTypeMismatchException">A target is float16 itself: what the scale saves is lost when it is divided again.</exception>
    public Gradients GradientsOf(Tensor loss, IEnumerable<Variable> targets)
    {
        ArgumentNullException.ThrowIfNull(loss);
        ArgumentNullException.ThrowIfNull(targets);
        foreach ((_, Variable variable) in NamedVariables())
        {
            if (!ReferenceEquals(variable.Device, loss.Device))
            {
                variable.To(loss.Device);
            }
        }

        using TensorScope scope = new(nameof(LossScaler));
        Gradients scaled = Gradients.Of(loss * Scale.Value, targets);
        using AmbientChange change = Plain();
        Tensor inverse = 1 / Scale.Value.Cast(DType.Float64), overflow = _overflow.Value;
        Gradients gradients = scaled.Map((variable, gradient) =>
        {
            Tensor unscaled = gradient.DType != DType.Float16
                ? gradient * inverse.To(gradient.Device).Cast(gradient.DType)
                : throw new DTypeMismatchException(
                    nameof(LossScaler), $"{variable} is float16: keep parameters float32, autocast makes the 16-bit copies.");
            overflow |= !(unscaled.Abs() < double.PositiveInfinity).All().To(overflow.Device);
            return scope.Keep(unscaled);
        });
        _overflow.Assign(overflow);
        return gradients;
    }

    /// <summary>Makes an optimizer's step, or skips it: see <see cref="Step(Action)"/>.</summary>
    /// <param name="optimizer">The optimizer.</param>
    /// <param name="gradients">What <see cref="GradientsOf"/> gave, perhaps clipped.</param>
    public void Step(Optimizer optimizer, Gradients gradients)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        Step(() => optimizer.Step(gradients));
    }

    /// <summary>
    /// Runs what assigns variables (optimizers, averages), then adapts the scale. Where a gradient was not finite, every variable
    /// assigned inside keeps its value, bit for bit: both values are computed, and the device chooses.
    /// </summary>
    /// <param name="update">What assigns.</param>
    public void Step(Action update)
    {
        ArgumentNullException.ThrowIfNull(update);
        using TensorScope scope = new(nameof(LossScaler));
        using AmbientChange change = Plain();
        Tensor overflow = _overflow.Value;
        Ambient now = Ambient.Now;
        using (Ambient.Enter(now with { Variables = new ConditionalStore(!overflow, now.Variables) }))
        {
            update();
        }

        Tensor scale = Scale.Value, count = GoodSteps.Value + 1, larger = scale * _rule.Growth;
        Tensor grows = count >= _rule.Interval;
        larger = Tensor.Where(grows & (larger < double.PositiveInfinity), larger, scale);
        Scale.Assign(Tensor.Where(overflow, scale * _rule.Backoff, larger));
        GoodSteps.Assign(Tensor.Where(overflow | grows, count.ZerosLike(), count));
        SkippedSteps.Assign(SkippedSteps.Value + overflow.Cast(DType.Int64));
        _overflow.Assign(overflow.ZerosLike());
    }

    /// <summary>The state, for a state dictionary: <c>scale</c>, <c>growth_tracker</c>, <c>skipped_steps</c>, <c>found_inf</c>.</summary>
    /// <returns>Key and variable.</returns>
    public IEnumerable<(string Key, Variable Variable)> NamedVariables() =>
        [(Scale.Name!, Scale), (GoodSteps.Name!, GoodSteps), (SkippedSteps.Name!, SkippedSteps), (_overflow.Name!, _overflow)];

    private static AmbientChange Plain() => Ambient.Enter(Ambient.Now with { Recording = false, Precision = Precision.Float32 });

    private static Variable Make(string name, Scalar value, DType dtype, Device? device)
    {
        using Tensor first = Tensor.Full(default, value, dtype, device ?? Device.Default);
        return new Variable(first, name);
    }
}
