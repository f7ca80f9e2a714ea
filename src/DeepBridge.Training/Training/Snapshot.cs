using DeepBridge.Backends;

namespace DeepBridge.Training;

/// <summary>
/// What variables were at a moment. It holds counts of their data, not copies: what is assigned afterwards is written
/// elsewhere.
/// </summary>
/// <param name="variables">The variables.</param>
internal sealed class Snapshot(IEnumerable<Variable> variables)
{
    private readonly Variable[] _variables = [.. variables.Distinct()];
    private BackendTensor[]? _data;

    /// <summary>Remembers the values of now instead of those of before.</summary>
    internal void Take()
    {
        Drop();
        _data = new BackendTensor[_variables.Length];
        for (int i = 0; i < _variables.Length; i++)
        {
            _data[i] = _variables[i].ReadDirectly();
        }
    }

    /// <summary>Makes the variables what they were; the memory stays.</summary>
    internal void Restore()
    {
        for (int i = 0; i < (_data?.Length ?? 0); i++)
        {
            _variables[i].WriteDirectly(_data![i].Retain());
        }
    }

    /// <summary>Forgets the values.</summary>
    internal void Drop()
    {
        foreach (BackendTensor data in _data ?? [])
        {
            data.Release();
        }

        _data = null;
    }
}
