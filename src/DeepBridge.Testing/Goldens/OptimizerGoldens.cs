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
    };

    /// <summary>The cases whose gradients are clipped to norm 1.</summary>
    public static IReadOnlySet<string> Clipped { get; } = new HashSet<string> { "Sgd.clipped" };
}
