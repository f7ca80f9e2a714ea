using System.Runtime.InteropServices;
using DeepBridge.Backends;
using DeepBridge.TensorFlow.Native;
using Google.Protobuf;
using Tensorflow;
using Status = DeepBridge.TensorFlow.Native.Status;

namespace DeepBridge.TensorFlow.SavedModels;

/// <summary>A session of TensorFlow with the graph of a SavedModel. It ends when it is disposed and its last call is done.</summary>
internal sealed unsafe class SavedSession : SafeHandle
{
    private static long s_live;

    private readonly SafeGraphHandle _graph = c_api.TF_NewGraph();

    /// <summary>Loads a graph and its variables.</summary>
    /// <param name="backend">The backend.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="tags">The graph's tags.</param>
    /// <exception cref="FileFormatException">TensorFlow refuses the files.</exception>
    internal SavedSession(TensorFlowBackend backend, string folder, string[] tags)
        : base(0, true)
    {
        using SafeStatusHandle status = c_api.TF_NewStatus();
        using SafeSessionOptionsHandle options = c_api.TF_NewSessionOptions();
        fixed (byte* config = backend.Context.Settings)
        {
            c_api.TF_SetConfig(options, (nint)config, (ulong)backend.Context.Settings.Length, status);
        }

        nint mine = Status.Mine;
        handle = C.TF_LoadSessionFromSavedModel(
            options.DangerousGetHandle(), 0, folder, tags, tags.Length, _graph.DangerousGetHandle(), 0, mine);
        if (handle == 0)
        {
            _graph.Dispose();
            throw new FileFormatException($"TensorFlow cannot load '{folder}': {Status.Message(mine)}");
        }

        Interlocked.Increment(ref s_live);
    }

    /// <summary>How many there are in the process.</summary>
    internal static long Live => Volatile.Read(ref s_live);

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>Finds a tensor of a signature in the graph.</summary>
    /// <param name="tensor">The tensor, of a dtype that DeepBridge has.</param>
    /// <returns>The node's output.</returns>
    /// <exception cref="FileFormatException">It is not there, or has another dtype than the signature says.</exception>
    internal TF_Output Find(SavedTensor tensor)
    {
        int colon = tensor.Tensor.LastIndexOf(':');
        nint operation = colon > 0 ? C.TF_GraphOperationByName(_graph.DangerousGetHandle(), tensor.Tensor[..colon]) : 0;
        if (operation != 0
            && int.TryParse(tensor.Tensor.AsSpan(colon + 1), out int index) && index >= 0 && index < C.TF_OperationNumOutputs(operation)
            && (int)c_api.TF_OperationOutputType(new TF_Output(operation, index)) == C.Code(tensor.DType!.Value))
        {
            return new TF_Output(operation, index);
        }

        throw new FileFormatException($"A signature names '{tensor.Tensor}', {tensor}, and the graph has no such tensor.");
    }

    /// <summary>The rank for which a tensor's readers were made.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <returns>The rank; -1: any.</returns>
    internal int Rank(SavedTensor tensor)
    {
        using SafeStatusHandle status = c_api.TF_NewStatus();
        return c_api.TF_GraphGetTensorNumDims(_graph, Find(tensor), status);
    }

    /// <summary>The kernel: runs the graph on the memory of the inputs, and takes the results over, without copies.</summary>
    /// <param name="op">The call.</param>
    /// <param name="call">Inputs and outputs.</param>
    internal static void Run(SavedCall op, in KernelCall call)
    {
        nint[] inputs = new nint[call.Inputs.Length], results = new nint[op.OutputCount];
        nint status = Status.Mine;
        bool held = false;
        try
        {
            op.Function.Session.DangerousAddRef(ref held);
            Shape[] shapes = [.. call.Inputs.ToArray().Select(input => input.Spec.Shape)];
            if (op.Function.Refusals.GetOrAdd([.. shapes.Select(shape => shape.Rank)], Judge, op.Function) is { } refusal)
            {
                throw new ShapeMismatchException(op.Function.Signature.Name, $"the graph does not take inputs of these ranks: {refusal}", shapes);
            }

            for (int i = 0; i < inputs.Length; i++)
            {
                inputs[i] = C.TFE_TensorHandleResolve(((TensorFlowTensor)call.Inputs[i]).Handle, status);
                Status.Check(status, "a signature"u8);
            }

            fixed (TF_Output* from = op.Function.Inputs, to = op.Function.Outputs)
            fixed (nint* values = inputs, outputs = results)
            {
                C.TF_SessionRun(op.Function.Session.handle, 0, from, values, inputs.Length, to, outputs, results.Length, null, 0, 0, status);
            }

            Status.Check(status, "a signature"u8);
            for (int i = 0; i < results.Length; i++)
            {
                TensorSpec spec = call.OutputSpecs[i].As(ShapeOf(results[i]));
                nint result = C.TFE_NewTensorHandle(results[i], status);
                Status.Check(status, "a signature"u8);
                call.Outputs[i] = new TensorFlowTensor(spec, call.Device, result);
            }

            op.HasRun = true;
        }
        finally
        {
            foreach (nint tensor in inputs.Concat(results))
            {
                C.TF_DeleteTensor(tensor);
            }

            if (held)
            {
                op.Function.Session.DangerousRelease();
            }
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        C.TF_DeleteSession(handle, Status.Mine);
        _graph.Dispose();
        Interlocked.Decrement(ref s_live);
        return true;
    }

    /// <summary>
    /// Infers the shapes of a graph and its functions anew, for ranks that it was not made for: TensorFlow's rules say what is wrong
    /// where its kernels would end the process.
    /// </summary>
    private static string? Judge(Dims ranks, SavedFunction function)
    {
        GraphDef graph = SavedGraph.Export(function.Session._graph);
        foreach ((TF_Output input, int rank) in function.Inputs.Zip(ranks.AsSpan().ToArray()).Where(pair => C.TF_OperationNumOutputs(pair.First.oper) == 1))
        {
            TensorShapeProto shape = new() { Dim = { Enumerable.Repeat(new TensorShapeProto.Types.Dim { Size = -1 }, rank) } };
            Open(graph.Node.First(node => node.Name == C.Text(C.TF_OperationName(input.oper))), new AttrValue { Type = (DataType)c_api.TF_OperationOutputType(input) }, shape);
        }

        foreach (NodeDef node in graph.Node.Concat(graph.Library.Function.SelectMany(one => one.NodeDef)))
        {
            node.Attr.Remove("_disable_call_shape_inference");
            if (node.Op == "GatherV2" && node.Attr.TryGetValue("batch_dims", out AttrValue? batch) && batch.I > 1 && node.Attr.TryGetValue("Tparams", out AttrValue? dtype))
            {
                // Its rule would end the process for too few axes, for which its kernel has an error.
                Open(node, dtype, new TensorShapeProto { UnknownRank = true });
            }
        }

        using SafeImportGraphDefOptionsHandle options = c_api.TF_NewImportGraphDefOptions();
        using SafeStatusHandle status = c_api.TF_NewStatus();
        using SafeGraphHandle judged = c_api.TF_NewGraph();
        fixed (byte* bytes = graph.ToByteArray())
        {
            using SafeBufferHandle buffer = c_api.TF_NewBufferFromString((nint)bytes, (ulong)graph.CalculateSize());
            c_api.TF_GraphImportGraphDef(judged, buffer, options, status);
        }

        return C.TF_GetCode(status.DangerousGetHandle()) == 0 ? null : Status.Message(status.DangerousGetHandle());
    }

    /// <summary>Makes a node a placeholder.</summary>
    private static void Open(NodeDef node, AttrValue dtype, TensorShapeProto shape)
    {
        node.Input.Clear();
        node.Attr.Clear();
        node.MergeFrom(Piece.Node(node.Name, "Placeholder", [], ("dtype", dtype), ("shape", new AttrValue { Shape = shape })));
    }

    private static Shape ShapeOf(nint tensor)
    {
        long[] extents = [.. Enumerable.Range(0, C.TF_NumDims(tensor)).Select(axis => C.TF_Dim(tensor, axis))];
        return extents.All(extent => extent <= int.MaxValue)
            ? Shape.Create([.. extents.Select(extent => (int)extent)])
            : throw new EngineException($"A signature gave a tensor of shape ({string.Join(", ", extents)}).");
    }
}
