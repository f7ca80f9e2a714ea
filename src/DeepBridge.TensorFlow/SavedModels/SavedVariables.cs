using System.Globalization;
using DeepBridge.Backends;
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
        for (int i = 0; i < values.Length; i++)
        {
            BackendTensor data = constants.Constants[constants.Outputs[i]];
            byte[] content = new byte[data.Spec.Bytes];
            backend.Export(data, content);
            NodeDef node = graph.Placeholder(i);
            node.Attr.Clear();
            node.MergeFrom(Piece.Const(string.Empty, new TensorProto
            {
                Dtype = Piece.Type(data.Spec.DType).Type,
                TensorShape = Piece.Shape(data.Spec.Shape),
                TensorContent = UnsafeByteOperations.UnsafeWrap(content),
            }));
        }

        return null;
    }

    /// <summary>Makes the variables TensorFlow's, which a loader restores.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="keys">Their names in the checkpoint.</param>
    /// <returns>What restores them; null: there are none.</returns>
    internal static SaverDef? Attach(SavedGraph graph, string[] keys)
    {
        if (keys.Length == 0)
        {
            return null;
        }

        DType[] dtypes = [.. graph.Variables.Select(variable => variable.DType)];
        AddSave(graph.Def, string.Empty, keys, dtypes, i => graph.Placeholder(i).Name);
        graph.Def.Node.Add(Piece.Node("restore", "RestoreV2", ["save_path", "save_names", "save_slices"], ("dtypes", Piece.Types(dtypes))));
        graph.Def.Node.Add(Piece.Node("save_id", "Identity", ["save_path", "^save"], ("T", new AttrValue { Type = DataType.DtString })));
        for (int i = 0; i < keys.Length; i++)
        {
            AttrValue dtype = Piece.Type(dtypes[i]);
            NodeDef read = graph.Placeholder(i);
            graph.Def.Node.Add(Piece.Node(
                $"v{i}",
                "VarHandleOp",
                [],
                ("dtype", dtype),
                ("shape", new AttrValue { Shape = Piece.Shape(graph.Variables[i].Shape) }),
                ("shared_name", new AttrValue { S = ByteString.CopyFromUtf8(keys[i]) })));
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
    /// <param name="backend">The backend.</param>
    /// <param name="folder">The folder of the model.</param>
    /// <param name="graph">The graph.</param>
    /// <param name="keys">Names in the checkpoint.</param>
    internal static void Write(TensorFlowBackend backend, string folder, SavedGraph graph, string[] keys)
    {
        string writer = Directory.CreateDirectory(Path.Combine(folder, "writer")).FullName;
        string variables = Directory.CreateDirectory(Path.Combine(folder, "variables")).FullName;
        GraphDef def = new() { Versions = graph.Def.Versions };
        SignatureDef signature = new() { Outputs = { ["done"] = Piece.Info("done:0", DType.Int32, new TensorShapeProto()) } };
        for (int i = 0; i < keys.Length; i++)
        {
            TensorSpec spec = graph.Variables[i].Spec;
            TensorShapeProto shape = Piece.Shape(spec.Shape);
            def.Node.Add(Piece.Node($"value{i}", "Placeholder", [], ("dtype", Piece.Type(spec.DType)), ("shape", new AttrValue { Shape = shape })));
            signature.Inputs[i.ToString(CultureInfo.InvariantCulture)] = Piece.Info($"value{i}:0", spec.DType, shape);
        }

        AddSave(def, Path.Combine(variables, "variables"), keys, graph.Variables.Select(variable => variable.DType), i => $"value{i}");
        def.Node.Add(Piece.Const("done", Piece.Integers([1], new TensorShapeProto()), "^save"));
        SavedModel.WriteGraph(backend, writer, def, signature, null);
        using (TensorScope scope = new("save"))
        using (SavedModel model = SavedModel.Load(writer))
        {
            model.Run(SavedModel.ServingDefault, graph.Variables.Select((variable, i) => (i, variable)).ToDictionary(
                pair => pair.i.ToString(CultureInfo.InvariantCulture), pair => pair.variable.Value.Detach().To(backend.Devices[0])));
        }

        Directory.Delete(writer, recursive: true);
    }

    private static void AddSave(GraphDef graph, string path, string[] keys, IEnumerable<DType> dtypes, Func<int, string> value) => graph.Node.Add(
    [
        Piece.Const("save_path", Piece.String(path)),
        Piece.Const("save_names", Piece.Strings(keys)),
        Piece.Const("save_slices", Piece.Strings([.. keys.Select(_ => string.Empty)])),
        Piece.Node("save", "SaveV2", ["save_path", "save_names", "save_slices", .. keys.Select((_, i) => value(i))], ("dtypes", Piece.Types(dtypes))),
    ]);
}
