using System.Globalization;
using DeepBridge.Graphs;
using DeepBridge.Layers;
using DeepBridge.TensorFlow.SavedModels;

namespace DeepBridge.TensorFlow.Tests.SavedModels;

/// <summary>Models saved for TensorFlow and loaded back through its C API.</summary>
public sealed class SavedModelTests : SavedModelFolder
{
    [Theory]
    [InlineData(false, false, 1)]
    [InlineData(false, true, 5)]
    [InlineData(true, false, 3)]
    [InlineData(true, true, 1)]
    public void A_saved_model_computes_what_the_model_does_for_any_batch(bool cnn, bool variables, int batch)
    {
        (Module<Tensor, Tensor> model, TensorSpec spec) = Model(cnn);
        SavedSignature saved = SavedModel.Save(Target, model, spec, variables);
        model.IsTraining.Should().BeTrue();
        saved.Inputs["input_0"].Extents.Should().Equal([-1, .. spec.Shape.Without(0).AsSpan().ToArray()]);
        saved.Outputs["output_0"].ToString().Should().Be("float32(?, 3)");
        File.Exists(Path.Combine(Target, "variables", "variables.index")).Should().Be(variables);

        using SavedModel loaded = SavedModel.Load(Target);
        loaded.Signatures.Keys.Should().Equal("serving_default");
        loaded.Signatures["serving_default"].Should().BeEquivalentTo(saved);
        model.Eval();
        Tensor x = Tensor.Uniform(spec.Shape.With(0, batch), -1, 1);
        float[] expected = model.Call(x).ToArray<float>(), actual = loaded.AsModule().Call(x).ToArray<float>();
        actual.Should().HaveCount(batch * 3);
        Differ(actual, expected).Should().BeLessThan(1e-6);

        model.To("cpu");
        Differ(actual, model.Call(x.To("cpu")).ToArray<float>()).Should().BeLessThan(1e-5);
    }

    [Fact]
    public void A_model_whose_numbers_depend_on_the_batch_keeps_the_batch_of_its_spec()
    {
        Linear model = new(4, 4);
        SavedSignature saved = SavedModel.Save(
            Target, model, x => [model.Call(x[0]) * x[0].Shape[0], x[1].Cast(DType.Int64)], [Spec(2, 4), Spec(2)]);
        saved.Inputs["input_0"].ToString().Should().Be("float32(2, 4)");
        using SavedModel loaded = SavedModel.Load(Target);
        IReadOnlyDictionary<string, Tensor> outputs = Call(loaded, ("input_1", Tensor.From([3f, 4f], [2])), ("input_0", Tensor.Ones([2, 4])));
        outputs["output_1"].ToArray<long>().Should().Equal(3, 4);
        Differ(outputs["output_0"].ToArray<float>(), (model.Call(Tensor.Ones([2, 4])) * 2).ToArray<float>()).Should().BeLessThan(1e-6);
        Action wrong = () => Call(loaded, ("input_1", Tensor.Ones([3])), ("input_0", Tensor.Ones([3, 4])));
        wrong.Should().Throw<ShapeMismatchException>().WithMessage("*float32(2, 4)*");
        Action module = () => loaded.AsModule();
        module.Should().Throw<InvalidAttributeException>();
    }

    [Fact]
    public void A_model_that_refuses_other_batches_is_saved_for_its_own()
    {
        SavedSignature saved = SavedModel.Save(
            Target, new Relu(), x => [x[0].Shape[0] == 2 ? x[0].Relu() : throw new InvalidOperationException("two, please")], [Spec(2, 4)]);
        saved.Outputs["output_0"].Extents.Should().Equal(2, 4);
        using SavedModel loaded = SavedModel.Load(Target);
        loaded.AsModule().Call(Tensor.Full([2, 4], -1f)).ToArray<float>().Should().OnlyContain(number => number == 0);
    }

    [Fact]
    public void Shapes_that_grow_with_the_batch_are_computed()
    {
        Linear model = new(4, 4);
        SavedModel.Save(
            Target,
            model,
            x =>
            {
                int batch = x[0].Shape[0];
                Tensor rows = model.Call(x[0]).Reshape(batch * 2, 2) + Tensor.Ones([batch * 2, 1]);
                return [rows[..^1], rows.Sum(), rows.Pad([0, 0], [batch, 0])];
            },
            [Spec(1, 4)]);
        using SavedModel loaded = SavedModel.Load(Target);
        foreach (int batch in new[] { 1, 2, 9 })
        {
            Tensor x = Tensor.Uniform([batch, 4], -1, 1), rows = model.Call(x).Reshape(batch * 2, 2) + 1;
            IReadOnlyDictionary<string, Tensor> outputs = Call(loaded, ("input_0", x));
            Differ(outputs["output_0"].ToArray<float>(), rows[..^1].ToArray<float>()).Should().BeLessThan(1e-6);
            Differ(outputs["output_1"].ToArray<float>(), rows.Sum().ToArray<float>()).Should().BeLessThan(1e-5);
            outputs["output_2"].Shape.Should().Be(Shape.Create([batch * 3, 2]));
        }
    }

    [Fact]
    public void A_model_on_another_device_is_saved_and_every_dtype_comes_back()
    {
        using AmbientChange use = Device.Use("cpu");
        Dtypes model = new();
        SavedModel.Save(Target, model, x => model.All(x[0]), [Spec(2)], variables: true);
        SavedModel.Save(Path.Combine(Root, "constants"), model, x => model.All(x[0]), [Spec(2)]);
        foreach (string folder in new[] { Target, Path.Combine(Root, "constants") })
        {
            using SavedModel loaded = SavedModel.Load(folder);
            Tensor x = Tensor.Ones([2], DType.Float32).To("tensorflow:cpu");
            IReadOnlyDictionary<string, Tensor> outputs = Call(loaded, ("input_0", x));
            Tensor[] expected = model.All(x.To("cpu"));
            for (int i = 0; i < expected.Length; i++)
            {
                Tensor output = outputs["output_" + i.ToString(CultureInfo.InvariantCulture)];
                output.Spec.Should().Be(expected[i].Spec);
                output.To("cpu").Cast(DType.Float64).ToArray<double>().Should().Equal(expected[i].Cast(DType.Float64).ToArray<double>());
            }
        }
    }

    [Fact]
    public void A_variable_that_is_not_the_models_has_a_name_that_no_model_takes()
    {
        Captured model = new();
        Variable stray = new(Tensor.Full([2], 3f));
        Func<Tensor, Tensor>[] calls = [x => x * stray.Value, model.First, model.Second];
        for (int first = 0; first < calls.Length; first++)
        {
            SavedModel.Save(Target, model, x => [.. calls.Select((_, i) => calls[(first + i) % 3](x[0]))], [Spec(2)], variables: true);
            using SavedModel loaded = SavedModel.Load(Target);
            IReadOnlyDictionary<string, Tensor> outputs = Call(loaded, ("input_0", Tensor.Ones([2])));
            float[] numbers = [.. outputs.OrderBy(output => output.Key, StringComparer.Ordinal).Select(output => output.Value.ToArray<float>()[0])];
            numbers.Should().Equal(Enumerable.Range(first, 3).Select(i => new[] { 3f, 5, 7 }[i % 3]));
        }
    }

    [Fact]
    public void Loaded_twice_and_called_by_many_threads_it_gives_the_same()
    {
        (Module<Tensor, Tensor> model, TensorSpec spec) = Model(cnn: true);
        SavedModel.Save(Target, model, spec, variables: true);
        using SavedModel first = SavedModel.Load(Target), second = SavedModel.Load(Target);
        Tensor x = Tensor.Uniform(spec.Shape, -1, 1);
        float[] expected = first.AsModule().Call(x).ToArray<float>();
        Parallel.For(0, 4, thread =>
        {
            Module<Tensor, Tensor> module = (thread % 2 == 0 ? first : second).AsModule();
            foreach (int _ in TensorScope.Steps(50))
            {
                module.Call(x).ToArray<float>().Should().Equal(expected);
            }
        });
    }

    [Fact]
    public void What_was_loaded_and_called_is_released()
    {
        (Module<Tensor, Tensor> model, TensorSpec spec) = Model(cnn: false);
        SavedModel.Save(Target, model, spec, variables: true);
        Tensor x = Tensor.Uniform(spec.Shape, -1, 1);
        long sessions = SavedSession.Live, tensors = TensorHandles.Live;
        for (int i = 0; i < 200; i++)
        {
            using TensorScope scope = new();
            using SavedModel loaded = SavedModel.Load(Target);
            loaded.AsModule().Call(x).ToArray<float>().Should().HaveCount(9);
        }

        SavedSession.Live.Should().BeLessThanOrEqualTo(sessions);
        TensorHandles.Live.Should().BeLessThanOrEqualTo(tensors);
    }

    [Fact]
    public void Memory_goes_in_and_out_without_a_copy_and_no_op_writes_into_a_constant()
    {
        SavedModel.Save(Target, new Dropout(), new TensorSpec([1000], DType.Float32));
        Constant constant = new();
        SavedModel.Save(Path.Combine(Root, "constant"), constant, new TensorSpec([1], DType.Float32));
        using SavedModel same = SavedModel.Load(Target), fixedValue = SavedModel.Load(Path.Combine(Root, "constant"));
        Tensor x = Tensor.Uniform([1000], -1, 1);
        Address(same.AsModule().Call(x)).Should().Be(Address(x));

        for (int i = 0; i < 3; i++)
        {
            // A graph that owns its state may write into it.
            Variable variable = new(fixedValue.AsModule().Call(Tensor.Ones([1])));
            variable.Value.ToArray<float>().Should().OnlyContain(number => number == 7);
            using Graph graph = Graph.Trace(
                _ =>
                {
                    variable.Assign(variable.Value * 2);
                    return [];
                },
                []);
            graph.Run();
            variable.Value.ToArray<float>().Should().OnlyContain(number => number == 14);
        }
    }

    [Fact]
    public void A_save_that_fails_leaves_what_was_there_and_a_save_replaces_it()
    {
        (Module<Tensor, Tensor> model, TensorSpec spec) = Model(cnn: false);
        SavedModel.Save(Target, model, spec, variables: true);
        Counting counting = new();
        Action assigns = () => SavedModel.Save(Target, counting, Spec(2));
        assigns.Should().Throw<UnsupportedOpException>().WithMessage("*assigns*");
        Action wrong = () => SavedModel.Save(Target, model, Spec(2, 5));
        wrong.Should().Throw<ShapeMismatchException>();
        SavedModel.Load(Target).Dispose();
        Directory.GetFileSystemEntries(Root).Should().Equal(Target);

        SavedModel.Save(Target, model, spec);
        Directory.Exists(Path.Combine(Target, "variables")).Should().BeFalse();
        Directory.GetFileSystemEntries(Root).Should().Equal(Target);
        File.WriteAllText(Path.Combine(Root, "thesis.txt"), "mine");
        Action other = () => SavedModel.Save(Root, model, spec);
        other.Should().Throw<IOException>();
        File.Exists(Path.Combine(Root, "thesis.txt")).Should().BeTrue();
    }

    [Fact]
    public void Wrong_calls_are_typed_errors()
    {
        (Module<Tensor, Tensor> model, TensorSpec spec) = Model(cnn: false);
        SavedModel.Save(Target, model, spec);
        SavedModel loaded = SavedModel.Load(Target);
        Module<Tensor, Tensor> module = loaded.AsModule();
        Fail<ShapeMismatchException>(() => module.Call(Tensor.Ones([2, 7])));
        Fail<ShapeMismatchException>(() => module.Call(Tensor.Ones([6])));
        Fail<DTypeMismatchException>(() => module.Call(Tensor.Ones([2, 6], DType.Float64)));
        Fail<DeviceException>(() => module.Call(Tensor.Ones([2, 6]).To("cpu")));
        Fail<InvalidAttributeException>(() => loaded.AsModule("other"));
        Fail<InvalidAttributeException>(() => Call(loaded, ("x", Tensor.Ones([2, 6]))));
        Fail<InvalidAttributeException>(() => Call(loaded));
        Fail<TracingException>(() => Graph.Trace(x => [module.Call(x[0])], [Spec(2, 6)]));

        Variable tracked = new Parameter(Tensor.Ones([2, 6]));
        Fail<GradientException>(() => Gradients.Of(module.Call(tracked.Value).Sum(), [tracked]));
        using (Gradients.NoGradient())
        {
            module.Call(tracked.Value).IsTracked.Should().BeFalse();
        }

        loaded.Dispose();
        Fail<ObjectDisposedException>(() => module.Call(Tensor.Ones([2, 6])));
    }

    [Fact]
    public void Bad_folders_are_typed_errors()
    {
        (Module<Tensor, Tensor> model, TensorSpec spec) = Model(cnn: false);
        Fail<FileFormatException>(() => SavedModel.Load(Path.Combine(Root, "nowhere")));
        Directory.CreateDirectory(Target);
        Fail<FileFormatException>(() => SavedModel.Load(Target));
        string file = Path.Combine(Target, "saved_model.pb");
        foreach (byte[] content in new byte[][] { [], [0xff, 0xff, 0xff], "<html></html>"u8.ToArray() })
        {
            File.WriteAllBytes(file, content);
            Fail<FileFormatException>(() => SavedModel.Load(Target));
        }

        Directory.Delete(Target, recursive: true);
        SavedModel.Save(Target, model, spec, variables: true);
        ((Action)(() => SavedModel.Load(Target, "serve", "gpu"))).Should().Throw<FileFormatException>().WithMessage("*(serve)*");
        string data = Path.Combine(Target, "variables", "variables.data-00000-of-00001");
        File.WriteAllBytes(data, File.ReadAllBytes(data)[..10]);
        Fail<FileFormatException>(() => SavedModel.Load(Target));
        File.Delete(data);
        Fail<FileFormatException>(() => SavedModel.Load(Target));
    }

    [Fact]
    public void A_signature_that_lies_about_its_graph_is_refused()
    {
        (Module<Tensor, Tensor> model, TensorSpec spec) = Model(cnn: false);
        SavedModel.Save(Target, model, spec);
        foreach (string name in new[] { "nothing:0", "n0:1", "n0:-1", "n0", ":0", "n0:99999999999" })
        {
            Change(signature => signature.Inputs["input_0"].Name = name);
            Fail<FileFormatException>(() => SavedModel.Load(Target));
        }

        SavedModel.Save(Target, model, spec);
        Change(signature => signature.Inputs["input_0"].Dtype = Tensorflow.DataType.DtInt32);
        Fail<FileFormatException>(() => SavedModel.Load(Target));
        Change(signature => signature.Inputs["input_0"].Dtype = Tensorflow.DataType.DtString);
        using SavedModel loaded = SavedModel.Load(Target);
        loaded.Signatures["serving_default"].Inputs["input_0"].DType.Should().BeNull();
        Fail<UnsupportedOpException>(() => loaded.AsModule().Call(Tensor.Ones([2, 6])));
    }

    [Fact]
    public void A_signature_that_takes_a_tensor_twice_or_gives_nothing_is_a_typed_error()
    {
        Linear model = new(4, 4);
        SavedModel.Save(Target, model, x => [model.Call(x[0]) + x[1]], [Spec(2, 4), Spec(2, 4)]);
        Change(signature => signature.Inputs["input_1"].Name = signature.Inputs["input_0"].Name);
        using (SavedModel twice = SavedModel.Load(Target))
        {
            Two(twice);
        }

        Change(signature => signature.Outputs["output_0"].Name = signature.Inputs["input_0"].Name);
        using (SavedModel through = SavedModel.Load(Target))
        {
            Two(through);
        }

        Change(signature => signature.Outputs.Clear());
        using SavedModel nothing = SavedModel.Load(Target);
        Two(nothing);

        static void Two(SavedModel model) => Fail<EngineException>(() => Call(model, ("input_0", Tensor.Ones([2, 4])), ("input_1", Tensor.Ones([2, 4]))));
    }

    private static void Fail<TError>(Action action)
        where TError : Exception => action.Should().Throw<TError>();

    private static void Fail<TError>(Func<object> action)
        where TError : Exception => action.Should().Throw<TError>();

    private static TensorSpec Spec(params int[] shape) => new(shape, DType.Float32);

    private static double Differ(float[] actual, float[] expected) => actual.Zip(expected, (a, b) => Math.Abs(a - b)).Append(Math.Abs(actual.Length - expected.Length)).Max();

    private static unsafe nint Address(Tensor tensor)
    {
        nint address = 0;
        tensor.Read<float>(span =>
        {
            fixed (float* pointer = span)
            {
                address = (nint)pointer;
            }
        });
        return address;
    }

    /// <summary>A model that has been trained a little, so that running statistics are not their first values.</summary>
    private static (Module<Tensor, Tensor> Model, TensorSpec Spec) Model(bool cnn)
    {
        Sequential model = cnn
            ? new(new Conv2d(1, 4, 3), new BatchNorm(4), new Relu(), new MaxPool([2, 2]), new Conv2d(4, 5, 3, bias: false), new Gelu(), new Flatten(), new Linear(5, 3), new Probabilities())
            : new(new Linear(6, 8), new BatchNorm(8), new Tanh(), new Dropout(), new Linear(8, 3), new Probabilities());
        TensorSpec spec = cnn ? Spec(3, 1, 8, 8) : Spec(3, 6);
        for (int i = 0; i < 3; i++)
        {
            model.Call(Tensor.Uniform(spec.Shape, -2, 3));
        }

        return (model, spec);
    }
}

internal sealed partial class Probabilities : Module<Tensor, Tensor>
{
    protected override Tensor Forward(Tensor input) => input.Softmax(-1);
}

internal sealed partial class Captured : Module
{
    private readonly List<Variable> _captured = [new(Tensor.Full([], 5f)), new(Tensor.Full([2], 7f))];

    internal Tensor First(Tensor input) => input * _captured[0].Value;

    internal Tensor Second(Tensor input) => input * _captured[1].Value;
}

internal sealed partial class Constant : Module<Tensor, Tensor>
{
    private readonly Variable _value = new(Tensor.Full([100_000], 7f));

    protected override Tensor Forward(Tensor input) => _value.Value;
}

internal sealed partial class Counting : Module<Tensor, Tensor>
{
    private readonly Variable _calls = new(Tensor.Zeros([]));

    protected override Tensor Forward(Tensor input)
    {
        _calls.Assign(_calls.Value + 1);
        return input + _calls.Value;
    }
}

internal sealed partial class Dtypes : Module<Tensor, Tensor>
{
    private readonly List<Variable> _values =
        [.. Enum.GetValues<DType>().Select(dtype => new Variable(Tensor.From([0f, 1f, 1f], [3]).Cast(dtype)))];

    internal Tensor[] All(Tensor x) => [Call(x), .. _values.Select(variable => variable.Value.Flip(0))];

    protected override Tensor Forward(Tensor input) => input + 1;
}
