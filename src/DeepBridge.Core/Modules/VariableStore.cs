using DeepBridge.Autodiff;
using DeepBridge.Backends;

namespace DeepBridge.Modules;

/// <summary>Answers reads and assignments of variables instead of the variables: tracing and recomputation do.</summary>
internal abstract class VariableStore
{
    /// <summary>The value of a variable.</summary>
    /// <param name="variable">The variable.</param>
    /// <returns>Data with a count for the caller.</returns>
    internal abstract BackendTensor Read(Variable variable);

    /// <summary>Assigns a variable.</summary>
    /// <param name="variable">The variable.</param>
    /// <param name="data">The value; the store takes over the caller's count.</param>
    internal abstract void Write(Variable variable, BackendTensor data);
}

/// <summary>Lets a recomputed function do as it does, and notes what every variable was when it was first touched.</summary>
/// <param name="outer">The store around it, or null.</param>
internal sealed class RecomputeLog(VariableStore? outer) : VariableStore, IDisposable
{
    private readonly Dictionary<Variable, BackendTensor> _before = new(ReferenceEqualityComparer.Instance);

    /// <summary>The leaves of the trainable variables that were read.</summary>
    private Node[] Trainable => [.. _before.Keys.Where(variable => variable.IsTrainable).Select(variable => variable.Leaf)];

    /// <summary>How many leaves there were when the function had run.</summary>
    internal int TrainableCount { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (BackendTensor data in _before.Values)
        {
            data.Release();
        }

        _before.Clear();
    }

    /// <summary>Fixes the list of leaves; freezing a parameter later does not change it.</summary>
    /// <returns>The leaves.</returns>
    internal Node[] Close()
    {
        Node[] leaves = Trainable;
        TrainableCount = leaves.Length;
        return leaves;
    }

    /// <summary>A store in which every variable is what it was, and assignments stay inside.</summary>
    /// <returns>The store.</returns>
    internal ReplayStore Replay() => new ReplayStore(_before, outer);

    /// <inheritdoc/>
    internal override BackendTensor Read(Variable variable)
    {
        BackendTensor data = outer?.Read(variable) ?? variable.ReadDirectly();
        if (_before.TryAdd(variable, data))
        {
            data.Retain();
        }

        return data;
    }

    /// <inheritdoc/>
    internal override void Write(Variable variable, BackendTensor data)
    {
        if (!_before.ContainsKey(variable))
        {
            Read(variable).Release();
        }

        if (outer is null)
        {
            variable.WriteDirectly(data);
        }
        else
        {
            outer.Write(variable, data);
        }
    }

    /// <summary>What a second run reads and assigns; its assignments go when it is disposed.</summary>
    internal sealed class ReplayStore(Dictionary<Variable, BackendTensor> before, VariableStore? outer) : VariableStore, IDisposable
    {
        private readonly Dictionary<Variable, BackendTensor> _written = new(ReferenceEqualityComparer.Instance);

        public void Dispose()
        {
            foreach (BackendTensor data in _written.Values)
            {
                data.Release();
            }

            _written.Clear();
        }

        internal override BackendTensor Read(Variable variable) =>
            _written.TryGetValue(variable, out BackendTensor? data) || before.TryGetValue(variable, out data)
                ? data.Retain()
                : outer?.Read(variable) ?? variable.ReadDirectly();

        internal override void Write(Variable variable, BackendTensor data)
        {
            if (_written.Remove(variable, out BackendTensor? old))
            {
                old.Release();
            }

            _written[variable] = data;
        }
    }
}
