using DeepBridge.Backends;

namespace DeepBridge.Graphs;

/// <summary>What a compiled graph is run with. The core reads and assigns the variables; a backend sees data only.</summary>
/// <param name="inputs">The arguments.</param>
/// <param name="states">The values of <see cref="Graph.States"/> when the run starts, in that order.</param>
/// <param name="outputs">Where the results go, one count each.</param>
/// <param name="newStates">Where the new values of the assigned states go, one count each.</param>
public readonly ref struct GraphCall(
    ReadOnlySpan<BackendTensor> inputs,
    ReadOnlySpan<BackendTensor> states,
    Span<BackendTensor> outputs,
    Span<BackendTensor?> newStates)
{
    /// <summary>The arguments.</summary>
    public ReadOnlySpan<BackendTensor> Inputs { get; } = inputs;

    /// <summary>The values of <see cref="Graph.States"/> when the run starts, in that order; see <see cref="MayOverwrite"/>.</summary>
    public ReadOnlySpan<BackendTensor> States { get; } = states;

    /// <summary>Where the results go. Each must be new, or an argument or state (or alias of one) with a count added.</summary>
    public Span<BackendTensor> Outputs { get; } = outputs;

    /// <summary>
    /// Where the new values go, for each state with an <see cref="GraphState.After"/>; the others stay null. Each must
    /// be new, or an argument or state with a count added: one that was overwritten is its own new value.
    /// </summary>
    public Span<BackendTensor?> NewStates { get; } = newStates;

    /// <summary>
    /// Whether an assigned state's data may be written into: its variable holds it alone, and is locked until the run
    /// is done. Meaningless for a state that is only read.
    /// </summary>
    /// <param name="state">The index of a state with an <see cref="GraphState.After"/>.</param>
    /// <returns>False: somebody else sees the data.</returns>
    public bool MayOverwrite(int state) => !States[state].IsShared;
}

/// <summary>A graph that is ready to run on one device. Runs may overlap if they share no assigned variable.</summary>
public abstract class CompiledGraph : IDisposable
{
    /// <summary>Runs the graph.</summary>
    /// <param name="call">Arguments, states, and the places of results and new states.</param>
    public abstract void Run(in GraphCall call);

    /// <summary>Gives back what the compiled form holds; by default nothing.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives back what the compiled form holds.</summary>
    /// <param name="disposing">False when a finalizer calls.</param>
    protected virtual void Dispose(bool disposing)
    {
    }
}
