using DeepBridge.Backends;
using DeepBridge.Graphs;
using DeepBridge.Ops;
using DeepBridge.TensorFlow.Lowering;
using DeepBridge.TensorFlow.Native;
using Tensorflow;
using Graph = DeepBridge.Graphs.Graph;

namespace DeepBridge.TensorFlow.Graphs;

/// <summary>Makes a function of TensorFlow of a lowered graph: arguments, then states; results.</summary>
internal sealed class FunctionBuilder
{
    private readonly TensorFlowBackend _backend;
    private readonly Graph _graph;
    private readonly GraphEmitter _emit;
    private readonly Dictionary<GraphValue, nint> _wires = [];
    private readonly List<TF_Output> _arguments = [];
    private readonly Dictionary<GraphValue, StateWire> _states = [];
    private readonly List<StateWire> _written = [];
    private readonly Dictionary<GraphValue, Deferred> _deferred = [];
    private readonly Dictionary<GraphNode, (nint Rate, nint Epsilon)> _corrected = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<Correction, (nint Factors, nint Epsilons)> _corrections = new(ReferenceEqualityComparer.Instance);
    private readonly StepCounts _counts;
    private readonly bool _ignores;

    private FunctionBuilder(TensorFlowBackend backend, Graph graph, StepCounts counts, nint body, bool ignores)
    {
        _counts = counts;
        _ignores = ignores;
        _backend = backend;
        _graph = graph;
        _emit = new GraphEmitter(backend.Context, body) { OnCpu = backend.RunsPlain(graph.Device) };
    }

    /// <summary>Builds a function and makes it known to the context.</summary>
    /// <param name="backend">The backend.</param>
    /// <param name="graph">The lowered graph.</param>
    /// <param name="counts">Its counts.</param>
    /// <param name="name">The function's name.</param>
    /// <param name="ignores">Whether labels among the arguments may be such as are ignored.</param>
    /// <exception cref="EngineException">TensorFlow refuses it.</exception>
    internal static void Build(TensorFlowBackend backend, Graph graph, StepCounts counts, string name, bool ignores)
    {
        using SafeGraphHandle body = c_api.TF_NewGraph();
        FunctionBuilder builder = new(backend, graph, counts, body.DangerousGetHandle(), ignores);
        TF_Output[] results = builder.Emit();
        builder.Finish(body.DangerousGetHandle(), name, results);
    }

    /// <summary>Builds a graph that assigns nothing.</summary>
    /// <param name="backend">The backend.</param>
    /// <param name="graph">The lowered graph.</param>
    /// <param name="body">Where it goes.</param>
    /// <returns>The placeholders of arguments and states, and the results.</returns>
    internal static (TF_Output[] Arguments, TF_Output[] Results) Emit(TensorFlowBackend backend, Graph graph, nint body)
    {
        FunctionBuilder builder = new(backend, graph, new StepCounts(graph), body, ignores: true);
        TF_Output[] results = builder.Emit();
        return ([.. builder._arguments], results);
    }

    /// <summary>Whether all steps of a graph update states by nothing else, so that TensorFlow's updates can take their place.</summary>
    /// <param name="graph">The graph.</param>
    /// <returns>False: they are decomposed.</returns>
    internal static bool UpdatesStates(Graph graph)
    {
        Dictionary<GraphValue, GraphValue> after = [];
        foreach (GraphState state in graph.States)
        {
            if (state is { Before: not null, After: not null })
            {
                after[state.Before] = state.After;
            }
        }

        return graph.Nodes.Where(IsStep).All(node =>
            StepEmitter.Fits(node.Op, node.Inputs[0].Spec.DType)
            && Enumerable.Range(0, node.Outputs.Count).All(i => after.GetValueOrDefault(node.Inputs[i]) == node.Outputs[i]));
    }

    /// <summary>Whether a node is an optimizer's step.</summary>
    /// <param name="node">The node.</param>
    /// <returns>True where it is.</returns>
    internal static bool IsStep(GraphNode node) => node.Op is AdamStep or SgdStep;

    /// <summary>Whether all gradients that want what their ops defer will find it, so that they need not be decomposed.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="plain">As <see cref="Lowered.Defers"/> has it.</param>
    /// <returns>False: they are decomposed.</returns>
    internal static bool DefersAll(Graph graph, bool plain)
    {
        Dictionary<GraphValue, GraphNode> made = [];
        foreach (GraphNode node in graph.Nodes.Where(node => Lowered.Defers(node.Op, [.. node.Inputs.Select(input => input.Spec)], plain)))
        {
            made[node.Outputs[1]] = node;
        }

        return graph.Nodes.Where(node => IsDeferred(node.Op)).All(node =>
            made.TryGetValue(node.Inputs[1], out GraphNode? first)
            && Lowered.Follows<GraphValue>(node.Op, [.. node.Inputs], first.Op, first.Inputs[0].Spec.Shape, first.Inputs.ElementAtOrDefault(1)));
    }

    /// <summary>Whether an op is the gradient of one that may be deferred.</summary>
    /// <param name="op">The op.</param>
    /// <returns>True where it is.</returns>
    internal static bool IsDeferred(Op op) => op is MaxPoolGradient or CrossEntropyGradient;

    private TF_Output[] Emit()
    {
        Declare();
        foreach (GraphNode node in _graph.Nodes)
        {
            Emit(node);
        }

        Assign();
        return [.. _graph.Outputs.Select(output => _emit.Output(Read(output)))];
    }

    private void Declare()
    {
        foreach (GraphValue input in _graph.Inputs)
        {
            _wires[input] = Argument(input.Spec, isWhole: !_ignores);
        }

        HashSet<GraphValue> read = [.. _graph.Outputs, .. _graph.States.Where(state => state.After is not null).Select(state => state.After!)];
        foreach (GraphNode node in _graph.Nodes)
        {
            read.UnionWith(IsStep(node) ? StepReads(node) : node.Inputs);
        }

        foreach ((int place, GraphState state) in _graph.States.Index())
        {
            TensorSpec spec = state.Variable.Spec;
            bool counts = _counts.By(place) is not null;
            if (state.After is null || counts)
            {
                if (!counts || _counts.IsRead(place))
                {
                    _wires[state.Before!] = Argument(spec);
                }

                continue;
            }

            StateWire wire = new(state, _emit.Argument(C.ResourceCode, null));
            _arguments.Add(_emit.Output(wire.Resource));
            _written.Add(wire);
            if (state.Before is not null)
            {
                _states[state.Before] = wire;
                if (read.Contains(state.Before))
                {
                    _wires[state.Before] = ReadOf(wire, 0, spec);
                    wire.Read = _emit.Previous;
                }
            }
        }

        foreach (Correction correction in _counts.Corrections)
        {
            Shape shape = [correction.Nodes.Length];
            _corrections[correction] = (Argument(new TensorSpec(shape, DType.Float64)), Argument(new TensorSpec(shape, correction.DType)));
        }

        foreach ((GraphValue value, BackendTensor data) in _graph.Constants)
        {
            byte[] bytes = new byte[data.Spec.Bytes];
            _backend.Export(data, bytes);
            _wires[value] = _emit.Constant(data.Spec, bytes);
        }
    }

    private nint Argument(TensorSpec spec, bool isWhole = false)
    {
        Lowered.RequireAxes(spec);
        nint value = _emit.Argument(C.Code(spec.DType), spec.Shape, isWhole);
        _arguments.Add(_emit.Output(value));
        return value;
    }

    /// <summary>What a fused step reads: neither slots nor count, which their updates read by themselves.</summary>
    private static IEnumerable<GraphValue> StepReads(GraphNode node)
    {
        bool decays = StepEmitter.Decay(node.Op) != 0;
        int slots = node.Outputs.Count - 1;
        return node.Inputs.Where((_, i) => (i == 0 && decays) || (i > 0 && i > slots));
    }

    private void Emit(GraphNode node)
    {
        if (IsStep(node))
        {
            Step(node);
            return;
        }

        if (_counts.IsAfter(node.Outputs[0], out _, out _))
        {
            return;
        }

        if (IsDeferred(node.Op) && _deferred.TryGetValue(node.Inputs[1], out Deferred? left))
        {
            _wires[node.Outputs[0]] = Lowered.Back(_emit, left, Read(node.Inputs[0]));
            return;
        }

        TensorSpec[] ins = [.. node.Inputs.Select(input => input.Spec)];
        Site site = new(_emit, [.. node.Inputs.Select(Read)], ins, [.. node.Outputs.Select(output => output.Spec)]);
        nint[] outputs, kept = [];
        if (Lowered.Defers(node.Op, ins, _emit.OnCpu))
        {
            outputs = [Lowered.First(node.Op, site, out kept)];
            _deferred[node.Outputs[1]] = new Deferred(node.Op, ins, node.Inputs.ElementAtOrDefault(1), kept);
        }
        else
        {
            outputs = Lowered.Emit(node.Op, site);
        }

        for (int i = 0; i < outputs.Length; i++)
        {
            _wires[node.Outputs[i]] = node.Outputs[i].Spec.Rank == 0 ? _emit.Scalar(outputs[i]) : outputs[i];
        }
    }

    private void Step(GraphNode node)
    {
        int states = Math.Max(node.Outputs.Count - 1, 1);
        DType dtype = node.Inputs[0].Spec.DType;
        if (node.Op is AdamStep && !_corrected.ContainsKey(node))
        {
            Correct(_counts.Corrections.Single(correction => correction.Nodes.Contains(node)));
        }

        (nint rate, nint epsilon) = node.Op is AdamStep ? _corrected[node]
            : (node.Inputs[^1].Spec.DType == dtype ? Read(node.Inputs[^1]) : _emit.Cast(Read(node.Inputs[^1]), dtype), 0);
        nint gradient = Read(node.Inputs[^2]);
        double decay = StepEmitter.Decay(node.Op);
        gradient = decay == 0 ? gradient : StepEmitter.Decayed(_emit, decay, Read(node.Inputs[0]), gradient, dtype);
        StateWire[] written = [.. node.Inputs.Take(states).Select(input => _states[input])];
        Array.ForEach(written, state => _emit.After(state.Read));
        StepEmitter.Emit(_emit, node.Op, dtype, [.. written.Select(state => state.Resource)], rate, epsilon, gradient);
        Array.ForEach(written, state => state.Written = _emit.Previous);
    }

    /// <summary>Scalars cost nodes, not time: all rates and all ε are made at once.</summary>
    private void Correct(Correction correction)
    {
        int count = correction.Nodes.Length;
        nint[] Apart(nint values) => _emit.Op("Unpack"u8, values).Integer("num"u8, count).Many(count);
        nint rate = _emit.Cast(Read(correction.Rate), DType.Float64);
        nint[] rates = Apart(_emit.Cast(_emit.Op("Mul"u8, rate, _corrections[correction].Factors).One(), correction.DType));
        nint[] epsilons = Apart(_corrections[correction].Epsilons);
        for (int i = 0; i < count; i++)
        {
            _corrected[correction.Nodes[i]] = (rates[i], epsilons[i]);
        }
    }

    private unsafe void Finish(nint body, string name, TF_Output[] results)
    {
        TF_Output[] arguments = [.. _arguments];
        nint[] updates = [.. _written.Select(state => state.Written).Distinct()];
        nint status = Native.Status.Mine, function;
        fixed (TF_Output* inputs = arguments, outputs = results)
        fixed (nint* controls = updates)
        {
            function = C.TF_GraphToFunctionWithControlOutputs(
                body, name, 0, -1, null, arguments.Length, inputs, results.Length, outputs, null, updates.Length, controls, null, 0, null, status);
        }

        Native.Status.Check(status, "a compiled graph"u8);
        C.TFE_ContextAddFunction(_backend.Context.Pointer, function, status);
        C.TF_DeleteFunction(function);
        Native.Status.Check(status, "a compiled graph"u8);
    }

    /// <summary>A value; what a fused step has written is read from its variable.</summary>
    private nint Read(GraphValue value)
    {
        if (!_wires.TryGetValue(value, out nint wire) && _deferred.TryGetValue(value, out Deferred? left))
        {
            wire = Lowered.Second(_emit, left);
            _wires[value] = wire;
        }
        else if (wire == 0 && _counts.IsAfter(value, out GraphValue before, out long by))
        {
            wire = _emit.Scalar(_emit.Op("AddV2"u8, Read(before), _emit.Number(by, DType.Int64)).One());
            _wires[value] = wire;
        }
        else if (wire == 0)
        {
            StateWire state = _written.Single(written => written.State.After == value);
            wire = ReadOf(state, state.Written, value.Spec);
            _wires[value] = wire;
        }

        return wire;
    }

    private nint ReadOf(StateWire wire, nint after, TensorSpec spec)
    {
        _emit.After(after);
        nint value = _emit.Op("ReadVariableOp"u8, wire.Resource).Type("dtype"u8, C.Code(spec.DType)).One();
        return spec.Rank == 0 ? _emit.Scalar(value) : value;
    }

    private void Assign()
    {
        foreach (StateWire state in _written.Where(state => state.Written == 0).ToArray())
        {
            nint value = Read(state.State.After!);
            _emit.After(state.Read);
            _emit.Op("AssignVariableOp"u8, state.Resource, value).Type("dtype"u8, C.Code(state.State.Variable.Spec.DType)).None();
            state.Written = _emit.Previous;
        }
    }
}
