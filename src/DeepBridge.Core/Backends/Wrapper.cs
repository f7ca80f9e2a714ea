using DeepBridge.Memory;
using DeepBridge.Ops;

namespace DeepBridge.Backends;

/// <summary>
/// Stands between ops and the device that executes them: tracing, profiling and the search for NaN are wrappers.
/// Derive, override <see cref="Executor.Execute"/>, and hand on with <see cref="Next"/>.
/// </summary>
public abstract class Wrapper : Executor
{
    private Executor? _inner;

    /// <summary>Puts this wrapper around whatever executes ops in this flow, until the result is disposed.</summary>
    /// <returns>What ends it.</returns>
    /// <exception cref="InvalidOperationException">The wrapper is in use already.</exception>
    public AmbientChange Use()
    {
        Ambient now = Ambient.Now;
        for (Executor? outer = now.Wrapper; outer is Wrapper wrapper; outer = wrapper._inner)
        {
            if (ReferenceEquals(outer, this))
            {
                throw new InvalidOperationException("A wrapper cannot stand around itself: make a second one.");
            }
        }

        _inner = now.Wrapper;
        return Ambient.Enter(now with { Wrapper = this });
    }

    /// <summary>Executes an op as it would have been without this wrapper.</summary>
    /// <param name="op">The op.</param>
    /// <param name="call">Inputs, specs and the place of the outputs.</param>
    protected void Next(Op op, in KernelCall call) => (_inner ?? call.Device.Executor).Execute(op, call);
}
