using DeepBridge.Backends;
using DeepBridge.Memory;

namespace DeepBridge.Graphs;

/// <summary>
/// Runs a graph op by op on any backend. Each value goes after its last use, and is donated to the op that uses it last.
/// </summary>
internal sealed class Interpreter : CompiledGraph
{
    private readonly Graph _graph;
    private readonly Device _device;
    private readonly int _slots;
    private readonly Step[] _steps;
    private readonly int[] _borrowed;

    /// <summary>Plans the lives of a graph's values.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="device">The device.</param>
    internal Interpreter(Graph graph, Device device)
    {
        _graph = graph;
        _device = device;
        HashSet<GraphValue> kept = [.. graph.Outputs, .. graph.States.Where(state => state.After is not null).Select(state => state.After!)];
        HashSet<GraphValue> seen = [.. kept];
        HashSet<GraphValue> states = [.. graph.States.Where(state => state.Before is not null).Select(state => state.Before!)];
        _borrowed = [.. states.Select(value => value.Id)];
        _steps = new Step[graph.Nodes.Count];
        for (int i = _steps.Length - 1; i >= 0; i--)
        {
            GraphNode node = graph.Nodes[i];
            List<int> dead = [.. node.Outputs.Where(value => !seen.Contains(value)).Select(value => value.Id)];
            ulong last = 0;
            for (int input = node.Inputs.Count - 1; input >= 0; input--)
            {
                if (seen.Add(node.Inputs[input]))
                {
                    // A state's data is its variable's, which may still lend it to the op that uses it last.
                    if (!states.Contains(node.Inputs[input]))
                    {
                        dead.Add(node.Inputs[input].Id);
                    }

                    bool once = node.Inputs.Count(value => value == node.Inputs[input]) == 1;
                    last |= once && input < 64 ? 1UL << input : 0;
                }
            }

            _steps[i] = new Step(node, [.. node.Inputs.Select(value => value.Id)], [.. node.Outputs.Select(value => value.Spec)], [.. dead], last);
            _slots = Math.Max(_slots, node.Outputs.Max(value => value.Id) + 1);
        }

        IEnumerable<GraphValue> others = [.. graph.Inputs, .. graph.Constants.Keys, .. states];
        _slots = Math.Max(_slots, others.Select(value => value.Id + 1).DefaultIfEmpty(0).Max());
    }

    /// <inheritdoc/>
    public override void Run(in GraphCall call)
    {
        BackendTensor?[] values = new BackendTensor?[_slots];
        try
        {
            Load(call, values);
            Executor executor = Ambient.Now.Wrapper ?? _device.Executor;
            foreach (Step step in _steps)
            {
                Execute(executor, step, values);
            }

            for (int i = 0; i < call.NewStates.Length; i++)
            {
                if (_graph.States[i].After is { } after)
                {
                    call.NewStates[i] = values[after.Id]!.Retain();
                }
            }

            for (int i = 0; i < call.Outputs.Length; i++)
            {
                call.Outputs[i] = values[_graph.Outputs[i].Id]!.Retain();
            }
        }
        finally
        {
            foreach (int borrowed in _borrowed)
            {
                values[borrowed] = null;
            }

            foreach (BackendTensor? value in values)
            {
                value?.Release();
            }
        }
    }

    private void Load(in GraphCall call, BackendTensor?[] values)
    {
        for (int i = 0; i < call.Inputs.Length; i++)
        {
            values[_graph.Inputs[i].Id] = call.Inputs[i].Retain();
        }

        foreach ((GraphValue value, BackendTensor data) in _graph.Constants)
        {
            values[value.Id] = data.Retain();
        }

        for (int i = 0; i < call.States.Length; i++)
        {
            if (_graph.States[i].Before is { } before)
            {
                values[before.Id] = call.States[i];
            }
        }
    }

    private void Execute(Executor executor, Step step, BackendTensor?[] values)
    {
        BackendTensor[] data = new BackendTensor[step.Inputs.Length];
        ulong donated = 0;
        for (int i = 0; i < data.Length; i++)
        {
            data[i] = values[step.Inputs[i]]!;
            donated |= i < 64 && ((step.Last >> i) & 1) != 0 && !data[i].IsShared ? 1UL << i : 0;
        }

        BackendTensor[] outputs = new BackendTensor[step.Outputs.Length];
        executor.Execute(step.Node.Op, new KernelCall(_device, data, step.Outputs, outputs, donated));
        for (int i = 0; i < outputs.Length; i++)
        {
            values[step.Node.Outputs[i].Id] = outputs[i];
        }

        foreach (int dead in step.Dead)
        {
            values[dead]!.Release();
            values[dead] = null;
        }
    }

    private sealed record Step(GraphNode Node, int[] Inputs, TensorSpec[] Outputs, int[] Dead, ulong Last);
}
