using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using DeepBridge.TensorFlow.Native;
using Tensorflow;
using Tensorflow.Device;
using Tensorflow.Eager;
using Status = DeepBridge.TensorFlow.Native.Status;

namespace DeepBridge.TensorFlow.Eager;

/// <summary>The process' one context of TensorFlow: devices, threads, and small constants that ops ask for again and again.</summary>
internal sealed unsafe class EagerContext
{
    private const int MostConstants = 8192;

    private readonly ConcurrentDictionary<(Dims Values, int Columns), nint> _integers = new();
    private readonly ConcurrentDictionary<(Scalar Value, DType DType), nint> _numbers = new();
    private readonly Lazy<bool> _oneDnn;

    /// <summary>Opens the context.</summary>
    /// <param name="options">Threads and memory.</param>
    /// <exception cref="BackendUnavailableException">TensorFlow refuses.</exception>
    internal EagerContext(TensorFlowOptions options)
    {
        Settings = Config(options);
        using SafeStatusHandle status = c_api.TF_NewStatus();
        using SafeContextOptionsHandle settings = c_api.TFE_NewContextOptions();
        c_api.TFE_ContextOptionsSetConfig(settings, Settings, (ulong)Settings.Length, status);
        Require(status);
        Handle = c_api.TFE_NewContext(settings, status);
        Require(status);
        Pointer = Handle.DangerousGetHandle();
        using SafeDeviceListHandle list = c_api.TFE_ContextListDevices(Handle, status);
        Require(status);
        for (int i = 0; i < c_api.TF_DeviceListCount(list); i++)
        {
            Gpus += C.Text((byte*)c_api.TF_DeviceListType(list, i, status)) == "GPU" ? 1 : 0;
        }

        _oneDnn = new Lazy<bool>(ProbeOneDnn);
    }

    /// <summary>The context.</summary>
    internal SafeContextHandle Handle { get; }

    /// <summary>The context as a pointer; it lives as long as the process.</summary>
    internal nint Pointer { get; }

    /// <summary>The ConfigProto that it was opened with.</summary>
    internal byte[] Settings { get; }

    /// <summary>The number of GPUs that TensorFlow sees.</summary>
    internal int Gpus { get; }

    /// <summary>Whether a function can run on the thread that calls it, which takes an experimental export.</summary>
    internal bool RunsInline { get; } = LibraryLoader.Has("TFE_ContextSetRunEagerOpAsFunction");

    /// <summary>Keeps such calls apart from ops.</summary>
    internal CallGate Gate { get; } = new();

    /// <summary>Whether oneDNN's kernels are there: without them, no gradient of a grouped or dilated convolution is.</summary>
    internal bool HasOneDnn => _oneDnn.Value;

    /// <summary>A vector, or a matrix, of int32 on the host, kept if there is room.</summary>
    /// <param name="values">The values, row by row.</param>
    /// <param name="columns">The columns of a matrix; 0: a vector.</param>
    /// <param name="kept">Whether the caller must not delete it.</param>
    /// <returns>The handle.</returns>
    internal nint Integers(Dims values, int columns, out bool kept) => Keep(
        _integers, (values, columns), out kept, static key => Import(
            new TensorSpec(key.Item2 == 0 ? [key.Item1.Length] : [key.Item1.Length / key.Item2, key.Item2], DType.Int32),
            MemoryMarshal.AsBytes(key.Item1.AsSpan())));

    /// <summary>A number on the host, kept if there is room.</summary>
    /// <param name="value">The value.</param>
    /// <param name="dtype">The dtype.</param>
    /// <param name="kept">Whether the caller must not delete it.</param>
    /// <returns>The handle.</returns>
    internal nint Number(Scalar value, DType dtype, out bool kept) => Keep(
        _numbers, (value, dtype), out kept, static key => Import(new TensorSpec(default, key.Item2), Numbers.Bytes(key.Item1, key.Item2)));

    /// <summary>A scalar that a tensor holds. Integers are counts, no two alike, and not kept.</summary>
    /// <param name="value">The value.</param>
    /// <param name="spec">Its spec.</param>
    /// <returns>A handle on the host, the caller's.</returns>
    internal nint Scalar(Scalar value, TensorSpec spec)
    {
        bool kept = false;
        nint handle = spec.DType == DType.Int64 ? Import(spec, Numbers.Bytes(value, spec.DType)) : Number(value, spec.DType, out kept);
        return kept ? Share(handle) : handle;
    }

    /// <summary>Copies memory into a tensor of TensorFlow.</summary>
    /// <param name="spec">Shape and dtype.</param>
    /// <param name="data">The elements.</param>
    /// <returns>A handle on the host, the caller's.</returns>
    /// <exception cref="EngineException">There is no memory.</exception>
    internal static nint Import(TensorSpec spec, ReadOnlySpan<byte> data)
    {
        nint tensor = Tensor(spec, data), status = Status.Mine;
        nint handle = C.TFE_NewTensorHandle(tensor, status);
        C.TF_DeleteTensor(tensor);
        Status.Check(status, "an import"u8);
        return handle;
    }

    /// <summary>Another handle of the same memory.</summary>
    /// <param name="handle">The handle.</param>
    /// <returns>The other, the caller's.</returns>
    internal static nint Share(nint handle)
    {
        nint status = Status.Mine, shared = C.TFE_TensorHandleCopySharingTensor(handle, status);
        Status.Check(status, "a copy"u8);
        return shared;
    }

    /// <summary>A TF_Tensor with a copy of memory.</summary>
    /// <param name="spec">Shape and dtype.</param>
    /// <param name="data">The elements.</param>
    /// <returns>The tensor, the caller's.</returns>
    internal static nint Tensor(TensorSpec spec, ReadOnlySpan<byte> data)
    {
        Lowering.Lowered.RequireAxes(spec);
        long* dims = stackalloc long[spec.Rank + 1];
        Numbers.Widen(spec.Shape.AsSpan(), dims);
        nint tensor = C.TF_AllocateTensor(C.Code(spec.DType), dims, spec.Rank, (nuint)spec.Bytes);
        void* memory = tensor == 0 ? null : C.TF_TensorData(tensor);
        if (memory is null && spec.Bytes > 0)
        {
            C.TF_DeleteTensor(tensor);
            throw new EngineException($"TensorFlow has no memory for a {spec} tensor of {spec.Bytes} bytes.");
        }

        data[..(int)spec.Bytes].CopyTo(new Span<byte>(memory, (int)spec.Bytes));
        return tensor;
    }

    /// <summary>
    /// The function that TensorFlow wraps calls on the calling thread in. It is one for all functions of so many arguments and results,
    /// and nobody but us removes it (<c>tensorflow/core/common_runtime/eager/execute.cc</c>, BuildWrappedOpName).
    /// </summary>
    /// <param name="arguments">The number of arguments.</param>
    /// <param name="results">The number of results.</param>
    /// <returns>Its name.</returns>
    internal static string WrapperOf(int arguments, int results) =>
        $"__wrapped__StatefulPartitionedCall_Tin_{arguments}_Tout_{results}_device_/job:localhost/replica:0/task:0/device:CPU:0";

    /// <summary>Removes a function, and with its wrapper what TensorFlow has made of all that it wraps; another of them is made anew when it is called.</summary>
    /// <param name="function">The function's name.</param>
    /// <param name="wrapper">The wrapper's, or null.</param>
    internal void Remove(string function, string? wrapper)
    {
        using SafeStatusHandle status = c_api.TF_NewStatus();
        c_api.TFE_ContextRemoveFunction(Handle, function, status);
        Gate.BeginOp();
        try
        {
            if (wrapper is not null && C.TFE_ContextHasFunction(Pointer, wrapper) != 0)
            {
                c_api.TFE_ContextRemoveFunction(Handle, wrapper, status);
            }
        }
        finally
        {
            Gate.EndOp();
        }
    }

    private static nint Keep<TKey>(ConcurrentDictionary<TKey, nint> constants, TKey key, out bool kept, Func<TKey, nint> make)
        where TKey : notnull
    {
        kept = true;
        if (constants.TryGetValue(key, out nint handle))
        {
            return handle;
        }

        handle = make(key);
        kept = constants.Count < MostConstants && constants.TryAdd(key, handle);
        return handle;
    }

    /// <summary>The fields of a ConfigProto that differ from its defaults (<c>tensorflow/core/protobuf/config.proto</c>).</summary>
    private static byte[] Config(TensorFlowOptions options)
    {
        List<byte> bytes = [];
        void Number(byte tag, int value)
        {
            if (value > 0)
            {
                bytes.AddRange([tag, (byte)Math.Min(value, 127)]);
            }
        }

        Number(0x10, options.IntraOpThreads);
        Number(0x28, options.InterOpThreads);
        if (options.GrowingGpuMemory)
        {
            bytes.AddRange([0x32, 2, 0x20, 1]);
        }

        if (!options.SpinningThreads)
        {
            bytes.AddRange([0x82, 0x01, 2, 0x48, 1]);
        }

        return [.. bytes];
    }

    /// <summary>Only oneDNN computes the gradient of a grouped convolution on the CPU.</summary>
    private bool ProbeOneDnn()
    {
        EagerEmitter emitter = new(this, null) { OnCpu = true };
        nint x = Import(new TensorSpec([1, 1, 1, 2], DType.Float32), new byte[8]);
        try
        {
            emitter.Op("Conv2DBackpropFilter"u8, [x, emitter.Integers([1, 1, 1, 2]), x])
                .Integers("strides"u8, [1, 1, 1, 1]).Text("padding"u8, "VALID"u8).One();
            return true;
        }
        catch (EngineException)
        {
            return false;
        }
        finally
        {
            emitter.DeleteTemporaries([]);
            C.TFE_DeleteTensorHandle(x);
        }
    }

    private static void Require(SafeStatusHandle status)
    {
        if (c_api.TF_GetCode(status) != TF_Code.TF_OK)
        {
            throw new BackendUnavailableException("tensorflow", $"TensorFlow cannot be set up: {Status.Message(status.DangerousGetHandle())}");
        }
    }
}
