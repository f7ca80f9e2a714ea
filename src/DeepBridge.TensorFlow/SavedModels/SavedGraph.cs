using DeepBridge.Backends;
using DeepBridge.Graphs;
using DeepBridge.TensorFlow.Graphs;
using DeepBridge.TensorFlow.Native;
using Google.Protobuf;
using Tensorflow;
using Graph = DeepBridge.Graphs.Graph;
using Status = DeepBridge.TensorFlow.Native.Status;

namespace DeepBridge.TensorFlow.SavedModels;

/// <summary>A traced function as a GraphDef, with a placeholder for each variable.</summary>
internal sealed unsafe class SavedGraph
{
    private readonly string[] _arguments;
    private readonly string[] _results;
    private readonly TensorSpec[] _outputs;

    /// <summary>Traces and lowers a function that assigns nothing.</summary>
    /// <param name="backend">The backend.</param>
    /// <param name="function">The function.</param>
    /// <param name="inputs">The specs of its arguments.</param>
    /// <param name="device">Where its variables are.</param>
    /// <exception cref="UnsupportedOpException">The function assigns a variable, or has an op that TensorFlow has not.</exception>
    internal SavedGraph(TensorFlowBackend backend, Func<Tensor[], Tensor[]> function, TensorSpec[] inputs, Device device)
    {
        using Graph traced = Graph.Trace(function, inputs, device), here = traced.For(backend.Devices[0]), lowered = here.Lower(backend.Supports);
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
        _results = [.. results.Select(result => $"{C.Text(C.TF_OperationName(result.oper))}:{result.index}")];
        nint buffer = C.TF_NewBuffer(), status = Status.Mine;
        try
        {
            C.TF_GraphToGraphDef(body.DangerousGetHandle(), buffer, status);
            Status.Check(status, "a graph's export"u8);
            (nint data, nuint length) = (*(nint*)buffer, *(nuint*)(buffer + sizeof(nint)));
            Def = GraphDef.Parser.ParseFrom(new ReadOnlySpan<byte>((void*)data, checked((int)length)));
        }
        finally
        {
            C.TF_DeleteBuffer(buffer);
        }

        Shapes = [.. Inputs.Concat(_outputs).Select(spec => Piece.Shape(spec.Shape))];
    }

    /// <summary>The graph.</summary>
    internal GraphDef Def { get; }

    /// <summary>The specs of the arguments.</summary>
    internal TensorSpec[] Inputs { get; }

    /// <summary>The variables that the function reads.</summary>
    internal Variable[] Variables { get; }

    private TensorShapeProto[] Shapes { get; }

    /// <summary>The placeholder of a variable.</summary>
    /// <param name="variable">The variable's number.</param>
    /// <returns>Its node.</returns>
    internal NodeDef Placeholder(int variable) => Def.Node.Single(node => node.Name == _arguments[Inputs.Length + variable]);

    /// <summary>
    /// The graph for batches of any size, made of those for two sizes: what differs between them is the batch, and may be left
    /// open in shapes of arguments and targets of reshaping.
    /// </summary>
    /// <param name="other">The same function's graph for another size.</param>
    /// <returns>False: something else depends on the size; the graph is of no use then.</returns>
    internal bool Open(SavedGraph other)
    {
        HashSet<string> targets = [.. Def.Node.Where(node => node.Op == "Reshape").Select(node => node.Input[1])];
        targets.ExceptWith(Def.Node.SelectMany(node => node.Op == "Reshape" ? node.Input.Take(1) : node.Input));
        bool same = Def.Node.Count == other.Def.Node.Count && Shapes.Zip(other.Shapes).All(pair => Piece.Open(pair.First, pair.Second));
        for (int i = 0; same && i < Def.Node.Count; i++)
        {
            NodeDef mine = Def.Node[i], others = other.Def.Node[i];
            same = mine.Equals(others) || (mine.Name == others.Name && mine.Op == others.Op && mine.Op switch
            {
                "Placeholder" => Piece.Open(mine.Attr["shape"].Shape, others.Attr["shape"].Shape),
                "Const" => targets.Contains(mine.Name) && Piece.Open(mine.Attr["value"].Tensor, others.Attr["value"].Tensor),
                _ => false,
            });
        }

        return same;
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

        for (int i = 0; i < _results.Length; i++)
        {
            signature.Outputs[$"output_{i}"] = Piece.Info(_results[i], _outputs[i].DType, Shapes[Inputs.Length + i]);
        }

        return signature;
    }
}
