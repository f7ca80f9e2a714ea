using System.Runtime.InteropServices;

namespace DeepBridge.TensorFlow.Native;

/// <summary>
/// What the busy path calls with plain pointers, and what TensorFlow.NET's declarations lack or get wrong. Everything else
/// goes through <c>Tensorflow.c_api</c>.
/// </summary>
internal static unsafe partial class C
{
    internal const string Library = "tensorflow";

    [LibraryImport(Library)] internal static partial nint TF_NewStatus();
    [LibraryImport(Library)] internal static partial void TF_DeleteStatus(nint status);
    [LibraryImport(Library)] internal static partial int TF_GetCode(nint status);
    [LibraryImport(Library)] internal static partial byte* TF_Message(nint status);
    [LibraryImport(Library)] internal static partial nint TF_AllocateTensor(int dtype, long* dims, int rank, nuint bytes);
    [LibraryImport(Library)] internal static partial nint TF_NewTensor(int dtype, long* dims, int rank, void* data, nuint bytes, delegate* unmanaged[Cdecl]<void*, nuint, void*, void> deallocator, void* argument);
    [LibraryImport(Library)] internal static partial void* TF_TensorData(nint tensor);
    [LibraryImport(Library)] internal static partial void TF_DeleteTensor(nint tensor);
    [LibraryImport(Library)] internal static partial nint TFE_NewTensorHandle(nint tensor, nint status);
    [LibraryImport(Library)] internal static partial void TFE_DeleteTensorHandle(nint handle);
    [LibraryImport(Library)] internal static partial nint TFE_TensorHandleResolve(nint handle, nint status);
    [LibraryImport(Library)] internal static partial void* TFE_TensorHandleDevicePointer(nint handle, nint status);
    [LibraryImport(Library)] internal static partial int TFE_TensorHandleNumDims(nint handle, nint status);
    [LibraryImport(Library)] internal static partial nint TFE_TensorHandleCopySharingTensor(nint handle, nint status);
    [LibraryImport(Library)] internal static partial nint TFE_TensorHandleCopyToDevice(nint handle, nint context, byte* device, nint status);
    [LibraryImport(Library)] internal static partial nint TFE_NewOp(nint context, byte* name, nint status);
    [LibraryImport(Library)] internal static partial void TFE_DeleteOp(nint op);
    [LibraryImport(Library)] internal static partial void TFE_OpReset(nint op, byte* name, byte* device, nint status);
    [LibraryImport(Library)] internal static partial void TFE_OpAddInput(nint op, nint handle, nint status);
    [LibraryImport(Library)] internal static partial void TFE_OpAddInputList(nint op, nint* handles, int count, nint status);
    [LibraryImport(Library)] internal static partial void TFE_OpSetAttrType(nint op, byte* name, int value);
    [LibraryImport(Library)] internal static partial void TFE_OpSetAttrBool(nint op, byte* name, byte value);
    [LibraryImport(Library)] internal static partial void TFE_OpSetAttrInt(nint op, byte* name, long value);
    [LibraryImport(Library)] internal static partial void TFE_OpSetAttrFloat(nint op, byte* name, float value);
    [LibraryImport(Library)] internal static partial void TFE_OpSetAttrString(nint op, byte* name, byte* value, nuint length);
    [LibraryImport(Library)] internal static partial void TFE_OpSetAttrIntList(nint op, byte* name, long* values, int count);
    [LibraryImport(Library)] internal static partial void TFE_OpSetAttrShape(nint op, byte* name, long* dims, int rank, nint status);
    [LibraryImport(Library)] internal static partial void TFE_Execute(nint op, nint* results, int* count, nint status);
    [LibraryImport(Library)] internal static partial void TFE_OpSetAttrTypeList(nint op, byte* name, int* values, int count);
    [LibraryImport(Library)] internal static partial void TFE_OpSetAttrFunctionName(nint op, byte* name, byte* value, nuint length);
    [LibraryImport(Library)] internal static partial void TFE_ContextSetRunEagerOpAsFunction(nint context, byte enable, nint status);
    [LibraryImport(Library)] internal static partial nint TF_NewOperation(nint graph, byte* name, byte* node);
    [LibraryImport(Library)] internal static partial void TF_SetAttrType(nint node, byte* name, int value);
    [LibraryImport(Library)] internal static partial void TF_SetAttrBool(nint node, byte* name, byte value);
    [LibraryImport(Library)] internal static partial void TF_SetAttrInt(nint node, byte* name, long value);
    [LibraryImport(Library)] internal static partial void TF_SetAttrFloat(nint node, byte* name, float value);
    [LibraryImport(Library)] internal static partial void TF_SetAttrString(nint node, byte* name, byte* value, nuint length);
    [LibraryImport(Library)] internal static partial void TF_SetAttrIntList(nint node, byte* name, long* values, int count);
    [LibraryImport(Library)] internal static partial void TF_SetAttrShape(nint node, byte* name, long* dims, int rank);
    [LibraryImport(Library)] internal static partial void TF_SetAttrTensor(nint node, byte* name, nint tensor, nint status);

    /// <summary>TensorFlow.NET declares only the one without control outputs, and its single-threaded executor runs no update that is none.</summary>
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint TF_GraphToFunctionWithControlOutputs(
        nint graph, string name, byte appendHash, int operationCount, nint* operations, int inputCount, Tensorflow.TF_Output* inputs, int outputCount, Tensorflow.TF_Output* outputs,
        byte** outputNames, int controlCount, nint* controls, byte** controlNames, nint options, byte* description, nint status);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] internal static partial byte TFE_ContextHasFunction(nint context, string name);
    [LibraryImport(Library)] internal static partial void TFE_ContextAddFunction(nint context, nint function, nint status);
    [LibraryImport(Library)] internal static partial void TF_DeleteFunction(nint function);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint TF_LoadSessionFromSavedModel(
        nint options, nint runOptions, string folder, [In] string[] tags, int tagCount, nint graph, nint metaGraph, nint status);

    [LibraryImport(Library)]
    internal static partial void TF_SessionRun(
        nint session, nint options, Tensorflow.TF_Output* inputs, nint* values, int inputCount, Tensorflow.TF_Output* outputs, nint* results,
        int outputCount, nint* targets, int targetCount, nint metadata, nint status);

    [LibraryImport(Library)] internal static partial void TF_DeleteSession(nint session, nint status);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] internal static partial nint TF_GraphOperationByName(nint graph, string name);
    [LibraryImport(Library)] internal static partial byte* TF_OperationName(nint operation);
    [LibraryImport(Library)] internal static partial int TF_OperationNumOutputs(nint operation);
    [LibraryImport(Library)] internal static partial int TF_NumDims(nint tensor);
    [LibraryImport(Library)] internal static partial long TF_Dim(nint tensor, int axis);
    [LibraryImport(Library)] internal static partial void TF_GraphToGraphDef(nint graph, nint buffer, nint status);

    /// <summary>The number by which TensorFlow knows a dtype (<c>types.proto</c>).</summary>
    internal static int Code(DType dtype) => dtype switch
    {
        DType.Float32 => 1,
        DType.Float64 => 2,
        DType.Int32 => 3,
        DType.UInt8 => 4,
        DType.Int16 => 5,
        DType.Int8 => 6,
        DType.Int64 => 9,
        DType.Bool => 10,
        DType.BFloat16 => 14,
        _ => 19,
    };

    /// <summary>TensorFlow's resource and unsigned 64-bit types, which no tensor of ours has.</summary>
    internal const int ResourceCode = 20, UInt64Code = 23;

    /// <summary>The text at a pointer that ends with 0.</summary>
    internal static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? string.Empty;

    /// <summary>The address of a literal of UTF-8, which lies in the assembly, ends with 0 and never moves.</summary>
    internal static byte* At(ReadOnlySpan<byte> literal) => (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetReference(literal));
}
