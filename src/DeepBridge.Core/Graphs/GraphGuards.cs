using DeepBridge.Backends;
using DeepBridge.Memory;
using DeepBridge.Ops;

namespace DeepBridge.Graphs;

/// <summary>A value of a guarded graph that must stay in bounds.</summary>
/// <param name="Op">The op that reads it.</param>
/// <param name="Bound">Which input, and its bounds.</param>
/// <param name="ModulePath">The module that ran the op, or null.</param>
public sealed record GraphGuard(Op Op, ValueBound Bound, string? ModulePath)
{
    /// <summary>The index of the argument that it judges before a run (<see cref="CheckArguments"/>); null: the graph has nodes for it.</summary>
    public int? Argument { get; init; }

    /// <summary>Throws for the first guard of an argument that holds a value out of bounds.</summary>
    /// <param name="guards">The guards of a graph.</param>
    /// <param name="arguments">The graph's arguments.</param>
    /// <returns>Whether one of them holds a value that is exempt from its bounds (an ignored label).</returns>
    /// <exception cref="ValueOutOfBoundsException">A value is out of bounds.</exception>
    public static bool CheckArguments(IReadOnlyList<GraphGuard> guards, ReadOnlySpan<BackendTensor> arguments)
    {
        ArgumentNullException.ThrowIfNull(guards);
        bool exempt = false;
        foreach (GraphGuard guard in guards)
        {
            exempt |= guard.Argument is { } index && ValueBounds.Check(guard.Op, guard.Bound, arguments[index], guard.ModulePath);
        }

        return exempt;
    }

    /// <summary>Throws for the first guard that saw a value out of bounds.</summary>
    /// <param name="guards">The guards of a graph.</param>
    /// <param name="seen">Its last result: for each guard that judges no argument the least and the greatest value; of a divisor, 0 where it held one.</param>
    /// <exception cref="ValueOutOfBoundsException">A value was out of bounds.</exception>
    public static void Check(IReadOnlyList<GraphGuard> guards, ReadOnlySpan<long> seen)
    {
        ArgumentNullException.ThrowIfNull(guards);
        int next = 0;
        foreach (GraphGuard guard in guards.Where(guard => guard.Argument is null))
        {
            guard.Judge(seen[next], seen[next + 1]);
            next += 2;
        }
    }

    /// <summary>The error of a value that is out of bounds.</summary>
    /// <param name="value">The value.</param>
    /// <returns>The error.</returns>
    internal ValueOutOfBoundsException Error(long value) => ValueBounds.Error(Op, Bound, value, ModulePath);

    /// <summary>Throws where no value is legal, since the axis is empty.</summary>
    internal void RequireAny()
    {
        if (!Bound.NotZero && Bound.Maximum < Bound.Minimum)
        {
            throw Error(0);
        }
    }

    private void Judge(long least, long most)
    {
        bool below = Bound.NotZero ? least == 0 : least < Bound.Minimum;
        if (below || (!Bound.NotZero && most > Bound.Maximum))
        {
            throw Error(below ? least : most);
        }
    }
}

/// <summary>Puts guards before the ops that read bounded values.</summary>
internal static class GraphGuards
{
    /// <summary>See <see cref="Graph.Guard"/>.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="arguments">Whether arguments are left as they are, since the caller judges them.</param>
    /// <param name="guards">What was guarded.</param>
    /// <returns>The guarded graph.</returns>
    internal static Graph Insert(Graph graph, bool arguments, out IReadOnlyList<GraphGuard> guards)
    {
        List<GraphGuard> found = [];
        List<Tensor> seen = [];
        Dictionary<(GraphValue, ValueBound), Tensor> harmless = [];

        // Positions that a pooling of this graph found are in bounds.
        HashSet<GraphValue> trusted = [.. graph.Nodes.Where(node => node.Op is MaxPool).Select(node => node.Outputs[1])];
        Dictionary<GraphValue, int> indices = graph.Inputs.Index().ToDictionary(pair => pair.Item, pair => pair.Index);
        TensorSpec[] specs = [.. graph.Inputs.Select(input => input.Spec)];
        using AmbientChange change = Ambient.Enter(Ambient.Now with { Recording = false, Precision = Precision.Float32 });
        Graph guarded = Graph.Trace(
            inputs =>
            {
                Tensor[] results = GraphLowering.Replay(graph, Guarded, inputs);
                return seen.Count == 0 ? results : [.. results, Tensor.Concat([.. seen])];
            },
            specs,
            graph.Device);
        guards = found;
        return guarded;

        Tensor[] Guarded(GraphNode node, Tensor[] inputs)
        {
            if (node.Op is IBoundedOp bounded)
            {
                foreach (ValueBound bound in bounded.Bounds([.. inputs.Select(input => input.Spec)]))
                {
                    GraphValue value = node.Inputs[bound.Input];
                    Tensor input = inputs[bound.Input];
                    if (input.Count == 0 || trusted.Contains(value))
                    {
                        continue;
                    }

                    if (!harmless.TryGetValue((value, bound with { Input = 0 }), out Tensor? safe))
                    {
                        int argument = arguments ? indices.GetValueOrDefault(value, -1) : -1;
                        GraphGuard guard = new(node.Op, bound, node.ModulePath) { Argument = argument < 0 ? null : argument };
                        guard.RequireAny();
                        safe = argument < 0 ? Clamp(guard, input, seen) : input;
                        harmless[(value, bound with { Input = 0 })] = safe;
                        found.Add(guard);
                    }

                    inputs[bound.Input] = safe;
                }
            }

            return node.Op.ApplyAll(inputs);
        }
    }

    /// <summary>Values within their bounds.</summary>
    /// <param name="guard">The bounds.</param>
    /// <param name="value">The values.</param>
    /// <param name="seen">Gets the least and the greatest of them, as <see cref="GraphGuard.Check"/> takes them.</param>
    /// <returns>The values; where one was out of bounds, the nearest that is not.</returns>
    internal static Tensor Clamp(GraphGuard guard, Tensor value, List<Tensor> seen)
    {
        ValueBound bound = guard.Bound;
        void Report(Tensor number) => seen.Add(number.Cast(DType.Int64).Reshape(1));
        if (bound.NotZero)
        {
            Tensor zero = value == 0, some = !zero.Any();
            Report(some);
            Report(some);
            return Tensor.Where(zero, value.OnesLike(), value);
        }

        long most = value.DType == DType.Int32 ? Math.Min(bound.Maximum, int.MaxValue) : bound.Maximum;
        Tensor? exempt = bound.Exempt is { } label && (label < bound.Minimum || label > most) ? value == label : null;
        Tensor judged = exempt is null ? value : Tensor.Where(exempt, value.ZerosLike() + bound.Minimum, value);
        Report(judged.Min());
        Report(judged.Max());
        Tensor clamped = judged.Minimum(most).Maximum(bound.Minimum);
        return exempt is null ? clamped : Tensor.Where(exempt, value, clamped);
    }
}
