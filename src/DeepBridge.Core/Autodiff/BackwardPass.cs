using System.Runtime.InteropServices;
using DeepBridge.Backends;
using DeepBridge.Memory;
using DeepBridge.Ops;

namespace DeepBridge.Autodiff;

/// <summary>
/// One walk from outputs to targets. Nodes are taken in descending level, which is a legal order even when a rule adds
/// nodes on the way; each gives up its data, and its gradient, as soon as it is done.
/// </summary>
internal sealed class BackwardPass
{
    private readonly Dictionary<Node, Visit> _visits = new(ReferenceEqualityComparer.Instance);
    private readonly PriorityQueue<Node, int> _queue = new();
    private readonly bool _keep;
    private readonly bool _differentiable;
    private TensorScope _scope = null!;

    internal BackwardPass(IEnumerable<(Node Node, int Output)> targets, bool keep, bool differentiable)
    {
        foreach ((Node node, int output) in targets)
        {
            (Of(node).Wanted ??= new bool[node.OutputCount])[output] = true;
        }

        _keep = keep;
        _differentiable = differentiable;
    }

    /// <summary>The trainable variables that the history holds.</summary>
    internal HashSet<Variable> Reached { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>Walks from one output.</summary>
    /// <param name="output">The output.</param>
    /// <param name="seed">Its gradient.</param>
    internal void Run(Tensor output, Tensor seed)
    {
        Ambient before = Ambient.Now;
        Mark(output.Node!);
        _scope = TensorScope.Detached("backward pass");
        try
        {
            using AmbientChange change = Ambient.Enter(
                before with { Scope = _scope, Recording = _differentiable && before.Recording, Precision = Precision.Float32 });
            Accumulate(output.Node, output.OutputIndex, seed);
            while (_queue.TryDequeue(out Node? node, out _))
            {
                Take(node);
            }
        }
        catch
        {
            foreach (Tensor result in Results())
            {
                result.Dispose();
            }

            throw;
        }
        finally
        {
            foreach ((Node node, Visit visit) in _visits)
            {
                if (visit.Gradients is { } abandoned)
                {
                    foreach (Tensor? gradient in abandoned)
                    {
                        gradient?.Dispose();
                    }

                    node.Release();
                }
            }

            _scope.End();
        }

        foreach (Tensor result in Results())
        {
            before.Scope?.Own(result);
        }
    }

    /// <summary>The gradient of a target, which the caller's scope owns.</summary>
    /// <param name="node">The target's node.</param>
    /// <param name="output">Which of its outputs.</param>
    /// <returns>The gradient; null: the target was not reached.</returns>
    internal Tensor? Result(Node node, int output) => _visits[node].Results?[output];

    internal bool IsUseful(Node? node) => node is not null && Mark(node);

    internal Tensor Zeros(TensorSpec spec) => Eager.Constant(0, spec.DType, Device.Default).Expand(spec.Shape);

    /// <summary>A tensor over saved data, with its history.</summary>
    internal Tensor Revive(Node node, BackendTensor? data, Node? source, int output, string kind, int index)
    {
        if (data is null)
        {
            throw new InvalidOperationException($"The gradient rule of {node.Op!.Name} reads its {kind} {index}, which Saves does not list.");
        }

        if (node.IsConsumed)
        {
            throw Consumed(node);
        }

        return _scope.Own(new Tensor(data.Retain(), source?.Retain(), output));
    }

    /// <summary>Adds a gradient to what has come for an output of a node.</summary>
    internal void Accumulate(Node? node, int output, Tensor gradient)
    {
        if (!IsUseful(node))
        {
            return;
        }

        Visit visit = _visits[node!];
        if (visit.Gradients is not { } slots)
        {
            // A replayed node lives on by nobody but this pass.
            visit.Gradients = slots = new Tensor?[node!.Retain().OutputCount];
            _queue.Enqueue(node, -node.Level);
        }

        Tensor? sum = slots[output];
        slots[output] = null;
        Tensor next = sum is null ? Hold(gradient) : Hold(Sum(sum, gradient));
        sum?.Dispose();
        slots[output] = next;
    }

    /// <summary>Computes outputs again, recording, and goes on from their nodes.</summary>
    internal void Splice(Func<Tensor[]> function, Tensor?[] incoming)
    {
        Tensor[] outputs;
        using (Ambient.Enter(Ambient.Now with { Recording = true }))
        {
            outputs = function();
        }

        for (int i = 0; i < outputs.Length; i++)
        {
            if (incoming[i] is { } gradient && outputs[i].Node is { } node)
            {
                Mark(node);
                Accumulate(node, outputs[i].OutputIndex, gradient);
            }
        }
    }

    private static GradientException Consumed(Node node) => new(
        $"The history of {node.Op!.Name} has been consumed by an earlier backward pass. Pass keep: true to the first one.");

    /// <summary>A gradient that outlives the rule that made it: it belongs to this pass, not to the scope.</summary>
    private Tensor Hold(Tensor gradient)
    {
        if (_scope.TryRemove(gradient))
        {
            return gradient;
        }

        // The rule handed on a tensor of somebody else (the incoming gradient, the seed): share its data.
        return new Tensor(gradient.Data.Retain(), _differentiable ? gradient.Node?.Retain() : null, gradient.OutputIndex);
    }

    private Tensor Sum(Tensor sum, Tensor gradient)
    {
        bool mine = !_differentiable && !sum.Data.IsShared && !ReferenceEquals(sum.Data, gradient.Data);
        return Eager.Run(Add.Instance, [sum, gradient], null, mine ? 1UL : 0);
    }

    private void Take(Node node)
    {
        Visit visit = _visits[node];
        Tensor?[] incoming = visit.Gradients!;
        visit.Gradients = null;
        for (int i = 0; visit.Wanted is { } wanted && i < incoming.Length; i++)
        {
            if (wanted[i] && incoming[i] is { } gradient)
            {
                (visit.Results ??= new Tensor?[incoming.Length])[i] = new Tensor(gradient.Data.Retain(), gradient.Node?.Retain(), gradient.OutputIndex);
            }
        }

        try
        {
            if (node.Op is not null && LeadsOn(node))
            {
                if (node.IsConsumed)
                {
                    throw Consumed(node);
                }

                Differentiate(node, incoming);
            }
        }
        finally
        {
            foreach (Tensor? gradient in incoming)
            {
                gradient?.Dispose();
            }

            _scope.Clear();
            if (!_keep)
            {
                node.Consume();
            }

            node.Release();
        }
    }

    /// <summary>Calls the node's rule; whoever wraps execution is told whose module's gradient it is.</summary>
    private void Differentiate(Node node, Tensor?[] incoming)
    {
        Ambient now = Ambient.Now;
        using AmbientChange change = now.Wrapper is null || ReferenceEquals(now.Frame, node.Frame) ? default : Ambient.Enter(now with { Frame = node.Frame });
        node.Op!.Gradient(new Backward(this, node, incoming));
    }

    private bool LeadsOn(Node node)
    {
        for (int i = 0; i < node.InputCount; i++)
        {
            if (IsUseful(node.Input(i).Node))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Finds out which nodes lead to a target, without recursion.</summary>
    private bool Mark(Node root)
    {
        Visit first = Of(root);
        if (first.IsMarked)
        {
            return first.IsUseful;
        }

        Stack<(Node Node, int Next)> path = new();
        path.Push((root, 0));
        first.IsMarked = true;
        while (path.TryPop(out (Node Node, int Next) top))
        {
            (Node node, int next) = top;
            if (node.Variable is { } variable)
            {
                Reached.Add(variable);
            }

            Visit visit = Of(node);
            bool useful = visit.Wanted is not null;
            bool descended = false;
            for (int i = 0; i < node.InputCount; i++)
            {
                if (node.Input(i).Node is not { } parent)
                {
                    continue;
                }

                Visit above = Of(parent);
                if (!above.IsMarked)
                {
                    path.Push((node, i));
                    path.Push((parent, 0));
                    above.IsMarked = true;
                    descended = true;
                    break;
                }

                useful |= above.IsUseful;
            }

            if (!descended)
            {
                visit.IsUseful = useful;
            }
        }

        return first.IsUseful;
    }

    private Visit Of(Node node)
    {
        ref Visit? visit = ref CollectionsMarshal.GetValueRefOrAddDefault(_visits, node, out _);
        return visit ??= new Visit();
    }

    private IEnumerable<Tensor> Results() => _visits.Values.SelectMany(visit => visit.Results ?? []).OfType<Tensor>();

    /// <summary>What the pass knows of a node.</summary>
    private sealed class Visit
    {
        /// <summary>Whether it is known if the node leads to a target.</summary>
        internal bool IsMarked { get; set; }

        /// <summary>Whether it does.</summary>
        internal bool IsUseful { get; set; }

        /// <summary>Which outputs are targets; null: none.</summary>
        internal bool[]? Wanted { get; set; }

        /// <summary>What has come for the outputs; null: nothing, or it was taken.</summary>
        internal Tensor?[]? Gradients { get; set; }

        /// <summary>The gradients of targets.</summary>
        internal Tensor?[]? Results { get; set; }
    }
}
