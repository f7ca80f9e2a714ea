using DeepBridge.Backends;
using DeepBridge.Modules;

namespace DeepBridge.Memory;

/// <summary>
/// Everything that an op takes from its surroundings: scope, recording, wrapper, device, generator, module path. One
/// immutable object in one <see cref="AsyncLocal{T}"/>, mirrored into a thread-static, so that an op reads it in a
/// nanosecond or two and only entering costs.
/// </summary>
internal sealed record Ambient
{
    private static readonly Ambient s_default = new();
    private static readonly AsyncLocal<Ambient?> s_flow = new(static change => t_now = change.CurrentValue);

    [ThreadStatic]
    private static Ambient? t_now;

    /// <summary>The state of this flow.</summary>
    internal static Ambient Now => t_now ?? s_default;

    /// <summary>Who owns new tensors; null: nobody.</summary>
    internal TensorScope? Scope { get; init; }

    /// <summary>Whether ops on tracked tensors are recorded for the backward pass.</summary>
    internal bool Recording { get; init; } = true;

    /// <summary>What autocast computes in.</summary>
    internal Precision Precision { get; init; }

    /// <summary>Who executes ops instead of the device's backend; null: nobody.</summary>
    internal Executor? Wrapper { get; init; }

    /// <summary>Where tensors are created; null: the process-wide default.</summary>
    internal Device? Device { get; init; }

    /// <summary>Where random numbers come from; null: the process-wide generator.</summary>
    internal RandomGenerator? Generator { get; init; }

    /// <summary>Who answers reads and assignments of variables; null: the variables themselves.</summary>
    internal VariableStore? Variables { get; init; }

    /// <summary>The module call that runs, with its callers; null outside any.</summary>
    internal ModuleFrame? Frame { get; init; }

    /// <summary>Who is told of module calls; null: nobody.</summary>
    internal ICallObserver? Observer { get; init; }

    /// <summary>Makes <paramref name="next"/> the state of this flow.</summary>
    /// <param name="next">The new state.</param>
    /// <returns>What restores the state before.</returns>
    internal static AmbientChange Enter(Ambient next)
    {
        AmbientChange change = new(Now);
        s_flow.Value = next;
        return change;
    }

    /// <summary>
    /// Returns to <paramref name="state"/>, but never to a scope that has ended meanwhile: the nearest enclosing one
    /// that lives takes its place.
    /// </summary>
    /// <param name="state">The state to return to.</param>
    internal static void Return(Ambient state)
    {
        TensorScope? live = TensorScope.NearestLive(state.Scope);
        s_flow.Value = ReferenceEquals(live, state.Scope) ? state : state with { Scope = live };
    }
}
