using DeepBridge.Backends;
using DeepBridge.Ops;

namespace DeepBridge.Graphs;

/// <summary>Rewrites of graphs that keep what they compute, bit by bit.</summary>
internal static class GraphPasses
{
    /// <summary>Computes common subexpressions once, and drops what nobody reads.</summary>
    internal static Graph Simplify(Graph graph) => DropDead(MergeEqual(graph));

    /// <summary>Two ops that are equal, attributes included, with the same inputs become one.</summary>
    private static Graph MergeEqual(Graph graph)
    {
        Dictionary<GraphValue, GraphValue> replaced = [];
        Dictionary<Key, GraphNode> seen = [];
        List<GraphNode> nodes = [];
        foreach (GraphNode node in graph.Nodes)
        {
            GraphValue[] inputs = [.. node.Inputs.Select(Now)];
            GraphNode next = node with { Inputs = inputs };
            if (seen.TryGetValue(new Key(node.Op, inputs), out GraphNode? earlier))
            {
                for (int i = 0; i < node.Outputs.Count; i++)
                {
                    replaced[node.Outputs[i]] = earlier.Outputs[i];
                }
            }
            else
            {
                seen[new Key(node.Op, inputs)] = next;
                nodes.Add(next);
            }
        }

        GraphState[] states = [.. graph.States.Select(state => state with { After = state.After is null ? null : Now(state.After) })];
        return new Graph(graph.Inputs, [.. graph.Outputs.Select(Now)], nodes, graph.Constants, states, graph.Device);

        GraphValue Now(GraphValue value) => replaced.GetValueOrDefault(value, value);
    }

    /// <summary>Drops ops, constants and reads of variables that no result and no assignment needs.</summary>
    private static Graph DropDead(Graph graph)
    {
        HashSet<GraphValue> needed = [.. graph.Outputs];
        foreach (GraphState state in graph.States)
        {
            // An assignment of the value that was read changes nothing.
            if (state.After is not null && state.After != state.Before)
            {
                needed.Add(state.After);
            }
        }

        List<GraphNode> nodes = [];
        foreach (GraphNode node in graph.Nodes.Reverse())
        {
            if (node.Outputs.Any(needed.Contains))
            {
                nodes.Add(node);
                needed.UnionWith(node.Inputs);
            }
        }

        nodes.Reverse();
        Dictionary<GraphValue, BackendTensor> constants = [];
        foreach ((GraphValue value, BackendTensor data) in graph.Constants)
        {
            if (needed.Contains(value))
            {
                constants[value] = data;
            }
            else
            {
                data.Release();
            }
        }

        List<GraphState> states = [];
        foreach (GraphState state in graph.States)
        {
            GraphValue? after = state.After == state.Before ? null : state.After;
            GraphValue? before = state.Before is not null && needed.Contains(state.Before) ? state.Before : null;
            if (before is not null || after is not null)
            {
                states.Add(new GraphState(state.Variable, before, after));
            }
        }

        return new Graph(graph.Inputs, graph.Outputs, nodes, constants, states, graph.Device);
    }

    private readonly struct Key(Op op, GraphValue[] inputs) : IEquatable<Key>
    {
        private readonly Op _op = op;
        private readonly GraphValue[] _inputs = inputs;

        public bool Equals(Key other) => _op.Equals(other._op) && _inputs.AsSpan().SequenceEqual(other._inputs);

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode()
        {
            HashCode hash = default;
            hash.Add(_op);
            foreach (GraphValue input in _inputs)
            {
                hash.Add(input.Id);
            }

            return hash.ToHashCode();
        }
    }
}
