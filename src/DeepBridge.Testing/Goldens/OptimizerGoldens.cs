using DeepBridge.Optimizers;
using DeepBridge.Schedules;

namespace DeepBridge.Testing;

/// <summary>The goldens of optimizers: 20 steps from the same gradients.</summary>
public static class OptimizerGoldens
{
    /// <summary>Makes the optimizer of each case.</summary>
    public static IReadOnlyDictionary<string, Func<Parameter, Optimizer>> All { get; } = new Dictionary<string, Func<Parameter, Optimizer>>
    {
        ["Sgd"] = p => new Sgd([p], 0.1),
        ["Sgd.momentum"] = p => new Sgd([p], 0.1, momentum: 0.9, dampening: 0.2, weightDecay: 0.01),
        ["Sgd.nesterov"] = p => new Sgd([p], 0.1, momentum: 0.9, nesterov: true),
        ["Sgd.clipped"] = p => new Sgd([p], 0.1),
        ["Adam"] = p => new Adam([p], 0.01, beta1: 0.8, beta2: 0.95, weightDecay: 0.1),
        ["Adam.default"] = p => new Adam([p]),
        ["AdamW"] = p => new AdamW([p], 0.01, weightDecay: 0.1),
        ["Adam.cosine"] = p => new Adam([p], 0.01) { Schedule = new CosineSchedule(0.01, 10, 0.001) },
        ["Adam.warmup"] = p => new Adam([p], 0.01) { Schedule = new WarmUp(4, new ConstantSchedule(0.01), 0.2) },
        ["Sgd.groups"] = p => new Sgd([p], 0.1, momentum: 0.9, groups: [new([p], 0.5, 0.2)]),
        ["Sgd.onecycle"] = p => new Sgd([p], 0.1) { Schedule = new OneCycle(0.1, 21) },
        ["Sgd.cycled"] = p => Cycled(new Sgd([p], 0.1, momentum: 0.9, weightDecay: 0.01)),
        ["Sgd.cycled.nesterov"] = p => Cycled(new Sgd([p], 0.1, momentum: 0.9, nesterov: true)),
        ["Adam.cycled"] = p => Cycled(new Adam([p], 0.1, weightDecay: 0.1)),
        ["AdamW.cycled.amsgrad"] = p => Cycled(new AdamW([p], 0.1, amsgrad: true)),
        ["Adam.amsgrad"] = p => new Adam([p], 0.01, beta1: 0.8, beta2: 0.9, weightDecay: 0.1, amsgrad: true),
        ["AdamW.amsgrad"] = p => new AdamW([p], 0.01, beta1: 0.8, beta2: 0.9, weightDecay: 0.1, amsgrad: true),
        ["AdamW.groups"] = p => new AdamW([p], 0.01, weightDecay: 0.1, groups: [new([p], 3, 0)]),
        ["RmsProp"] = p => new RmsProp([p]),
        ["RmsProp.momentum"] = p => new RmsProp([p], 0.01, alpha: 0.9, weightDecay: 0.1, momentum: 0.8),
        ["RmsProp.centered"] = p => new RmsProp([p], 0.01, alpha: 0.9, centered: true),
        ["RmsProp.both"] = p => new RmsProp([p], 0.001, alpha: 0.9, momentum: 0.8, centered: true),
        ["RmsProp.groups"] = p => new RmsProp([p], 0.01, groups: [new([p], 2, 0.1)]),
        ["Adagrad"] = p => new Adagrad([p], 0.1),
        ["Adagrad.decay"] = p => new Adagrad([p], 0.1, rateDecay: 0.1, weightDecay: 0.1),
        ["Adagrad.groups"] = p => new Adagrad([p], 0.1, groups: [new([p], 2, 0.1)]),
        ["Lion"] = p => new Lion([p], 0.01),
        ["Lion.decay"] = p => new Lion([p], 0.01, beta1: 0.8, beta2: 0.9, weightDecay: 0.1),
        ["Lion.groups"] = p => new Lion([p], 0.01, groups: [new([p], 3, 0.1)]),
    };

    /// <summary>Makes the schedule of each case: the rate is 0.1 but where the case says otherwise.</summary>
    public static IReadOnlyDictionary<string, Func<Schedule>> Schedules { get; } = new Dictionary<string, Func<Schedule>>
    {
        ["Step"] = () => new StepSchedule(0.1, 7, 0.5),
        ["MultiStep"] = () => new MultiStepSchedule(0.1, [5, 12, 12, 30], 0.3),
        ["Exponential"] = () => new ExponentialSchedule(0.1, 0.9),
        ["Cosine"] = () => new CosineSchedule(0.1, 15, 0.01),
        ["CosineRestarts"] = () => new CosineRestarts(0.1, 7),
        ["CosineRestarts.longer"] = () => new CosineRestarts(0.1, 3, 2, 0.01),
        ["OneCycle"] = () => new OneCycle(0.1, 41),
        ["OneCycle.short"] = () => new OneCycle(0.5, 41, 0.1, 10, 100),
        ["Polynomial"] = () => new PolynomialSchedule(0.1, 20, 2),
        ["WarmUp"] = () => new WarmUp(6, new ConstantSchedule(0.1), 0.25),
        ["Sequence"] = () => new ScheduleSequence([new ConstantSchedule(0.01), new ExponentialSchedule(0.1, 0.9), new StepSchedule(0.1, 4, 0.5)], [3, 15]),
        ["Plateau"] = () => new ReduceOnPlateau(new ConstantSchedule(0.1), 0.5, 2),
        ["Plateau.absolute"] = () => new ReduceOnPlateau(new ConstantSchedule(0.1), 0.5, 1, 0.1, relative: false, cooldown: 3, minimum: 0.003),
        ["Plateau.maximum"] = () => new ReduceOnPlateau(new ConstantSchedule(0.1), 0.2, 2, 0.01, maximize: true, minimum: 1e-4),
    };

    /// <summary>The cases whose gradients are clipped to norm 1.</summary>
    public static IReadOnlySet<string> Clipped { get; } = new HashSet<string> { "Sgd.clipped" };

    private static Optimizer Cycled(Optimizer optimizer)
    {
        (optimizer.Schedule, optimizer.MomentumSchedule) = (new OneCycle(0.1, 21), new OneCycleMomentum(21));
        return optimizer;
    }
}
