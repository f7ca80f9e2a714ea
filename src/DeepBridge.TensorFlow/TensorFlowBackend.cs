using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DeepBridge.Backends;
using DeepBridge.Graphs;
using DeepBridge.TensorFlow.Eager;
using DeepBridge.TensorFlow.Graphs;
using DeepBridge.TensorFlow.Lowering;
using DeepBridge.TensorFlow.Native;
using DeepBridge.TensorFlow.SavedModels;

namespace DeepBridge.TensorFlow;

/// <summary>
/// TensorFlow: op by op through its C API, and whole graphs as native functions whose state stays on the device. Devices:
/// <c>tensorflow:cpu</c>, and <c>tensorflow:gpu:0</c> and so on, where TensorFlow sees GPUs.
/// </summary>
public sealed unsafe partial class TensorFlowBackend : Backend
{
    private static readonly Lock s_lock = new();
    private static TensorFlowBackend? s_instance;
    private static TensorFlowOptions? s_options;

    [ThreadStatic]
    private static EagerEmitter?[]? t_emitters;

    private readonly Device[] _devices;
    private readonly nint[] _names;

    private TensorFlowBackend(TensorFlowOptions options)
    {
        // XLA's maxima and minima drop NaN otherwise.
        Version = LibraryLoader.Load(options.LibraryPath, options.Xla);
        Context = new EagerContext(options);
        UsesXla = options.Xla;
        _devices = [new Device(this, "tensorflow:cpu"), .. Enumerable.Range(0, Context.Gpus).Select(i => new Device(this, $"tensorflow:gpu:{i}"))];
        _names = [.. _devices.Select((_, i) => Marshal.StringToCoTaskMemUTF8(i == 0 ? "/device:CPU:0" : $"/device:GPU:{i - 1}"))];
        ImplementOps();
        ImplementSteps();
        Implement<SavedCall>(SavedSession.Run);
        if (UsesXla)
        {
            RequireXla();
        }
    }

    /// <summary>The version of the native library.</summary>
    public Version Version { get; }

    /// <inheritdoc/>
    public override string Name => "tensorflow";

    /// <inheritdoc/>
    public override IReadOnlyList<Device> Devices => _devices;

    /// <summary>The context of the process.</summary>
    internal EagerContext Context { get; }

    /// <summary>Whether compiled graphs go through XLA.</summary>
    internal bool UsesXla { get; }

    /// <summary>Whether graphs of a device are run by TensorFlow's own kernels of the CPU.</summary>
    /// <param name="device">The device.</param>
    /// <returns>False: XLA, or a GPU.</returns>
    internal bool RunsPlain(Device device) => !UsesXla && ReferenceEquals(device, _devices[0]);

    /// <summary>
    /// Finds the native library, opens TensorFlow's context, and makes its devices known. Once in a process; later calls
    /// return the same backend.
    /// </summary>
    /// <param name="options">How to find it and set it up; null: the defaults, or what stands already.</param>
    /// <returns>The backend.</returns>
    /// <exception cref="BackendUnavailableException">There is no native library, or it is not fit.</exception>
    /// <exception cref="DeviceException">It is registered already, with other options.</exception>
    public static TensorFlowBackend Register(TensorFlowOptions? options = null)
    {
        lock (s_lock)
        {
            if (s_instance is null)
            {
                s_options = options ?? new TensorFlowOptions();
                s_instance = new TensorFlowBackend(s_options);
            }
            else if (options is not null && options != s_options)
            {
                throw new DeviceException("TensorFlow is set up already in this process, with other options: register it once, before anything else does.");
            }

            Device.Register(s_instance);
            return s_instance;
        }
    }

    /// <inheritdoc/>
    public override BackendTensor Import(TensorSpec spec, Device device, ReadOnlySpan<byte> data) =>
        new TensorFlowTensor(spec, device, Place(device, EagerContext.Import(spec, data)));

    /// <summary>Takes memory over without a copy where its address is a multiple of 64, as TensorFlow's kernels want it.</summary>
    /// <inheritdoc/>
    public override BackendTensor Import(TensorSpec spec, Device device, HostMemory memory)
    {
        Lowered.RequireAxes(spec);
        long* dims = stackalloc long[spec.Rank + 1];
        Numbers.Widen(spec.Shape.AsSpan(), dims);
        void* owner = (void*)GCHandle.ToIntPtr(GCHandle.Alloc(memory));

        // TensorFlow calls Unpin in any case: when nobody uses the memory any more, or now, if it copies or refuses.
        nint tensor = C.TF_NewTensor(C.Code(spec.DType), dims, spec.Rank, (void*)memory.Address, (nuint)spec.Bytes, &Unpin, owner);
        if (tensor == 0)
        {
            throw new EngineException($"TensorFlow did not take {memory.Bytes} bytes for a {spec} tensor.");
        }

        nint status = Status.Mine, handle = C.TFE_NewTensorHandle(tensor, status);
        C.TF_DeleteTensor(tensor);
        Status.Check(status, "an import"u8);
        return new TensorFlowTensor(spec, device, Place(device, handle));
    }

    /// <inheritdoc/>
    public override void Export(BackendTensor source, Span<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(source);
        TensorFlowTensor tensor = (TensorFlowTensor)source;
        nint status = Status.Mine, resolved = C.TFE_TensorHandleResolve(tensor.Handle, status);
        Status.Check(status, "an export"u8);
        int bytes = checked((int)source.Spec.Bytes);
        new ReadOnlySpan<byte>(C.TF_TensorData(resolved), bytes).CopyTo(destination);
        C.TF_DeleteTensor(resolved);
        GC.KeepAlive(tensor);
    }

    /// <inheritdoc/>
    public override bool TryBorrow(BackendTensor source, out ReadOnlySpan<byte> data)
    {
        ArgumentNullException.ThrowIfNull(source);
        data = default;
        if (!ReferenceEquals(source.Device, _devices[0]) || source.Spec.Bytes > int.MaxValue)
        {
            return false;
        }

        nint status = Status.Mine;
        void* pointer = C.TFE_TensorHandleDevicePointer(((TensorFlowTensor)source).Handle, status);
        Status.Check(status, "a look at a tensor"u8);
        data = new ReadOnlySpan<byte>(pointer, (int)source.Spec.Bytes);
        return true;
    }

    /// <inheritdoc/>
    public override BackendTensor Copy(BackendTensor source, Device target)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        TensorFlowTensor tensor = (TensorFlowTensor)source;
        nint handle = ReferenceEquals(source.Device, target) ? EagerContext.Share(tensor.Handle) : Transfer(tensor.Handle, target);
        GC.KeepAlive(tensor);
        return new TensorFlowTensor(source.Spec, target, handle);
    }

    /// <inheritdoc/>
    public override CompiledGraph Compile(Graph graph, Device device) => new TensorFlowFunction(this, graph, device);

    /// <summary>On a GPU, waits for its queue; on the CPU every op is done when it returns.</summary>
    /// <inheritdoc/>
    public override void Synchronize(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (!ReferenceEquals(device, _devices[0]))
        {
            BackendTensor probe = Import(new TensorSpec(default, DType.Int32), device, stackalloc byte[4]);
            Export(probe, stackalloc byte[4]);
            probe.Release();
        }
    }

    /// <summary>The emitter of this thread for a device.</summary>
    /// <param name="device">The device.</param>
    /// <returns>The emitter.</returns>
    internal EagerEmitter Emitter(Device device)
    {
        int index = ReferenceEquals(device, _devices[0]) ? 0 : Array.IndexOf(_devices, device);
        EagerEmitter?[] mine = t_emitters ??= new EagerEmitter?[_devices.Length];
        return mine[index] ??= new EagerEmitter(Context, _devices.Length == 1 ? null : (byte*)_names[index]) { OnCpu = index == 0 };
    }

    /// <summary>Makes an anonymous resource variable, which goes with its handle, and shares a value's memory until it changes.</summary>
    /// <param name="spec">Shape and dtype.</param>
    /// <param name="device">Where it lies.</param>
    /// <param name="value">Its first value.</param>
    /// <returns>Its handle, the caller's.</returns>
    internal nint NewVariable(TensorSpec spec, Device device, nint value)
    {
        EagerEmitter e = Emitter(device);
        e.Op("VarHandleOp"u8).Type("dtype"u8, C.Code(spec.DType));
        e.Shape("shape"u8, spec.Shape).Text("shared_name"u8, "cd2c89b7-88b7-44c8-ad83-06c2a9158347"u8);
        nint variable = e.Detach(e.One());
        e.Op("AssignVariableOp"u8, variable, value).Type("dtype"u8, C.Code(spec.DType)).None();
        return variable;
    }

    /// <summary>Reads a variable: a snapshot, which a later update leaves alone.</summary>
    /// <param name="spec">Shape and dtype.</param>
    /// <param name="device">Where it lies.</param>
    /// <param name="variable">Its handle.</param>
    /// <returns>The value's handle, the caller's.</returns>
    internal nint ReadVariable(TensorSpec spec, Device device, nint variable)
    {
        EagerEmitter e = Emitter(device);
        return e.Detach(e.Op("ReadVariableOp"u8, variable).Type("dtype"u8, C.Code(spec.DType)).One());
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Unpin(void* data, nuint bytes, void* owner)
    {
        GCHandle handle = GCHandle.FromIntPtr((nint)owner);
        ((HostMemory)handle.Target!).Dispose();
        handle.Free();
    }

    /// <summary>A library may be built without XLA, which only compiling something tells.</summary>
    private void RequireXla()
    {
        Device device = _devices[0];
        try
        {
            using Graph graph = Graph.Trace(inputs => [-inputs[0]], [new TensorSpec(default, DType.Float32)], device);
            using Tensor one = Tensor.From([1f], default(Shape), device);
            graph.Run(one)[0].Dispose();
        }
        catch (EngineException error)
        {
            throw new BackendUnavailableException(Name, $"TensorFlowOptions.Xla is set, and this library has no XLA: {error.Message}", error);
        }
    }

    private nint Transfer(nint handle, Device target)
    {
        nint status = Status.Mine;
        nint moved = C.TFE_TensorHandleCopyToDevice(handle, Context.Pointer, (byte*)_names[Array.IndexOf(_devices, target)], status);
        Status.Check(status, "a copy between devices"u8);
        return moved;
    }

    /// <summary>Moves what lies on the host to a device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="handle">The handle, which goes.</param>
    /// <returns>The handle there, the caller's.</returns>
    internal nint Place(Device device, nint handle)
    {
        if (!ReferenceEquals(device, _devices[0]))
        {
            nint moved = Transfer(handle, device);
            C.TFE_DeleteTensorHandle(handle);
            handle = moved;
        }

        return handle;
    }
}
