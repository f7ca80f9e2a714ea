using System.Collections.Concurrent;
using DeepBridge.Graphs;
using DeepBridge.Ops;

namespace DeepBridge.Backends;

/// <summary>
/// Executes ops on devices. A backend implements the primitives and as many composites as it likes; the core
/// decomposes the rest. <c>docs/writing-a-backend.md</c> walks through one.
/// </summary>
public abstract class Backend : Executor
{
    private readonly ConcurrentDictionary<Device, DeferredBounds> _deferred = new();
    private Slot?[] _slots = [];

    /// <summary>The name, the first part of its devices' names: "cpu", "torch", "tensorflow".</summary>
    public abstract string Name { get; }

    /// <summary>The devices, the default one first.</summary>
    public abstract IReadOnlyList<Device> Devices { get; }

    /// <summary>Whether there is a kernel for this op with these inputs; no decomposition is counted.</summary>
    /// <param name="op">The op.</param>
    /// <param name="inputs">The specs of its inputs.</param>
    /// <returns>True where a kernel runs it.</returns>
    public bool Supports(Op op, ReadOnlySpan<TensorSpec> inputs) => Find(op) is { } slot && slot.Takes(op, inputs);

    /// <summary>Whether there is a kernel for an op of this kind, perhaps not for every input; the coverage page is printed from it.</summary>
    /// <param name="kind">The kind of op.</param>
    /// <returns>True where there is one.</returns>
    public bool Implements(OpKind kind) => kind.Id < _slots.Length && _slots[kind.Id] is not null;

    /// <summary>Executes an op: by its kernel, or by its decomposition where there is none.</summary>
    /// <param name="op">The op; its rule has accepted the inputs.</param>
    /// <param name="call">Inputs, specs and the place of the outputs.</param>
    /// <exception cref="UnsupportedOpException">There is neither a kernel nor a decomposition.</exception>
    /// <exception cref="ValueOutOfBoundsException">A value that the op bounds is out of its bounds.</exception>
    public override void Execute(Op op, in KernelCall call)
    {
        if (op.Kind.IsBounded)
        {
            if (!ChecksBounds(call.Device))
            {
                _deferred.GetOrAdd(call.Device, static _ => new DeferredBounds()).Execute(op, call, Run);
                return;
            }

            ValueBounds.Check(op, call);
        }

        Run(op, call);
    }

    /// <summary>Copies memory in.</summary>
    /// <param name="spec">Shape and dtype.</param>
    /// <param name="device">Where it goes.</param>
    /// <param name="data">Row-major elements in the machine's byte order, <see cref="TensorSpec.Bytes"/> long.</param>
    /// <returns>The data, with one count.</returns>
    public abstract BackendTensor Import(TensorSpec spec, Device device, ReadOnlySpan<byte> data);

    /// <summary>
    /// Takes memory over without a copy where it can; by default it copies. The memory must not change as long as a
    /// tensor uses it.
    /// </summary>
    /// <param name="spec">Shape and dtype.</param>
    /// <param name="device">Where it goes.</param>
    /// <param name="memory">Pinned row-major elements; whoever returns from here owns it.</param>
    /// <returns>The data, with one count.</returns>
    public virtual BackendTensor Import(TensorSpec spec, Device device, HostMemory memory)
    {
        using (memory)
        {
            return Import(spec, device, memory.Span);
        }
    }

    /// <summary>Copies data out.</summary>
    /// <param name="source">The data.</param>
    /// <param name="destination">Row-major elements, <see cref="TensorSpec.Bytes"/> long.</param>
    public abstract void Export(BackendTensor source, Span<byte> destination);

    /// <summary>Lends the memory of data that lies row-major on the host; by default it cannot.</summary>
    /// <param name="source">The data; the caller holds a count as long as it uses the span.</param>
    /// <param name="data">The elements.</param>
    /// <returns>False: only <see cref="Export"/> will do.</returns>
    public virtual bool TryBorrow(BackendTensor source, out ReadOnlySpan<byte> data)
    {
        data = default;
        return false;
    }

    /// <summary>
    /// Lends the memory of data to a tensor of another backend, for as long as that lives; by default it does not. What is
    /// worth more than a copy is lent: row-major on the host, and of nobody outside who may write into it.
    /// </summary>
    /// <param name="source">The data.</param>
    /// <returns>The memory, or null.</returns>
    public virtual HostMemory? Lend(BackendTensor source) => null;

    /// <summary>Copies data to another device of this backend, or within one.</summary>
    /// <param name="source">The data.</param>
    /// <param name="target">The device.</param>
    /// <returns>New data, with one count.</returns>
    public abstract BackendTensor Copy(BackendTensor source, Device target);

    /// <summary>Makes a graph ready to run; by default the interpreter runs it op by op.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="device">The device of this backend.</param>
    /// <returns>What runs it.</returns>
    public virtual CompiledGraph Compile(Graph graph, Device device) => new Interpreter(graph, device);

    /// <summary>Waits until everything asked of a device is done.</summary>
    /// <param name="device">The device.</param>
    public abstract void Synchronize(Device device);

    /// <summary>
    /// Whether bounded values (indices, labels, integer divisors) are checked on the host before each kernel; by
    /// default they are. A device whose memory the host reads only at a cost says no: then a bad value is made harmless on
    /// the device, and the error comes with <see cref="CheckDeferred"/>, or after some dozens of such ops.
    /// </summary>
    /// <param name="device">The device.</param>
    /// <returns>True: checked before every call.</returns>
    protected virtual bool ChecksBounds(Device device) => true;

    /// <summary>Throws what ops found whose values are not checked at once; called before the host reads from a device, or has waited for it.</summary>
    /// <param name="device">The device.</param>
    /// <exception cref="ValueOutOfBoundsException">A value was out of its bounds.</exception>
    protected void CheckDeferred(Device device)
    {
        if (_deferred.TryGetValue(device, out DeferredBounds? deferred))
        {
            deferred.Check();
        }
    }

    /// <summary>Gives an op its kernel; call it from the constructor.</summary>
    /// <typeparam name="TOp">The op.</typeparam>
    /// <param name="kernel">The kernel.</param>
    /// <param name="when">What the kernel takes; null: everything that the op's rule accepts.</param>
    protected void Implement<TOp>(Kernel<TOp> kernel, When<TOp>? when = null)
        where TOp : Op<TOp>
    {
        ArgumentNullException.ThrowIfNull(kernel);
        int id = OpKind<TOp>.Instance.Id;
        if (id >= _slots.Length)
        {
            Array.Resize(ref _slots, Math.Max(id + 1, _slots.Length * 2));
        }

        _slots[id] = new Slot<TOp>(kernel, when);
    }

    private void Run(Op op, in KernelCall call)
    {
        if (Find(op) is { } slot && (slot.Always || slot.Takes(op, Decomposition.SpecsOf(call.Inputs))))
        {
            slot.Run(op, call);
        }
        else
        {
            Decomposition.Run(op, call);
        }
    }

    private Slot? Find(Op op)
    {
        Slot?[] slots = _slots;
        int id = op.Kind.Id;
        return (uint)id < (uint)slots.Length ? slots[id] : null;
    }

    private abstract class Slot(bool always)
    {
        internal readonly bool Always = always;

        internal abstract bool Takes(Op op, ReadOnlySpan<TensorSpec> inputs);

        internal abstract void Run(Op op, in KernelCall call);
    }

    private sealed class Slot<TOp>(Kernel<TOp> kernel, When<TOp>? when) : Slot(when is null)
        where TOp : Op<TOp>
    {
        internal override bool Takes(Op op, ReadOnlySpan<TensorSpec> inputs) => when is null || when((TOp)op, inputs);

        internal override void Run(Op op, in KernelCall call) => kernel((TOp)op, call);
    }
}
