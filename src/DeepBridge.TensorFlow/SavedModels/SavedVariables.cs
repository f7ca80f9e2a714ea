using DeepBridge.Backends;
using DeepBridge.Graphs;
using Google.Protobuf;
using Tensorflow;
using Graph = DeepBridge.Graphs.Graph;

namespace DeepBridge.TensorFlow.SavedModels;

/// <summary>What takes the place of a graph's placeholders of variables: constants, or variables that TensorFlow restores.</summary>
internal static class SavedVariables
{
    // What a file of protobufs may hold, less room for the graph around it.
    private const long MostBytes = int.MaxValue - (1 << 20);

    /// <summary>Makes the variables constants.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="backend">The backend.</param>
    /// <returns>Null: nothing is restored.</returns>
    /// <exception cref="InvalidAttributeException">They are too large.</exception>
    internal static SaverDef? Embed(SavedGraph graph, TensorFlowBackend backend)
    {
        long bytes = graph.Def.CalculateSize() + graph.Variables.Sum(variable => variable.Spec.Bytes);
        if (bytes > MostBytes)
        {
            throw new InvalidAttributeException(nameof(SavedModel), $"a graph with constants of {bytes} bytes is too large for one file: save variables.");
        }

        // A graph's constants lend their data whatever the dtype.
        using TensorScope scope = new("save");
        Tensor[] values = [.. graph.Variables.Select(variable => variable.Value.Detach().To(backend.Devices[0]))];
        using Graph constants = Graph.Trace(_ => values, [], backend.Devices[0]);
        foreach ((NodeDef read, GraphValue output) in graph.Reads.Zip(constants.Outputs))
        {
            BackendTensor data = constants.Constants[output];
            byte[] content = new byte[data.Spec.Bytes];
            backend.Export(data, content);
            (DataType dtype, TensorShapeProto shape) = (read.Attr["dtype"].Type, read.Attr["shape"].Shape);
            TensorProto value = new() { Dtype = dtype, TensorShape = shape, TensorContent = UnsafeByteOperations.UnsafeWrap(content) };
            read.Attr.Clear();
            read.MergeFrom(Piece.Const(string.Empty, value));
        }

        return null;
    }

    /// <summary>Makes the variables TensorFlow's, which a loader restores, and writes their values.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="backend">The backend.</param>
    /// <param name="folder">The folder of the model.</param>
    /// <param name="keys">Their names in the checkpoint.</param>
    /// <returns>What restores them; null: there are none.</returns>
    internal static SaverDef? Attach(SavedGraph graph, TensorFlowBackend backend, string folder, string[] keys)
    {
        if (keys.Length == 0)
        {
            return null;
        }

        Write(graph, backend, folder, keys);
        AddCheckpoint(graph.Def, string.Empty, graph, keys);
        foreach ((int i, NodeDef read) in graph.Reads.Index())
        {
            (AttrValue dtype, AttrValue name) = (read.Attr["dtype"], new AttrValue { S = ByteString.CopyFromUtf8(keys[i]) });
            graph.Def.Node.Add(Piece.Node($"v{i}", "VarHandleOp", [], ("dtype", dtype), ("shape", read.Attr["shape"]), ("shared_name", name)));
            graph.Def.Node.Add(Piece.Node($"assign{i}", "AssignVariableOp", [$"v{i}", $"restore:{i}"], ("dtype", dtype)));
            read.Op = "ReadVariableOp";
            read.Input.Add($"v{i}");
            read.Attr.Remove("shape");
        }

        graph.Def.Node.Add(Piece.Node("restore_all", "NoOp", keys.Select((_, i) => $"^assign{i}")));
        return new SaverDef
        {
            FilenameTensorName = "save_path:0",
            SaveTensorName = "save_id:0",
            RestoreOpName = "restore_all",
            Version = SaverDef.Types.CheckpointFormatVersion.V2,
        };
    }

    /// <summary>Writes the values: calls a SavedModel of one op, so that tensors of any size go to the disk without a copy.</summary>
    private static void Write(SavedGraph graph, TensorFlowBackend backend, string folder, string[] keys)
    {
        string writer = Directory.CreateDirectory(Path.Combine(folder, "writer")).FullName;
        string variables = Directory.CreateDirectory(Path.Combine(folder, "variables")).FullName;
        GraphDef def = new() { Versions = graph.Def.Versions, Node = { graph.Reads } };
        AddCheckpoint(def, Path.Combine(variables, "variables"), graph, keys);
        def.Node.Add(Piece.Const("done", Piece.Integers([1], new TensorShapeProto()), "^save"));
        SignatureDef signature = new() { Outputs = { ["done"] = Piece.Info("done:0", DType.Int32, new TensorShapeProto()) } };
        foreach ((NodeDef read, Variable variable) in graph.Reads.Zip(graph.Variables))
        {
            signature.Inputs[read.Name] = Piece.Info($"{read.Name}:0", variable.DType, Piece.Shape(variable.Shape));
        }

        SavedModel.WriteGraph(backend, writer, def, signature, null);
        using (TensorScope scope = new("save"))
        using (SavedModel model = SavedModel.Load(writer))
        {
            model.Run(SavedModel.ServingDefault, graph.Reads.Zip(graph.Variables).ToDictionary(
                pair => pair.First.Name, pair => pair.Second.Value.Detach().To(backend.Devices[0])));
        }

        Directory.Delete(writer, recursive: true);
    }

    /// <summary>Adds the ops that write the values of the graph's variables, and that read them.</summary>
    private static void AddCheckpoint(GraphDef def, string path, SavedGraph graph, string[] keys)
    {
        AttrValue dtypes = Piece.Types(graph.Variables.Select(variable => variable.DType));
        string[] place = ["save_path", "save_names", "save_slices"];
        def.Node.Add(
        [
            Piece.Const("save_path", Piece.Strings(default, path)),
            Piece.Const("save_names", Piece.Strings([keys.Length], keys)),
            Piece.Const("save_slices", Piece.Strings([keys.Length], keys.Select(_ => string.Empty))),
            Piece.Node("save", "SaveV2", [.. place, .. graph.Reads.Select(read => read.Name)], ("dtypes", dtypes)),
            Piece.Node("save_id", "Identity", ["save_path", "^save"], ("T", new AttrValue { Type = DataType.DtString })),
            Piece.Node("restore", "RestoreV2", place, ("dtypes", dtypes)),
        ]);
    }
}
