using DeepBridge.Backends;
using DeepBridge.Memory;
using DeepBridge.Modules;
using DeepBridge.Ops;

namespace DeepBridge.Autodiff;

/// <summary>
/// One recorded op of the tape, or a leaf. It holds data, never tensors, so that scopes may end; it is counted like
/// data, by tensors and by the nodes that follow, so that an abandoned history frees its data at once.
/// </summary>
internal sealed class Node
{
    private readonly Edge _first;
    private readonly Edge _second;
    private readonly Edge[]? _all;
    private readonly BackendTensor? _output;
    private readonly BackendTensor?[]? _outputs;
    private readonly TensorSpec[]? _outputSpecs;
    private int _count = 1;
    private int _state;

    private Node(Op? op, Ambient? now, int level, TensorSpec outputSpec, BackendTensor? output)
    {
        Op = op;
        Frame = now?.Frame;
        Level = level;
        OutputSpec = outputSpec;
        _output = output?.Retain();
    }

    private Node(Op op, Ambient now, Tensor a, Tensor? b, BackendTensor result, Saved saved)
        : this(op, now, Math.Max(a.Node?.Level ?? 0, b?.Node?.Level ?? 0) + 1, result.Spec, saved.HasOutput(0) ? result : null)
    {
        _first = new Edge(a, a.Data, saved.HasInput(0));
        InputCount = 1;
        if (b is not null)
        {
            _second = new Edge(b, b.Data, saved.HasInput(1));
            InputCount = 2;
        }
    }

    private Node(Op op, Ambient now, int level, Edge[] edges, TensorSpec[] outputSpecs, BackendTensor?[]? outputs)
        : this(op, now, level, outputSpecs[0], null)
    {
        _all = edges;
        InputCount = edges.Length;
        _outputs = outputs;
        _outputSpecs = outputSpecs;
    }

    /// <summary>The op; null for a leaf.</summary>
    internal Op? Op { get; }

    /// <summary>The variable that a leaf stands for, if it does.</summary>
    internal Variable? Variable { get; private init; }

    /// <summary>One more than the highest of its inputs, so that descending order is a legal order of the backward pass.</summary>
    internal int Level { get; }

    /// <summary>The module call in which the op ran.</summary>
    internal ModuleFrame? Frame { get; }

    /// <summary>The spec of the first output.</summary>
    internal TensorSpec OutputSpec { get; }

    internal int InputCount { get; }

    internal int OutputCount => _outputSpecs?.Length ?? 1;

    /// <summary>Whether a backward pass has taken the data.</summary>
    internal bool IsConsumed => Volatile.Read(ref _state) != 0;

    /// <summary>A leaf.</summary>
    /// <param name="spec">Its spec.</param>
    /// <param name="variable">The variable that it stands for, or null.</param>
    /// <returns>The leaf.</returns>
    internal static Node Leaf(TensorSpec spec, Variable? variable) => new(null, null, 0, spec, null) { Variable = variable };

    /// <summary>Records an op of one or two inputs and one output.</summary>
    internal static Node Record(Op op, Ambient now, Tensor a, Tensor? b, BackendTensor result)
    {
        ulong needs = (a.Node is null ? 0UL : 1) | (b?.Node is null ? 0UL : 2);
        return new Node(op, now, a, b, result, op.Saves(needs));
    }

    /// <summary>Records an op of any number of inputs and outputs.</summary>
    internal static Node Record(
        Op op, Ambient now, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<BackendTensor> data, ReadOnlySpan<BackendTensor> results)
    {
        ulong needs = 0;
        int level = 0;
        for (int i = 0; i < inputs.Length; i++)
        {
            if (inputs[i].Node is { } node)
            {
                needs |= 1UL << Math.Min(i, 63);
                level = Math.Max(level, node.Level);
            }
        }

        Saved saved = op.Saves(needs);
        Edge[] edges = new Edge[inputs.Length];
        for (int i = 0; i < edges.Length; i++)
        {
            edges[i] = new Edge(inputs[i], data[i], saved.HasInput(i));
        }

        BackendTensor?[]? outputs = null;
        for (int i = 0; i < results.Length; i++)
        {
            if (saved.HasOutput(i))
            {
                (outputs ??= new BackendTensor?[results.Length])[i] = results[i].Retain();
            }
        }

        return new Node(op, now, level + 1, edges, Decomposition.SpecsOf(results), outputs);
    }

    /// <summary>Records a region: its inputs, saved, and the leaves that it reads by itself.</summary>
    internal static Node Record(
        Op region, Ambient now, ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Node> leaves, ReadOnlySpan<BackendTensor> results)
    {
        int level = 0;
        Edge[] edges = new Edge[inputs.Length + leaves.Length];
        for (int i = 0; i < edges.Length; i++)
        {
            edges[i] = i < inputs.Length ? new Edge(inputs[i], inputs[i].Data, true) : new Edge(leaves[i - inputs.Length]);
            level = Math.Max(level, edges[i].Node?.Level ?? 0);
        }

        return new Node(region, now, level + 1, edges, Decomposition.SpecsOf(results), null);
    }

    /// <summary>Input <paramref name="index"/>.</summary>
    internal ref readonly Edge Input(int index)
    {
        if (_all is not null)
        {
            return ref _all[index];
        }

        if (index == 0)
        {
            return ref _first;
        }

        return ref _second;
    }

    internal TensorSpec OutputSpecOf(int index) => _outputSpecs is null ? OutputSpec : _outputSpecs[index];

    internal BackendTensor? SavedOutput(int index) => _outputs is null ? (index == 0 ? _output : null) : _outputs[index];

    internal Node Retain()
    {
        if (Op is not null)
        {
            Interlocked.Increment(ref _count);
        }

        return this;
    }

    /// <summary>Gives back a count; with the last one the data goes, and counts of the inputs, without recursion.</summary>
    internal void Release()
    {
        Stack<Node>? pending = null;
        Node? node = this;
        while (node is not null)
        {
            if (node.Op is not null && node.GiveBack())
            {
                node.Consume();
                for (int i = 0; i < node.InputCount; i++)
                {
                    if (node.Input(i).Node is { Op: not null } parent)
                    {
                        (pending ??= new()).Push(parent);
                    }
                }
            }

            node = pending is { Count: > 0 } ? pending.Pop() : null;
        }
    }

    /// <summary>Gives back a count; whoever holds the only one races with nobody.</summary>
    private bool GiveBack()
    {
        if (Volatile.Read(ref _count) == 1)
        {
            Volatile.Write(ref _count, 0);
            return true;
        }

        return Interlocked.Decrement(ref _count) == 0;
    }

    /// <summary>Gives up the saved data; the structure stays.</summary>
    internal void Consume()
    {
        if (Op is null || Interlocked.Exchange(ref _state, 1) != 0)
        {
            return;
        }

        for (int i = 0; i < InputCount; i++)
        {
            Input(i).Saved?.Release();
        }

        _output?.Release();
        foreach (BackendTensor? output in _outputs ?? [])
        {
            output?.Release();
        }

        if (_all is not null)
        {
            (Op as Region)?.Forget();
        }
    }
}

/// <summary>An input of a recorded op: where it came from and, if the rule reads it, its data.</summary>
internal readonly struct Edge
{
    internal Edge(Tensor tensor, BackendTensor data, bool save)
    {
        Node = tensor.Node?.Retain();
        Output = tensor.OutputIndex;
        Spec = data.Spec;
        Saved = save ? data.Retain() : null;
    }

    internal Edge(Node node)
    {
        Node = node;
        Spec = node.OutputSpec;
    }

    /// <summary>What computed the input; null where it is not tracked.</summary>
    internal Node? Node { get; }

    /// <summary>Which output of it.</summary>
    internal int Output { get; }

    internal TensorSpec Spec { get; }

    internal BackendTensor? Saved { get; }
}
