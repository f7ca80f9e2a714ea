using DeepBridge.Backends;
using DeepBridge.Memory;
using DeepBridge.Ops;

namespace DeepBridge.Graphs;

/// <summary>Which ops a graph may keep.</summary>
/// <param name="op">The op.</param>
/// <param name="inputs">The specs of its inputs.</param>
/// <returns>False: its decomposition takes its place.</returns>
public delegate bool Keeps(Op op, ReadOnlySpan<TensorSpec> inputs);

/// <summary>Replaces ops by their decompositions, by tracing the graph again.</summary>
internal static class GraphLowering
{
    /// <summary>The same graph of other ops.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="keeps">Which ops stay.</param>
    /// <returns>A new graph, without dead and repeated ops.</returns>
    internal static Graph Lower(Graph graph, Keeps keeps)
    {
        TensorSpec[] specs = [.. graph.Inputs.Select(input => input.Spec)];
        using AmbientChange change = Ambient.Enter(Ambient.Now with { Recording = false, Precision = Precision.Float32 });
        return Graph.Trace(arguments => Replay(graph, keeps, arguments), specs, graph.Device);
    }

    private static Tensor[] Replay(Graph graph, Keeps keeps, Tensor[] arguments)
    {
        Dictionary<GraphValue, Tensor> values = [];
        for (int i = 0; i < arguments.Length; i++)
        {
            values[graph.Inputs[i]] = arguments[i];
        }

        foreach ((GraphValue value, BackendTensor data) in graph.Constants)
        {
            values[value] = Tensor.Adopt(new Tensor(data.Retain()));
        }

        foreach (GraphState state in graph.States)
        {
            // Touched in the old order, also by those that are only assigned, so that the states keep it.
            Tensor before = state.Variable.Value;
            if (state.Before is not null)
            {
                values[state.Before] = before;
            }
        }

        foreach (GraphNode node in graph.Nodes)
        {
            Tensor[] outputs = Expand(node.Op, keeps, [.. node.Inputs.Select(input => values[input])]);
            for (int i = 0; i < outputs.Length; i++)
            {
                values[node.Outputs[i]] = outputs[i];
            }
        }

        foreach (GraphState state in graph.States)
        {
            if (state.After is not null)
            {
                state.Variable.Assign(values[state.After].Detach());
            }
        }

        return [.. graph.Outputs.Select(output => values[output])];
    }

    private static Tensor[] Expand(Op op, Keeps keeps, Tensor[] inputs)
    {
        TensorSpec[] specs = [.. inputs.Select(input => input.Spec)];
        if (keeps(op, specs))
        {
            return op.ApplyAll(inputs);
        }

        using Graph parts = Graph.Trace(
            arguments => op.Decompose(arguments) ?? throw new UnsupportedOpException(
                $"The graph needs {op.Name} on {string.Join(", ", specs.AsEnumerable())}, which its device has no kernel for, and it is a primitive."),
            specs,
            Device.Default);
        return Replay(parts, keeps, inputs);
    }
}
