using System.Runtime.InteropServices;
using Tensorflow;

namespace DeepBridge.TensorFlow.Native;

/// <content>Sessions and graphs of SavedModels.</content>
internal static unsafe partial class C
{
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] internal static partial nint TF_LoadSessionFromSavedModel(nint options, nint runOptions, string folder, [In] string[] tags, int tagCount, nint graph, nint metaGraph, nint status);

    [LibraryImport(Library)] internal static partial void TF_SessionRun(nint session, nint options, TF_Output* inputs, nint* values, int inputCount, TF_Output* outputs, nint* results, int outputCount, nint* targets, int targetCount, nint metadata, nint status);

    [LibraryImport(Library)] internal static partial void TF_DeleteSession(nint session, nint status);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] internal static partial nint TF_GraphOperationByName(nint graph, string name);
    [LibraryImport(Library)] internal static partial byte* TF_OperationName(nint operation);
    [LibraryImport(Library)] internal static partial int TF_OperationNumOutputs(nint operation);
    [LibraryImport(Library)] internal static partial int TF_TensorType(nint tensor);
    [LibraryImport(Library)] internal static partial int TF_NumDims(nint tensor);
    [LibraryImport(Library)] internal static partial long TF_Dim(nint tensor, int axis);
    [LibraryImport(Library)] internal static partial void TF_GraphToGraphDef(nint graph, nint buffer, nint status);
}
