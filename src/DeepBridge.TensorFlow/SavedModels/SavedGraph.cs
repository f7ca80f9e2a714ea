using DeepBridge.TensorFlow.Graphs;
using DeepBridge.TensorFlow.Native;
using Tensorflow;
using Graph = DeepBridge.Graphs.Graph;
using Status = DeepBridge.TensorFlow.Native.Status;

namespace DeepBridge.TensorFlow.SavedModels;

/// <summary>A traced function as a GraphDef, with a placeholder for each variable.</summary>
internal sealed unsafe class SavedGraph
{
    private readonly string[] _arguments;
    private readonly TensorSpec[] _outputs;

    /// <summary>Traces and lowers a function that assigns nothing.</summary>
    /// <param name="backend">The backend.</param>
    /// <param name="function">The function.</param>
    /// <param name="inputs">The specs of its arguments.</param>
    /// <param name="device">Where its variables are.</param>
    /// <exception cref="UnsupportedOpException">The function assigns a variable, or has an op that TensorFlow has not.</exception>
    internal SavedGraph(TensorFlowBackend backend, Func<Tensor[], Tensor[]> function, TensorSpec[] inputs, Device device)
    {
        using Graph traced = Graph.Trace(function, inputs, device), simple = traced.Lower(backend.Supports), lowered = simple.For(backend.Devices[0]);
        if (lowered.States.FirstOrDefault(state => state.After is not null) is { } written)
        {
            throw new UnsupportedOpException($"A SavedModel is for inference, and the model assigns {written.Variable}.");
        }

        Inputs = inputs;
        _outputs = [.. lowered.Outputs.Select(output => output.Spec)];
        Variables = [.. lowered.States.Select(state => state.Variable)];
        using SafeGraphHandle body = c_api.TF_NewGraph();
        (TF_Output[] arguments, TF_Output[] results) = FunctionBuilder.Emit(backend, lowered, body.DangerousGetHandle());
        _arguments = [.. arguments.Select(argument => C.Text(C.TF_OperationName(argument.oper)))];
        Def = Export(body);
        Reads = [.. _arguments[inputs.Length..].Select(name => Def.Node.Single(node => node.Name == name))];

        // A result may be an argument, which TensorFlow does not both take and give.
        Def.Node.AddRange(results.Select((result, i) => Piece.Node(
            Output(i), "Identity", [$"{C.Text(C.TF_OperationName(result.oper))}:{result.index}"], ("T", Piece.Type(_outputs[i].DType)))));
        Shapes = [.. Inputs.Concat(_outputs).Select(spec => Piece.Shape(spec.Shape))];
    }

    /// <summary>The graph.</summary>
    internal GraphDef Def { get; }

    /// <summary>The specs of the arguments.</summary>
    internal TensorSpec[] Inputs { get; }

    /// <summary>The variables that the function reads.</summary>
    internal Variable[] Variables { get; }

    /// <summary>The placeholders of the variables.</summary>
    internal NodeDef[] Reads { get; }

    private TensorShapeProto[] Shapes { get; }

    /// <summary>
    /// Makes the graph one for batches of any size, by those for three sizes. Integers that differ between them, which say where
    /// to slice and how to reshape, are computed from the size; shapes of arguments are left open.
    /// </summary>
    /// <param name="others">The same function's graphs for other sizes.</param>
    /// <returns>False: something else depends on the size; the graph is of no use then.</returns>
    internal bool Open(SavedGraph[] others)
    {
        long[] sizes = [.. others.Prepend(this).Select(graph => (long)graph.Inputs[0].Shape[0])];
        if (!others.All(other => other.Def.Node.Count == Def.Node.Count && Shapes.Zip(other.Shapes).All(pair => Piece.Open(pair.First, pair.Second))))
        {
            return false;
        }

        NodeDef[] nodes = [.. Def.Node];
        AttrValue number = Piece.Type(DType.Int32);
        Def.Node.Add(Piece.Node("batch_shape", "Shape", [_arguments[0]], ("T", Piece.Type(Inputs[0].DType)), ("out_type", number)));
        Def.Node.Add(Piece.Const("batch_axis", Piece.Integers([0], new TensorShapeProto())));
        Def.Node.Add(Piece.Node(
            "batch", "GatherV2", ["batch_shape", "batch_axis", "batch_axis"], ("Tparams", number), ("Tindices", number), ("Taxis", number)));
        return nodes.Index().All(node => Open(node.Item, [.. others.Select(other => other.Def.Node[node.Index])], sizes));
    }

    /// <summary>What the graph takes and gives.</summary>
    /// <returns>The signature.</returns>
    internal SignatureDef Signature()
    {
        SignatureDef signature = new() { MethodName = "tensorflow/serving/predict" };
        for (int i = 0; i < Inputs.Length; i++)
        {
            signature.Inputs[$"input_{i}"] = Piece.Info($"{_arguments[i]}:0", Inputs[i].DType, Shapes[i]);
        }

        for (int i = 0; i < _outputs.Length; i++)
        {
            signature.Outputs[Output(i)] = Piece.Info($"{Output(i)}:0", _outputs[i].DType, Shapes[Inputs.Length + i]);
        }

        return signature;
    }

    /// <summary>A graph of TensorFlow as a GraphDef.</summary>
    /// <param name="graph">The graph.</param>
    /// <returns>The GraphDef.</returns>
    internal static GraphDef Export(SafeGraphHandle graph)
    {
        using SafeBufferHandle buffer = c_api.TF_NewBuffer();
        nint status = Status.Mine, bytes = buffer.DangerousGetHandle();
        C.TF_GraphToGraphDef(graph.DangerousGetHandle(), bytes, status);
        Status.Check(status, "a graph's export"u8);
        (nint data, nuint length) = (*(nint*)bytes, *(nuint*)(bytes + sizeof(nint)));
        return GraphDef.Parser.ParseFrom(new ReadOnlySpan<byte>((void*)data, checked((int)length)));
    }

    private static string Output(int i) => $"output_{i}";

    private bool Open(NodeDef mine, NodeDef[] theirs, long[] sizes) =>
        theirs.All(mine.Equals) || (theirs.All(node => node.Name == mine.Name && node.Op == mine.Op) && mine.Op switch
        {
            "Placeholder" => theirs.All(node => Piece.Open(mine.Attr["shape"].Shape, node.Attr["shape"].Shape)),
            "Const" => Compute(mine, [.. theirs.Select(node => node.Attr["value"].Tensor)], sizes),
            _ => false,
        });

    /// <summary>Replaces a constant c by a + b · size, where that fits all three sizes.</summary>
    private bool Compute(NodeDef node, TensorProto[] others, long[] sizes)
    {
        TensorProto mine = node.Attr["value"].Tensor;
        if (mine.Dtype != DataType.DtInt32 || others.Any(other => other.Dtype != mine.Dtype || !other.TensorShape.Equals(mine.TensorShape)))
        {
            return false;
        }

        int[][] values = [.. others.Prepend(mine).Select(Piece.Numbers)];
        int[] slopes = [.. values[0].Zip(values[1], (a, b) => (int)((b - a) / (sizes[1] - sizes[0])))];
        int[] starts = [.. values[0].Zip(slopes, (a, slope) => (int)(a - (slope * sizes[0])))];
        if (Enumerable.Range(0, sizes.Length).Any(k => !values[k].SequenceEqual(starts.Zip(slopes, (a, b) => (int)(a + (b * sizes[k]))))))
        {
            return false;
        }

        Def.Node.Add(Piece.Const($"{node.Name}_start", Piece.Integers(starts, mine.TensorShape)));
        Def.Node.Add(Piece.Const($"{node.Name}_slope", Piece.Integers(slopes, mine.TensorShape)));
        Def.Node.Add(Piece.Node($"{node.Name}_grown", "Mul", [$"{node.Name}_slope", "batch"], ("T", Piece.Type(DType.Int32))));
        node.Op = "AddV2";
        node.Input.Add([$"{node.Name}_start", $"{node.Name}_grown"]);
        node.Attr.Clear();
        node.Attr["T"] = Piece.Type(DType.Int32);
        return true;
    }
}
