using System.Text;
using DeepBridge.Backends;
using DeepBridge.Memory;
using DeepBridge.Ops;

namespace DeepBridge.Graphs;

/// <summary>A value of a graph.</summary>
/// <param name="Id">Its number, unique in the graph.</param>
/// <param name="Spec">Shape and dtype.</param>
public sealed record GraphValue(int Id, TensorSpec Spec)
{
    /// <summary>As the text form names it: <c>%3</c>.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => $"%{Id}";
}

/// <summary>One op of a graph.</summary>
/// <param name="Op">The op.</param>
/// <param name="Inputs">Its inputs.</param>
/// <param name="Outputs">Its outputs.</param>
/// <param name="ModulePath">The module that ran it, or null.</param>
public sealed record GraphNode(Op Op, IReadOnlyList<GraphValue> Inputs, IReadOnlyList<GraphValue> Outputs, string? ModulePath);

/// <summary>A variable that a graph reads, assigns, or both.</summary>
/// <param name="Variable">The variable.</param>
/// <param name="Before">Its value when the graph starts; null: it is only assigned.</param>
/// <param name="After">Its value when the graph is done; null: it is only read.</param>
public sealed record GraphState(Variable Variable, GraphValue? Before, GraphValue? After);

/// <summary>
/// A recorded function: ops in a legal order, constants, and variables as state that is threaded through. Pure but for
/// that state, so any backend may run it, reorder it, or make one native function of it.
/// </summary>
public sealed class Graph : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Variable[] _assigned;
    private CompiledGraph? _compiled;
    private Interpreter? _interpreter;
    private bool _disposed;

    internal Graph(
        IReadOnlyList<GraphValue> inputs,
        IReadOnlyList<GraphValue> outputs,
        IReadOnlyList<GraphNode> nodes,
        IReadOnlyDictionary<GraphValue, BackendTensor> constants,
        IReadOnlyList<GraphState> states,
        Device device)
    {
        Inputs = inputs;
        Outputs = outputs;
        Nodes = nodes;
        Constants = constants;
        States = states;
        Device = device;

        // One order for all graphs, or two that share variables could wait for each other.
        _assigned = [.. states.Where(state => state.After is not null).Select(state => state.Variable).OrderBy(variable => variable.Order)];
    }

    /// <summary>The arguments.</summary>
    public IReadOnlyList<GraphValue> Inputs { get; }

    /// <summary>The results.</summary>
    public IReadOnlyList<GraphValue> Outputs { get; }

    /// <summary>The ops, each after those that it reads.</summary>
    public IReadOnlyList<GraphNode> Nodes { get; }

    /// <summary>The captured tensors.</summary>
    public IReadOnlyDictionary<GraphValue, BackendTensor> Constants { get; }

    /// <summary>The variables, in the order in which they were first touched.</summary>
    public IReadOnlyList<GraphState> States { get; }

    /// <summary>The device that the graph was recorded for.</summary>
    public Device Device { get; }

    /// <summary>
    /// Records a function without computing it. Variables become state; captured tensors become constants.
    /// </summary>
    /// <param name="function">The function; it must not read values.</param>
    /// <param name="specs">The specs of its arguments.</param>
    /// <param name="device">Where it will run; null: the default device.</param>
    /// <returns>The graph, without dead and repeated ops.</returns>
    /// <exception cref="TracingException">
    /// The function reads a value, captures a tensor that an enclosing scope owns, or makes a variable.
    /// </exception>
    public static Graph Trace(Func<Tensor[], Tensor[]> function, ReadOnlySpan<TensorSpec> specs, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        return GraphPasses.Simplify(Tracer.Trace(function, specs, (device ?? Device.Default).Real));
    }

    /// <summary>Runs the graph: reads and assigns the variables, and computes the results.</summary>
    /// <param name="inputs">The arguments, on the graph's device.</param>
    /// <returns>The results, owned by the current scope.</returns>
    /// <exception cref="ShapeMismatchException">An argument has another shape than was traced.</exception>
    /// <exception cref="DTypeMismatchException">An argument has another dtype than was traced.</exception>
    /// <exception cref="DeviceException">An argument or a variable is on another device.</exception>
    /// <exception cref="GradientException">An argument is tracked while ops are recorded: its gradient would be lost.</exception>
    /// <exception cref="ObjectDisposedException">The graph has been disposed.</exception>
    public Tensor[] Run(params ReadOnlySpan<Tensor> inputs)
    {
        BackendTensor[] data = new BackendTensor[inputs.Length];
        if (inputs.Length != Inputs.Count)
        {
            throw new TracingException($"The graph takes {Inputs.Count} arguments, got {inputs.Length}.");
        }

        for (int i = 0; i < data.Length; i++)
        {
            Check(i, inputs[i]);
            data[i] = inputs[i].Data;
        }

        BackendTensor[] results = new BackendTensor[Outputs.Count];
        using (GraphStates states = new(States, _assigned, Device))
        {
            Compiled().Run(new GraphCall(data, states.Before, results, states.After));
            states.Assign();
        }

        Tensor[] outputs = new Tensor[results.Length];
        for (int i = 0; i < outputs.Length; i++)
        {
            outputs[i] = Tensor.Adopt(new Tensor(results[i]));
        }

        return outputs;
    }

    /// <summary>The same graph for another device; the variables must lie there when it runs.</summary>
    /// <param name="device">The device.</param>
    /// <returns>The graph.</returns>
    public Graph For(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        Dictionary<GraphValue, BackendTensor> constants = Constants.ToDictionary(pair => pair.Key, pair => Transfer.Copy(pair.Value, device));
        return new Graph(Inputs, Outputs, Nodes, constants, States, device.Real);
    }

    /// <summary>The same graph with ops replaced by their decompositions, until only such as are kept are left.</summary>
    /// <param name="keeps">Which ops stay: those that a backend can express natively.</param>
    /// <returns>A new graph, without dead and repeated ops; its states stand in the same order.</returns>
    /// <exception cref="UnsupportedOpException">A primitive is not kept.</exception>
    public Graph Lower(Keeps keeps)
    {
        ArgumentNullException.ThrowIfNull(keeps);
        return GraphLowering.Lower(this, keeps);
    }

    /// <summary>
    /// The same graph with every bounded value (an index, a label, an integer divisor) made harmless before an op reads it,
    /// for devices whose kernels must not see others. Where there is any, one more result says what was found:
    /// <see cref="GraphGuard.Check"/> reads it.
    /// </summary>
    /// <param name="guards">What was guarded.</param>
    /// <param name="arguments">
    /// True: bounded values that are arguments are read as they are, and <see cref="GraphGuard.CheckArguments"/> judges them
    /// before a run, which pays where they lie on the host.
    /// </param>
    /// <returns>A new graph; its states stand in the same order.</returns>
    /// <exception cref="ValueOutOfBoundsException">No value at all is legal, since an axis is empty.</exception>
    public Graph Guard(out IReadOnlyList<GraphGuard> guards, bool arguments = false) => GraphGuards.Insert(this, arguments, out guards);

    /// <summary>Floating-point operations of one run.</summary>
    /// <returns>The number.</returns>
    public long Flops() => Nodes.Sum(node =>
        node.Op.Flops([.. node.Inputs.Select(value => value.Spec)], [.. node.Outputs.Select(value => value.Spec)]));

    /// <summary>The text form, one line an op.</summary>
    /// <returns>The text.</returns>
    public override string ToString()
    {
        StringBuilder text = new();
        text.Append("graph(").AppendJoin(", ", Inputs.Select(Declare)).Append(")\n");
        foreach (GraphState state in States.Where(state => state.Before is not null))
        {
            text.Append($"  {Declare(state.Before!)} = read {Label(state)}\n");
        }

        foreach (GraphValue constant in Constants.Keys.OrderBy(value => value.Id))
        {
            text.Append($"  {Declare(constant)} = constant\n");
        }

        foreach (GraphNode node in Nodes)
        {
            text.Append("  ").AppendJoin(", ", node.Outputs.Select(Declare)).Append($" = {node.Op}(").AppendJoin(", ", node.Inputs).Append(')');
            text.Append(node.ModulePath is null ? "\n" : $"  # {node.ModulePath}\n");
        }

        foreach (GraphState state in States.Where(state => state.After is not null))
        {
            text.Append($"  assign {Label(state)} = {state.After}\n");
        }

        return text.Append("  return ").AppendJoin(", ", Outputs).ToString();
    }

    /// <summary>Gives up the constants and the compiled form; the graph can be printed, but not run any more.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (!_disposed)
            {
                _disposed = true;
                _compiled?.Dispose();
                foreach (BackendTensor constant in Constants.Values)
                {
                    constant.Release();
                }
            }
        }
    }

    /// <summary>
    /// What runs it now. Whatever wraps execution (another trace, a profiler) is shown every op, so that the backend's
    /// own form steps back for the interpreter.
    /// </summary>
    private CompiledGraph Compiled()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return Ambient.Now.Wrapper is not null
                ? _interpreter ??= new Interpreter(this, Device)
                : _compiled ??= Device.Backend.Compile(this, Device);
        }
    }

    private static string Declare(GraphValue value) => $"{value}: {value.Spec}";

    private static string Label(GraphState state) => state.Variable.Name ?? "variable";

    private void Check(int index, Tensor input)
    {
        TensorSpec expected = Inputs[index].Spec;
        if (input.Shape != expected.Shape)
        {
            throw new ShapeMismatchException("Graph", $"argument {index} was traced with shape {expected.Shape}, got {input.Shape}.", [expected.Shape, input.Shape]);
        }

        if (input.DType != expected.DType)
        {
            throw new DTypeMismatchException("Graph", $"argument {index} was traced as {expected.DType.Name()}, got {input.DType.Name()}.");
        }

        if (input.IsTracked && Ambient.Now.Recording)
        {
            throw new GradientException(
                $"Graph: argument {index} is tracked, and no gradient flows through a graph: detach it, or take the gradient inside the traced function.");
        }

        if (!ReferenceEquals(input.Device, Device))
        {
            throw new DeviceException($"Graph: argument {index} is on {input.Device}; the graph runs on {Device}.");
        }
    }
}
