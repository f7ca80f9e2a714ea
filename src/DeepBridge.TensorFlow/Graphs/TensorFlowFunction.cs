using System.Runtime.InteropServices;
using DeepBridge.Backends;
using DeepBridge.Graphs;
using DeepBridge.TensorFlow.Eager;
using DeepBridge.TensorFlow.Native;
using Graph = DeepBridge.Graphs.Graph;

namespace DeepBridge.TensorFlow.Graphs;

/// <summary>
/// A graph as one native function, called by its name in the context where eager ops run. What it assigns are anonymous
/// resource variables, which it writes into in place; bounded values are guarded, and judged after each run. Arguments that
/// the host sees are judged before it; where no label is an ignored one, a function without masks runs.
/// </summary>
internal sealed unsafe class TensorFlowFunction : CompiledGraph
{
    // ConfigProtos: experimental.executor_type; graph_options.rewrite_options.remapping = OFF.
    private static readonly byte[] s_singleThreaded = [0x82, 0x01, 26, 0x1a, 24, .. "SINGLE_THREADED_EXECUTOR"u8];
    private static readonly byte[] s_unfused = [.. s_singleThreaded, 0x52, 4, 0x52, 2, 0x70, 2];

    private readonly Lock _lock = new();
    private readonly TensorFlowBackend _backend;
    private readonly Device _device;
    private readonly NativeFunction _function;
    private readonly TensorSpec[] _results;
    private readonly int[] _types;
    private readonly string? _wrapper;
    private readonly bool[] _assigned;
    private readonly int _outputs;
    private readonly IReadOnlyList<GraphGuard> _guards;
    private readonly byte[] _config;
    private readonly Graph _lowered;
    private readonly StepCounts _counts;
    private readonly int _arguments;
    private NativeFunction? _masked;

    /// <summary>Compiles a graph.</summary>
    /// <param name="backend">The backend.</param>
    /// <param name="graph">The graph.</param>
    /// <param name="device">The device.</param>
    internal TensorFlowFunction(TensorFlowBackend backend, Graph graph, Device device)
    {
        _backend = backend;
        _device = device;
        bool seen = ReferenceEquals(device, backend.Devices[0]);
        using Graph guarded = graph.Guard(out _guards, arguments: seen);
        bool fused = FunctionBuilder.UpdatesStates(guarded);
        bool deferred = FunctionBuilder.DefersAll(guarded, backend.RunsPlain(device));
        _lowered = guarded.Lower((op, inputs) => FunctionBuilder.IsDeferred(op)
            ? deferred
            : backend.Supports(op, inputs) && (fused || op is not (Ops.AdamStep or Ops.SgdStep)));
        _results = [.. _lowered.Outputs.Select(output => output.Spec)];
        _types = [.. _results.Select(result => C.Code(result.DType))];
        _outputs = graph.Outputs.Count;
        _assigned = [.. graph.States.Select(state => state.After is not null)];

        // Without oneDNN, the convolution that TensorFlow fuses with its bias has no groups.
        bool grouped = _lowered.Nodes.Any(node => node.Op is Ops.Convolution { Groups: > 1 });
        bool unfused = grouped && !backend.Context.HasOneDnn;
        _config = unfused ? s_unfused : s_singleThreaded;
        _counts = new StepCounts(_lowered);
        _arguments = graph.Inputs.Count + (2 * _counts.Corrections.Count) + graph.States.Where((_, i) => _counts.By(i) is null || _counts.IsRead(i)).Count();
        _wrapper = backend.RunsPlain(device) && backend.Context.RunsInline && !unfused ? EagerContext.WrapperOf(_arguments, _types.Length) : null;
        _function = new NativeFunction(backend, _lowered, _counts, ignores: !seen, _wrapper);
    }

    /// <inheritdoc/>
    public override void Run(in GraphCall call)
    {
        NativeFunction function = GraphGuard.CheckArguments(_guards, call.Inputs) ? Masked() : _function;
        EagerEmitter e = _backend.Emitter(_device);
        int taken = 0;
        nint[] arguments = new nint[_arguments], results = [];
        TensorFlowTensor?[] next = new TensorFlowTensor?[call.States.Length];
        try
        {
            foreach (BackendTensor input in call.Inputs)
            {
                arguments[taken++] = ((TensorFlowTensor)input).Handle;
            }

            for (int i = 0; i < next.Length; i++)
            {
                TensorFlowTensor state = (TensorFlowTensor)call.States[i];
                if (_counts.By(i) is { } by)
                {
                    next[i] = new TensorFlowTensor(state.Spec, state.Device, 0) { Known = state.Read().ToInt64() + by };
                    if (_counts.IsRead(i))
                    {
                        arguments[taken++] = state.Handle;
                    }

                    continue;
                }

                next[i] = !_assigned[i] ? null : call.MayOverwrite(i) ? (TensorFlowTensor)state.Retain()
                    : new TensorFlowTensor(state.Spec, state.Device, 0, _backend.NewVariable(state.Spec, state.Device, state.Handle));
                arguments[taken++] = next[i]?.Promote() ?? state.Handle;
            }

            foreach (Correction correction in _counts.Corrections)
            {
                Correct(e, correction, next, arguments.AsSpan(taken));
                taken += 2;
            }

            results = Call(e, function, arguments);
            Judge(results);
            for (int i = 0; i < call.Outputs.Length; i++)
            {
                call.Outputs[i] = new TensorFlowTensor(_results[i], _device, results[i]);
            }

            for (int i = 0; i < next.Length; i++)
            {
                (call.NewStates[i], next[i]) = (next[i], null);
            }
        }
        finally
        {
            e.DeleteTemporaries(results.AsSpan(0, call.Outputs.Length > 0 && call.Outputs[0] is not null ? call.Outputs.Length : 0));
            foreach (TensorFlowTensor? state in next)
            {
                state?.Release();
            }
        }

        foreach (BackendTensor input in call.Inputs)
        {
            GC.KeepAlive(input);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _lowered.Dispose();
            _function.Dispose();
            _masked?.Dispose();
        }
    }

    /// <summary>The vectors that a function multiplies learning rates with, and of ε.</summary>
    private static void Correct(EagerEmitter e, Correction correction, TensorFlowTensor?[] counts, Span<nint> arguments)
    {
        int size = correction.DType.Size();
        Shape shape = [correction.Counts.Length];
        Span<byte> factors = new byte[correction.Counts.Length * sizeof(double)], epsilons = new byte[correction.Counts.Length * size];
        for (int i = 0; i < correction.Counts.Length; i++)
        {
            (double factor, double epsilon) = Correction.At(correction.Adam, counts[correction.Counts[i]]!.Read().ToInt64());
            Numbers.Bytes(factor, DType.Float64).CopyTo(factors[(i * sizeof(double))..]);
            Numbers.Bytes(epsilon, correction.DType).CopyTo(epsilons[(i * size)..]);
        }

        arguments[0] = e.Constant(new TensorSpec(shape, DType.Float64), factors);
        arguments[1] = e.Constant(new TensorSpec(shape, correction.DType), epsilons);
    }

    private NativeFunction Masked()
    {
        lock (_lock)
        {
            return _masked ??= new NativeFunction(_backend, _lowered, _counts, ignores: true, _wrapper);
        }
    }

    private nint[] Call(EagerEmitter e, NativeFunction function, nint[] arguments)
    {
        if (_wrapper is not null && e.TryCall(function.Name, arguments, _types) is { } called)
        {
            return called;
        }

        e.Op(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(function.Name), arguments);
        if (_backend.UsesXla)
        {
            e.Flag("_XlaMustCompile"u8, true);
        }
        else
        {
            // A step's kernels share their work among threads by themselves; handing each to another thread costs more than it brings.
            e.Text("config_proto"u8, _config);
        }

        if (_results.Length == 0)
        {
            e.None();
            return [];
        }

        return e.Many(_results.Length);
    }

    private void Judge(nint[] results)
    {
        if (results.Length > _outputs)
        {
            TensorSpec spec = _results[^1];
            nint status = Native.Status.Mine, seen = C.TFE_TensorHandleResolve(results[^1], status);
            Native.Status.Check(status, "a guard"u8);
            try
            {
                GraphGuard.Check(_guards, new ReadOnlySpan<long>(C.TF_TensorData(seen), (int)spec.Count));
            }
            finally
            {
                C.TF_DeleteTensor(seen);
            }
        }
    }
}
