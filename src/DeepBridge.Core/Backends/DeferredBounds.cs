using DeepBridge.Graphs;
using DeepBridge.Memory;
using DeepBridge.Ops;

namespace DeepBridge.Backends;

/// <summary>
/// Bounded values of a device whose memory the host reads only at a cost. Before a kernel sees them they are made harmless,
/// and what was found waits on the device until the host reads from there anyway.
/// </summary>
internal sealed class DeferredBounds
{
    /// <summary>So many wait; then the host looks, so that a loop that reads nothing learns of its mistake too.</summary>
    private const int Most = 64;

    private readonly Lock _lock = new();
    private List<(GraphGuard Guard, BackendTensor Seen)> _waiting = [];

    /// <summary>Executes an op on harmless values.</summary>
    /// <param name="op">An op with bounds.</param>
    /// <param name="call">Its inputs, specs and the place of the outputs.</param>
    /// <param name="run">Executes it.</param>
    internal void Execute(Op op, in KernelCall call, Kernel<Op> run)
    {
        BackendTensor[] inputs = call.Inputs.ToArray();
        ulong donated = call.Donated;
        string? path = Ambient.Now.Frame?.Path;
        using BelowTape below = new(op, call.Device);
        foreach (ValueBound bound in ((IBoundedOp)op).Bounds(Decomposition.SpecsOf(inputs)))
        {
            if (inputs[bound.Input].Spec.Count > 0)
            {
                GraphGuard guard = new(op, bound, path);
                guard.RequireAny();
                List<Tensor> seen = [];
                inputs[bound.Input] = GraphGuards.Clamp(guard, below.Scope.Own(new Tensor(inputs[bound.Input].Retain())), seen).Data;
                donated &= ~(1UL << bound.Input);
                Wait(guard, Tensor.Concat([.. seen]).Data.Retain());
            }
        }

        run(op, new KernelCall(call.Device, inputs, call.OutputSpecs, call.Outputs, donated));
    }

    /// <summary>Reads what waits.</summary>
    /// <exception cref="ValueOutOfBoundsException">A value was out of its bounds.</exception>
    internal void Check()
    {
        List<(GraphGuard Guard, BackendTensor Seen)> waiting;
        lock (_lock)
        {
            (waiting, _waiting) = (_waiting, []);
        }

        long[] seen = new long[2 * waiting.Count];
        for (int i = 0; i < waiting.Count; i++)
        {
            BackendTensor data = waiting[i].Seen;
            data.Device.Backend.Export(data, System.Runtime.InteropServices.MemoryMarshal.AsBytes(seen.AsSpan(2 * i, 2)));
            data.Release();
        }

        GraphGuard.Check([.. waiting.Select(one => one.Guard)], seen);
    }

    private void Wait(GraphGuard guard, BackendTensor seen)
    {
        int count;
        lock (_lock)
        {
            _waiting.Add((guard, seen));
            count = _waiting.Count;
        }

        if (count >= Most)
        {
            Check();
        }
    }
}
