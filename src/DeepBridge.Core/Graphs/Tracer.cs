using DeepBridge.Backends;
using DeepBridge.Memory;
using DeepBridge.Modules;
using DeepBridge.Ops;

namespace DeepBridge.Graphs;

/// <summary>Data that has no value yet: a value of the graph that is being traced.</summary>
/// <param name="value">The value.</param>
/// <param name="device">The trace's stand-in for the device.</param>
internal sealed class SymbolicTensor(GraphValue value, Device device) : BackendTensor(value.Spec, device)
{
    internal GraphValue Value { get; } = value;

    /// <inheritdoc/>
    protected override void Free()
    {
    }
}

/// <summary>The executor that records instead of computing.</summary>
internal sealed class Tracer : Wrapper
{
    private readonly Device _real;
    private readonly Device _device;
    private readonly List<GraphNode> _nodes = [];
    private readonly Dictionary<BackendTensor, GraphValue> _constants = new(ReferenceEqualityComparer.Instance);
    private readonly Store _store;
    private TensorScope? _scope;
    private int _count;
    private bool _done;

    private Tracer(Device real)
    {
        _real = real;
        _device = new Device(this, real);
        _store = new Store(this);
    }

    /// <inheritdoc/>
    public override void Execute(Op op, in KernelCall call)
    {
        if (_done)
        {
            throw new TracingException(
                $"{op.Name} was applied to a tensor of a trace that has ended; it has no value. Return it from the traced function instead.");
        }

        if (!ReferenceEquals(call.Device.Real, _real))
        {
            throw new TracingException($"{op.Name} runs on {call.Device} inside a graph for {_real}: a graph lives on one device.");
        }

        GraphValue[] inputs = new GraphValue[call.Inputs.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] = ValueOf(call.Inputs[i]);
        }

        GraphValue[] outputs = new GraphValue[call.OutputSpecs.Length];
        for (int i = 0; i < outputs.Length; i++)
        {
            SymbolicTensor symbol = Symbol(call.OutputSpecs[i]);
            outputs[i] = symbol.Value;
            call.Outputs[i] = symbol;
        }

        _nodes.Add(new GraphNode(op, inputs, outputs, Ambient.Now.Frame?.Path));
    }

    internal static Graph Trace(Func<Tensor[], Tensor[]> function, ReadOnlySpan<TensorSpec> specs, Device device)
    {
        Tracer tracer = new(device);
        SymbolicTensor[] inputs = new SymbolicTensor[specs.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] = tracer.Symbol(specs[i]);
        }

        using TensorScope scope = new("trace");
        using AmbientChange change = Ambient.Enter(
            Ambient.Now with { Wrapper = tracer, Variables = tracer._store, Device = tracer._device });
        tracer._scope = scope;
        try
        {
            Tensor[] results = function([.. inputs.Select(input => Tensor.Adopt(new Tensor(input)))]);
            GraphValue[] outputs = [.. results.Select(result => tracer.ValueOf(result.Data))];
            GraphState[] states = tracer._store.States();
            return new Graph(
                [.. inputs.Select(input => input.Value)],
                outputs,
                tracer._nodes,
                tracer._constants.ToDictionary(pair => pair.Value, pair => pair.Key),
                states,
                device);
        }
        catch
        {
            foreach (BackendTensor constant in tracer._constants.Keys)
            {
                constant.Release();
            }

            throw;
        }
        finally
        {
            tracer._done = true;
            tracer._store.Release();
        }
    }

    /// <summary>Refuses a captured tensor that will be gone when the graph runs.</summary>
    /// <param name="op">The op that reads it.</param>
    /// <param name="input">The tensor.</param>
    internal void Admit(Op op, Tensor input)
    {
        if (input.Data is not SymbolicTensor && input.Scope is { HasEnded: false } owner && !owner.IsInside(_scope!))
        {
            throw new TracingException(
                $"{op.Name} reads a {input.Spec} tensor that the scope '{owner.Name}' owns, so it would be a constant of the graph: pass it to the traced function as an argument.");
        }
    }

    private SymbolicTensor Symbol(TensorSpec spec) => new(new GraphValue(_count++, spec), _device);

    private GraphValue ValueOf(BackendTensor data)
    {
        if (data is SymbolicTensor symbol)
        {
            return ReferenceEquals(symbol.Device, _device) ? symbol.Value : throw new TracingException(
                "A tensor of another trace has no value here: a traced function may not run inside another trace.");
        }

        if (!_constants.TryGetValue(data, out GraphValue? value))
        {
            value = new GraphValue(_count++, data.Spec);
            _constants[data.Retain()] = value;
        }

        return value;
    }

    /// <summary>Turns variables into state.</summary>
    private sealed class Store(Tracer tracer) : VariableStore
    {
        private readonly Dictionary<Variable, (GraphValue? Before, BackendTensor Now, bool Written)> _states = new(ReferenceEqualityComparer.Instance);
        private readonly List<Variable> _order = [];

        internal override BackendTensor Read(Variable variable)
        {
            if (!_states.TryGetValue(variable, out var state))
            {
                if (!ReferenceEquals(variable.Device, tracer._real))
                {
                    throw new DeviceException($"{variable} is on {variable.Device}; the graph is traced for {tracer._real}.");
                }

                SymbolicTensor symbol = tracer.Symbol(variable.Spec);
                state = (symbol.Value, symbol, false);
                _states[variable] = state;
                _order.Add(variable);
            }

            return state.Now.Retain();
        }

        internal override void Write(Variable variable, BackendTensor data)
        {
            if (_states.TryGetValue(variable, out var state))
            {
                state.Now.Release();
            }
            else
            {
                _order.Add(variable);
            }

            _states[variable] = (state.Before, data, true);
        }

        internal GraphState[] States() => [.. _order.Select(variable =>
        {
            (GraphValue? before, BackendTensor now, bool written) = _states[variable];
            return new GraphState(variable, before, written ? tracer.ValueOf(now) : null);
        })];

        /// <summary>Gives up what the variables were last.</summary>
        internal void Release()
        {
            foreach ((_, BackendTensor now, _) in _states.Values)
            {
                now.Release();
            }
        }
    }
}
