using System.Diagnostics;
using System.Runtime.InteropServices;
using Tensorflow;

namespace DeepBridge.Engines.Benchmarks.TensorFlow;

/// <summary>The C API as a program without DeepBridge declares it, in the library that is loaded already.</summary>
internal static unsafe partial class Raw
{
    private const string Library = "raw_tensorflow";
    private static nint s_status;

    /// <summary>A context of the rivals' own, with as many threads as DeepBridge's, which sleep when they are idle.</summary>
    internal static nint Context { get; private set; }

    internal static void Start(int threads)
    {
        s_status = Open();
        byte[] config = [0x10, (byte)threads, 0x28, (byte)threads, 0x82, 0x01, 2, 0x48, 1];
        nint options = TFE_NewContextOptions();
        fixed (byte* bytes = config)
        {
            TFE_ContextOptionsSetConfig(options, bytes, (nuint)config.Length, s_status);
        }

        Context = TFE_NewContext(options, s_status);
        Check();
        TFE_DeleteContextOptions(options);
    }

    internal static nint Status => s_status;

    internal static void Check()
    {
        if (TF_GetCode(s_status) != 0)
        {
            throw new InvalidOperationException(Marshal.PtrToStringUTF8(TF_Message(s_status)));
        }
    }

    /// <summary>The address of a literal, which ends with 0 and never moves.</summary>
    internal static byte* At(ReadOnlySpan<byte> literal) =>
        (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetReference(literal));

    /// <summary>A dtype's number in TensorFlow.</summary>
    internal static int Code<T>() => typeof(T) == typeof(float) ? 1 : typeof(T) == typeof(double) ? 2 : typeof(T) == typeof(int) ? 3 : 9;

    internal static nint Tensor<T>(ReadOnlySpan<T> data, params ReadOnlySpan<int> shape)
        where T : unmanaged
    {
        long* dims = stackalloc long[shape.Length + 1];
        for (int i = 0; i < shape.Length; i++)
        {
            dims[i] = shape[i];
        }

        nint tensor = TF_AllocateTensor(Code<T>(), dims, shape.Length, (nuint)(data.Length * sizeof(T)));
        data.CopyTo(new Span<T>(TF_TensorData(tensor), data.Length));
        return tensor;
    }

    internal static nint Handle<T>(ReadOnlySpan<T> data, params ReadOnlySpan<int> shape)
        where T : unmanaged
    {
        nint tensor = Tensor(data, shape), handle = TFE_NewTensorHandle(tensor, s_status);
        Check();
        TF_DeleteTensor(tensor);
        return handle;
    }

    internal static float Read(nint handle)
    {
        float value = *(float*)TFE_TensorHandleDevicePointer(handle, s_status);
        Check();
        return value;
    }

    private static nint Open()
    {
        string path = Process.GetCurrentProcess().Modules.Cast<ProcessModule>()
            .First(module => module.ModuleName.Contains("tensorflow", StringComparison.Ordinal) && !module.ModuleName.Contains("framework", StringComparison.Ordinal)
                && NativeLibrary.TryGetExport(NativeLibrary.Load(module.FileName), "TFE_Execute", out _)).FileName;
        nint library = NativeLibrary.Load(path);
        NativeLibrary.SetDllImportResolver(typeof(Raw).Assembly, (name, _, _) => name == Library ? library : 0);
        return TF_NewStatus();
    }

    [LibraryImport(Library)] private static partial nint TF_NewStatus();
    [LibraryImport(Library)] private static partial int TF_GetCode(nint status);
    [LibraryImport(Library)] private static partial nint TF_Message(nint status);
    [LibraryImport(Library)] private static partial nint TFE_NewContextOptions();
    [LibraryImport(Library)] private static partial void TFE_ContextOptionsSetConfig(nint options, byte* config, nuint length, nint status);
    [LibraryImport(Library)] private static partial nint TFE_NewContext(nint options, nint status);
    [LibraryImport(Library)] private static partial void TFE_DeleteContextOptions(nint options);
    [LibraryImport(Library)] private static partial nint TF_AllocateTensor(int dtype, long* dims, int rank, nuint bytes);
    [LibraryImport(Library)] private static partial void* TF_TensorData(nint tensor);
    [LibraryImport(Library)] internal static partial void TF_DeleteTensor(nint tensor);
    [LibraryImport(Library)] private static partial nint TFE_NewTensorHandle(nint tensor, nint status);
    [LibraryImport(Library)] internal static partial void TFE_DeleteTensorHandle(nint handle);
    [LibraryImport(Library)] private static partial void* TFE_TensorHandleDevicePointer(nint handle, nint status);
    [LibraryImport(Library)] internal static partial nint TFE_NewOp(nint context, byte* name, nint status);
    [LibraryImport(Library)] internal static partial void TFE_OpReset(nint op, byte* name, byte* device, nint status);
    [LibraryImport(Library)] internal static partial void TFE_OpAddInput(nint op, nint handle, nint status);
    [LibraryImport(Library)] internal static partial void TFE_OpSetAttrType(nint op, byte* name, int value);
    [LibraryImport(Library)] internal static partial void TFE_OpSetAttrBool(nint op, byte* name, byte value);
    [LibraryImport(Library)] internal static partial void TFE_OpSetAttrString(nint op, byte* name, byte* value, nuint length);
    [LibraryImport(Library)] internal static partial void TFE_OpSetAttrIntList(nint op, byte* name, long* values, int count);
    [LibraryImport(Library)] internal static partial void TFE_OpSetAttrShape(nint op, byte* name, long* dims, int rank, nint status);
    [LibraryImport(Library)] internal static partial void TFE_Execute(nint op, nint* results, int* count, nint status);
    [LibraryImport(Library)] internal static partial nint TF_NewGraph();
    [LibraryImport(Library)] internal static partial void TF_DeleteGraph(nint graph);
    [LibraryImport(Library)] internal static partial nint TF_NewOperation(nint graph, byte* name, byte* node);
    [LibraryImport(Library)] internal static partial void TF_SetAttrType(nint node, byte* name, int value);
    [LibraryImport(Library)] internal static partial void TF_SetAttrBool(nint node, byte* name, byte value);
    [LibraryImport(Library)] internal static partial void TF_SetAttrString(nint node, byte* name, byte* value, nuint length);
    [LibraryImport(Library)] internal static partial void TF_SetAttrIntList(nint node, byte* name, long* values, int count);
    [LibraryImport(Library)] internal static partial void TF_SetAttrTensor(nint node, byte* name, nint tensor, nint status);
    [LibraryImport(Library)] internal static partial nint TF_FinishOperation(nint node, nint status);
    [LibraryImport(Library)]
    internal static partial nint TF_GraphToFunctionWithControlOutputs(
        nint graph, byte* name, byte appendHash, int operationCount, nint* operations, int inputCount, TF_Output* inputs, int outputCount, TF_Output* outputs,
        byte** outputNames, int controlCount, nint* controls, byte** controlNames, nint options, byte* description, nint status);
    [LibraryImport(Library)] internal static partial void TFE_ContextAddFunction(nint context, nint function, nint status);
    [LibraryImport(Library)] internal static partial void TF_DeleteFunction(nint function);
}
