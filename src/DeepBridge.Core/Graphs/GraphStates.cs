using DeepBridge.Backends;
using DeepBridge.Memory;
using DeepBridge.Modules;

namespace DeepBridge.Graphs;

/// <summary>
/// The variables of a graph while it runs: those that it assigns are locked, so that one that nobody else holds may be
/// written into; the others are counted.
/// </summary>
internal readonly ref struct GraphStates : IDisposable
{
    private readonly IReadOnlyList<GraphState> _states;
    private readonly Variable[] _locked;
    private readonly VariableStore? _store;

    /// <summary>Takes the variables' values.</summary>
    /// <param name="states">The variables.</param>
    /// <param name="assigned">Those that are assigned, in the order in which they are locked.</param>
    /// <param name="device">Where they must lie.</param>
    /// <exception cref="DeviceException">A variable lies elsewhere.</exception>
    internal GraphStates(IReadOnlyList<GraphState> states, Variable[] assigned, Device device)
    {
        _states = states;
        _store = Ambient.Now.Variables;
        Before = new BackendTensor[states.Count];
        After = new BackendTensor?[states.Count];
        _locked = _store is null ? assigned : [];
        int locked = 0, read = 0;
        try
        {
            for (; locked < _locked.Length; locked++)
            {
                _locked[locked].Lock();
            }

            for (; read < Before.Length; read++)
            {
                Variable variable = states[read].Variable;
                if (!ReferenceEquals(variable.Device, device))
                {
                    throw new DeviceException($"The graph runs on {device}; {variable} is on {variable.Device}.");
                }

                Before[read] = _store is not null ? _store.Read(variable)
                    : states[read].After is not null ? variable.LockedData
                    : variable.ReadDirectly();
            }
        }
        catch
        {
            Leave(_locked.AsSpan(0, locked), read);
            throw;
        }
    }

    /// <summary>The values when the run starts.</summary>
    internal BackendTensor[] Before { get; }

    /// <summary>Where the values when the run is done go.</summary>
    internal BackendTensor?[] After { get; }

    /// <summary>Assigns the new values.</summary>
    internal void Assign()
    {
        for (int i = 0; i < After.Length; i++)
        {
            if (After[i] is { } data)
            {
                After[i] = null;
                if (_store is not null)
                {
                    _store.Write(_states[i].Variable, data);
                }
                else
                {
                    _states[i].Variable.WriteDirectly(data);
                }
            }
        }
    }

    /// <summary>Gives up what was not assigned, and lets others at the variables.</summary>
    public void Dispose()
    {
        foreach (BackendTensor? data in After)
        {
            data?.Release();
        }

        Leave(_locked, Before.Length);
    }

    private void Leave(ReadOnlySpan<Variable> locked, int read)
    {
        for (int i = 0; i < read; i++)
        {
            if (_store is not null || _states[i].After is null)
            {
                Before[i].Release();
            }
        }

        foreach (Variable variable in locked)
        {
            variable.Unlock();
        }
    }
}
