using DeepBridge.TensorFlow.SavedModels;
using Google.Protobuf;
using Tensorflow;

namespace DeepBridge.TensorFlow.Tests.SavedModels;

/// <summary>SavedModels of others whose graphs leave a rank open, given ranks that their kernels do not take. Each may end its process.</summary>
public sealed class OpenRankCases : SavedModelFolder
{
    [Theory(Explicit = true)]
    [InlineData("Conv2D", 0)]
    [InlineData("Conv2D", 1)]
    [InlineData("Conv2D", 2)]
    [InlineData("DepthwiseConv2dNative", 0)]
    [InlineData("DepthwiseConv2dNative", 2)]
    public void A_convolution_takes_its_own_rank_only(string op, int depth)
    {
        Write(Graph(op, depth, null), null);
        using SavedModel model = SavedModel.Load(Target);
        for (int i = 0; i < 2; i++)
        {
            foreach (int rank in new[] { 0, 1, 2, 3, 5 })
            {
                Action wrong = () => Call(model, Shape.Create([.. Enumerable.Repeat(2, rank)]));
                wrong.Should().Throw<ShapeMismatchException>().WithMessage("serving_default: *rank*").Which.Shapes.Should().ContainSingle();
            }

            Call(model, [2, 5, 4, 2]).Should().HaveCount(2 * 5 * 4 * 2).And.OnlyContain(number => number == (op == "Conv2D" ? 2 : 1));
        }
    }

    [Fact(Explicit = true)]
    public void A_signature_of_another_rank_than_its_graph()
    {
        foreach (int[]? known in new int[]?[] { null, [-1, -1, -1, 2] })
        {
            Write(Graph("Conv2D", 0, known), [-1, -1, 2]);
            using SavedModel model = SavedModel.Load(Target);
            Action wrong = () => Call(model, [4, 4, 2]);
            wrong.Should().Throw<ShapeMismatchException>();
        }
    }

    [Fact(Explicit = true)]
    public void What_takes_any_rank_goes_on_taking_it()
    {
        Write(Graph("Relu", 1, null), null);
        using SavedModel model = SavedModel.Load(Target);
        foreach (int rank in new[] { 0, 1, 2, 3, 4, 5, 8 })
        {
            Call(model, Shape.Create([.. Enumerable.Repeat(2, rank)])).Should().HaveCount(1 << rank);
        }
    }

    [Fact(Explicit = true)]
    public void What_TensorFlows_own_rule_of_shapes_would_end_the_process_for()
    {
        AttrValue number = Piece.Type(DType.Float32), index = Piece.Type(DType.Int32);
        GraphDef graph = new() { Versions = new VersionDef { Producer = 1395 } };
        graph.Node.Add(Placeholder("x", null));
        graph.Node.Add(Piece.Node("at", "Cast", ["x"], ("SrcT", number), ("DstT", index)));
        graph.Node.Add(Piece.Const("axis", Piece.Integers([3], new TensorShapeProto())));
        graph.Node.Add(Piece.Node(
            "y", "GatherV2", ["x", "at", "axis"], ("Tparams", number), ("Tindices", index), ("Taxis", index), ("batch_dims", new AttrValue { I = 3 })));
        Write(graph, null);
        using SavedModel model = SavedModel.Load(Target);
        Action wrong = () => Call(model, [3]);
        wrong.Should().Throw<EngineException>();
    }

    [Fact(Explicit = true)]
    public void A_tensor_amid_the_graph_is_fed()
    {
        GraphDef graph = Graph("Conv2D", 0, null);
        graph.Node.Add(Placeholder("before", null));
        NodeDef fed = graph.Node.Single(node => node.Name == "x");
        fed.Op = "Identity";
        fed.Input.Add("before");
        fed.Attr.Clear();
        fed.Attr["T"] = Piece.Type(DType.Float32);
        Write(graph, null);
        using SavedModel model = SavedModel.Load(Target);
        Action wrong = () => Call(model, [4, 4, 2]);
        wrong.Should().Throw<ShapeMismatchException>();
        Call(model, [1, 4, 4, 2]).Should().HaveCount(32);
    }

    private static float[] Call(SavedModel model, Shape shape) => Call(model, ("x", Tensor.Ones(shape)))["y"].ToArray<float>();

    /// <summary>An op behind a placeholder, inside so many functions.</summary>
    private static GraphDef Graph(string op, int depth, int[]? known)
    {
        AttrValue number = Piece.Type(DType.Float32);
        NodeDef filter = Piece.Const("filter", new TensorProto
        {
            Dtype = DataType.DtFloat,
            TensorShape = Piece.Shape(Shape.Create([1, 1, 2, op == "Conv2D" ? 2 : 1])),
            FloatVal = { 1 },
        });
        NodeDef node = Piece.Node("y", op, op == "Relu" ? ["x"] : ["x", depth > 0 ? "filter:output:0" : "filter"], ("T", number));
        if (op != "Relu")
        {
            node.Attr["strides"] = new AttrValue { List = new() { I = { 1, 1, 1, 1 } } };
            node.Attr["padding"] = new AttrValue { S = ByteString.CopyFromUtf8("SAME") };
        }

        string result = op == "Relu" ? "activations" : "output";
        GraphDef graph = new() { Versions = new VersionDef { Producer = 1395 }, Library = new FunctionDefLibrary() };
        List<NodeDef> body = [filter, node];
        for (int i = 0; i < depth; i++)
        {
            graph.Library.Function.Add(new FunctionDef
            {
                Signature = new OpDef
                {
                    Name = $"f{i}",
                    InputArg = { new OpDef.Types.ArgDef { Name = "x", Type = DataType.DtFloat } },
                    OutputArg = { new OpDef.Types.ArgDef { Name = "z", Type = DataType.DtFloat } },
                },
                NodeDef = { body },
                Ret = { ["z"] = $"y:{result}:0" },
            });
            result = "output";
            AttrValue one = Piece.Types([DType.Float32]);
            body =
            [
                Piece.Node(
                    "y",
                    "StatefulPartitionedCall",
                    ["x"],
                    ("Tin", one),
                    ("Tout", one),
                    ("f", new AttrValue { Func = new NameAttrList { Name = $"f{i}" } }),
                    ("_disable_call_shape_inference", new AttrValue { B = true })),
            ];
        }

        graph.Node.Add(Placeholder("x", known));
        graph.Node.Add(body);
        return graph;
    }

    private void Write(GraphDef graph, int[]? extents) => Write(graph, new SignatureDef
    {
        MethodName = "tensorflow/serving/predict",
        Inputs = { ["x"] = Piece.Info("x:0", DType.Float32, extents is null ? null! : Open(extents)) },
        Outputs = { ["y"] = Piece.Info("y:0", DType.Float32, Open(null)) },
    });

    private static NodeDef Placeholder(string name, int[]? known) => Piece.Node(
        name, "Placeholder", [], ("dtype", Piece.Type(DType.Float32)), ("shape", new AttrValue { Shape = Open(known) }));

    private static TensorShapeProto Open(int[]? extents)
    {
        TensorShapeProto shape = new() { UnknownRank = extents is null };
        shape.Dim.AddRange((extents ?? []).Select(extent => new TensorShapeProto.Types.Dim { Size = extent }));
        return shape;
    }
}
