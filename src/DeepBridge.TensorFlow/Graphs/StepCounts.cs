using DeepBridge.Graphs;
using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Graphs;

/// <summary>Steps of Adam whose corrected learning rates and ε are vectors among a function's last arguments.</summary>
/// <param name="Adam">Their numbers.</param>
/// <param name="Rate">The learning rate.</param>
/// <param name="DType">The parameters' dtype.</param>
/// <param name="Nodes">The steps.</param>
/// <param name="Counts">The states that count them.</param>
internal sealed record Correction(AdamStep Adam, GraphValue Rate, DType DType, GraphNode[] Nodes, int[] Counts)
{
    /// <summary>
    /// What the learning rate is to be multiplied with, and ε, so that TensorFlow's update puts ε outside the root as PyTorch does: with
    /// c = √(1 − β₂ᵗ), rate·c/(1 − β₁ᵗ) · m/(√v + ε·c) is rate/(1 − β₁ᵗ) · m/(√v/c + ε).
    /// </summary>
    /// <param name="adam">The numbers.</param>
    /// <param name="step">How many steps were made, this one among them.</param>
    /// <returns>Both.</returns>
    internal static (double Factor, double Epsilon) At(AdamStep adam, long step)
    {
        double root = Math.Sqrt(1 - Math.Pow(adam.Beta2, step));
        return (root / (1 - Math.Pow(adam.Beta1, step)), adam.Epsilon * root);
    }
}

/// <summary>
/// Counts of steps, which the host keeps: states that a graph only adds a number to. As variables, each would cost a function an
/// argument, a read and an update; only what other nodes read of them becomes an argument.
/// </summary>
internal sealed class StepCounts
{
    private readonly Dictionary<GraphValue, (GraphValue Before, long By)> _after = [];
    private readonly long?[] _by;
    private readonly bool[] _isRead;

    /// <summary>Finds the counts of a graph.</summary>
    /// <param name="graph">The lowered graph.</param>
    internal StepCounts(Graph graph)
    {
        Dictionary<GraphValue, GraphNode> made = [];
        foreach (GraphNode node in graph.Nodes)
        {
            foreach (GraphValue output in node.Outputs)
            {
                made[output] = node;
            }
        }

        _by = [.. graph.States.Select(state => By(state, made))];
        _isRead = new bool[_by.Length];
        HashSet<GraphValue> read = [.. graph.Outputs, .. graph.States.Where((_, i) => _by[i] is null).Select(state => state.After).OfType<GraphValue>()];
        foreach (GraphNode node in graph.Nodes.Where(node => FunctionBuilder.IsStep(node) || !_after.ContainsKey(node.Outputs[0])))
        {
            read.UnionWith(node.Inputs.Where((input, i) => !FunctionBuilder.IsStep(node) || i != node.Outputs.Count - 1));
        }

        for (int i = 0; i < _by.Length; i++)
        {
            _isRead[i] = _by[i] is not null && (read.Contains(graph.States[i].Before!) || read.Contains(graph.States[i].After!));
        }

        Dictionary<GraphValue, int> places = graph.States.Index().Where(state => state.Item.Before is not null).ToDictionary(state => state.Item.Before!, state => state.Index);
        Corrections = [.. graph.Nodes.Where(node => node.Op is AdamStep).GroupBy(node => (node.Op, node.Inputs[^1], node.Inputs[0].Spec.DType)).Select(
            group => new Correction((AdamStep)group.Key.Op, group.Key.Item2, group.Key.DType, [.. group], [.. group.Select(node => places[node.Inputs[3]])]))];
    }

    /// <summary>What functions are given besides.</summary>
    internal IReadOnlyList<Correction> Corrections { get; }

    /// <summary>What a run adds to a state.</summary>
    /// <param name="state">The state's number.</param>
    /// <returns>The number; null: it is no count.</returns>
    internal long? By(int state) => _by[state];

    /// <summary>Whether other nodes read a count.</summary>
    /// <param name="state">The state's number.</param>
    /// <returns>False: it is no argument.</returns>
    internal bool IsRead(int state) => _isRead[state];

    /// <summary>A count after the run, from that before.</summary>
    /// <param name="after">The value.</param>
    /// <param name="before">The count that it is made of.</param>
    /// <param name="by">What is added.</param>
    /// <returns>False: it is no count.</returns>
    internal bool IsAfter(GraphValue after, out GraphValue before, out long by)
    {
        bool found = _after.TryGetValue(after, out (GraphValue Before, long By) count);
        (before, by) = count;
        return found;
    }

    private long? By(GraphState state, Dictionary<GraphValue, GraphNode> made)
    {
        if (state is not { Before: { Spec: { DType: DType.Int64, Rank: 0 } } before, After: { } after } || !made.TryGetValue(after, out GraphNode? node))
        {
            return null;
        }

        int steps = node.Outputs.Count - 1;
        long? by = FunctionBuilder.IsStep(node) && steps > 0 && node.Outputs[steps] == after && node.Inputs[steps] == before ? 1
            : node.Op is Add && node.Inputs.Contains(before) && made.TryGetValue(node.Inputs[node.Inputs[0] == before ? 1 : 0], out GraphNode? added) && added.Op is Fill fill
                ? fill.Value.ToInt64()
                : null;
        if (by is { } number)
        {
            _after[after] = (before, number);
        }

        return by;
    }
}
