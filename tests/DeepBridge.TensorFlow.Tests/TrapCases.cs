using DeepBridge.Ops;
using DeepBridge.Testing;

namespace DeepBridge.TensorFlow.Tests;

/// <summary>Input that ends TensorFlow, or that it computes with silently: a typed error here, or the right result. Each may end its process.</summary>
public sealed class TrapCases : IDisposable
{
    private static readonly Window s_plain = new([1, 1], [0, 0], [0, 0], [1, 1]);
    private readonly AmbientChange _device;

    static TrapCases() => TensorFlowBackend.Register();

    public TrapCases() => _device = Device.Use("tensorflow:cpu");

    public void Dispose() => _device.Dispose();

    [Fact(Explicit = true)]
    public void Permuting_by_a_negative_axis() => Throws<DeepBridgeException>(() => new Permute([0, -1]).Apply(Tensor.Ones([2, 3])));

    [Fact(Explicit = true)]
    public void Convolving_an_input_of_rank_3() =>
        Throws<ShapeMismatchException>(() => new Convolution(s_plain).Apply(Tensor.Ones([2, 3, 4]), Tensor.Ones([2, 3, 1, 1])));

    [Fact(Explicit = true)]
    public void Convolving_with_paddings_of_another_length() => Throws<InvalidAttributeException>(
        () => new Convolution(s_plain with { Low = [1] }).Apply(Tensor.Ones([1, 1, 4, 4]), Tensor.Ones([1, 1, 3, 3])));

    [Fact(Explicit = true)]
    public void Convolving_with_a_padding_of_2_to_30()
    {
        Window window = new([1 << 30, 1], [1 << 30, 0], [0, 0], [1, 1]);
        Throws<DeepBridgeException>(() => new Convolution(window).Apply(Tensor.Ones([4, 64, 4, 64]), Tensor.Ones([1, 64, 3, 3])));
    }

    [Fact(Explicit = true)]
    public void The_input_gradient_of_a_shape_of_another_rank() => Throws<DeepBridgeException>(
        () => new ConvolutionInputGradient(s_plain, 1, [1, 1, 4]).Apply(Tensor.Ones([1, 1, 2, 2]), Tensor.Ones([1, 1, 3, 3])));

    [Fact(Explicit = true)]
    public void The_input_gradient_of_a_negative_shape() => Throws<Exception>(
        () => new ConvolutionInputGradient(s_plain, 1, [1, 1, -4, 4]).Apply(Tensor.Ones([1, 1, 2, 2]), Tensor.Ones([1, 1, 3, 3])));

    [Fact(Explicit = true)]
    public void Pooling_by_a_window_of_2_to_31() => Throws<DeepBridgeException>(
        () => new MaxPool([int.MaxValue, int.MaxValue], s_plain).ApplyAll(Tensor.Ones([1, 1, 4, 4])));

    [Fact(Explicit = true)]
    public void Filling_a_shape_that_overflows() => Throws<ArgumentOutOfRangeException>(
        () => Tensor.Zeros(Shape.Create([int.MaxValue, int.MaxValue, int.MaxValue])));

    [Fact(Explicit = true)]
    public void Tensors_of_more_than_254_axes()
    {
        int[] dims = [.. Enumerable.Repeat(1, 300)];
        Throws<UnsupportedOpException>(() => Tensor.Zeros(Shape.Create(dims)));
        Throws<UnsupportedOpException>(() => Tensor.From([1f]).Reshape(dims));
        Throws<UnsupportedOpException>(() => Tensor.From([1f], Shape.Create(dims)));
    }

    [Fact(Explicit = true)]
    public void Filling_more_than_there_is_memory() => Throws<DeepBridgeException>(() => Tensor.Zeros([1 << 30, 1 << 14]));

    [Theory(Explicit = true)]
    [InlineData(1 << 29, 4)]
    [InlineData(int.MaxValue, 1)]
    [InlineData(1 << 30, 1 << 14)]
    public void Drawing_more_words_than_an_int_counts(int rows, int columns)
    {
        Tensor state = Tensor.From([1L, 2L]);
        Throws<DeepBridgeException>(() => new RandomUniform([rows, columns, 1 << 10], DType.Float32).ApplyAll(state));
    }

    [Fact(Explicit = true)]
    public void Gathering_along_an_axis_that_is_not_there() =>
        Throws<DeepBridgeException>(() => new Gather(3).Apply(Tensor.Ones([2, 3]), Tensor.From([0L])));

    [Fact(Explicit = true)]
    public void Taking_along_an_axis_of_indices_of_another_rank() =>
        Throws<ShapeMismatchException>(() => new TakeAlongAxis(1).Apply(Tensor.Ones([2, 3]), Tensor.From([0L])));

    [Fact(Explicit = true)]
    public void A_window_larger_than_the_input_computes_with_uninitialised_memory() => Throws<ShapeMismatchException>(
        () => new Convolution(s_plain).Apply(Tensor.Ones([1, 1, 2, 2]), Tensor.Ones([1, 1, 3, 3])));

    [Fact(Explicit = true)]
    public void The_gradient_of_mean_pooling_of_another_shape() => Throws<ShapeMismatchException>(
        () => new AveragePoolGradient([2, 2], s_plain, true, [1, 1, 4, 4]).Apply(Tensor.Ones([1, 1, 4, 4])));

    [Fact(Explicit = true)]
    public void Convolving_an_empty_batch_has_the_right_shape() =>
        new Convolution(s_plain).Apply(Tensor.Ones([0, 1, 5, 5]), Tensor.Ones([2, 1, 3, 3])).Shape.Should().Be(Shape.Create([0, 2, 3, 3]));

    [Theory(Explicit = true)]
    [InlineData(0, 3)]
    [InlineData(2, 0)]
    public void A_compiled_affine_map_of_an_empty_matrix(int rows, int features)
    {
        TensorSpec x = new([rows, features], DType.Float32), weight = new([4, features], DType.Float32), bias = new([4], DType.Float32);
        using DeepBridge.Graphs.Graph graph = DeepBridge.Graphs.Graph.Trace(inputs => [Linear.Instance.Apply(inputs).Relu()], [x, weight, bias]);
        float[] y = graph.Run(Tensor.Ones(x.Shape), Tensor.Ones(weight.Shape), Tensor.Ones(bias.Shape))[0].ToArray<float>();
        y.Should().Equal(Enumerable.Repeat(1f, rows * 4));
    }

    [Fact(Explicit = true)]
    public void The_least_integer_by_minus_one()
    {
        Tensor least = Tensor.From([int.MinValue]), minus = Tensor.From([-1]);
        FloorDivide.Instance.Apply(least, minus).ToArray<int>().Should().Equal(int.MinValue);
        FloorModulo.Instance.Apply(least, minus).ToArray<int>().Should().Equal(0);
    }

    [Fact(Explicit = true)]
    public void Gradients_of_dilated_depthwise_convolutions_heed_the_dilation()
    {
        Window window = new([1, 1], [2, 1], [2, 1], [2, 2]);
        float[] x = Numbers(3 * 49), w = Numbers(3 * 9);
        double[] Of(Device device)
        {
            Tensor input = Tensor.From(x, [1, 3, 7, 7], device), weight = Tensor.From(w, [3, 1, 3, 3], device);
            Tensor y = new Convolution(window, 3).Apply(input, weight);
            Tensor dx = new ConvolutionInputGradient(window, 3, input.Shape.Dims).Apply(y, weight);
            Tensor dw = new ConvolutionWeightGradient(window, 3, weight.Shape.Dims).Apply(input, y);
            return [.. y.ToArray<float>(), .. dx.ToArray<float>(), .. dw.ToArray<float>()];
        }

        Of("tensorflow:cpu").Zip(Of(ReferenceBackend.Instance.Device)).Should().OnlyContain(pair => Math.Abs(pair.First - pair.Second) < 1e-3);
    }

    private static float[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(i => (i * 7 % 11) - 5f)];

    private static void Throws<TError>(Action action)
        where TError : Exception => action.Should().Throw<TError>();
}

/// <summary>How a missing or unfit library is met. Runs where none is loaded yet.</summary>
public sealed class MissingLibraryCases
{
    [Fact(Explicit = true)]
    public void A_missing_an_unfit_and_at_last_a_fit_library()
    {
        Action missing = () => TensorFlowBackend.Register(new TensorFlowOptions { LibraryPath = "/nowhere/libtensorflow.so.2" });
        missing.Should().Throw<BackendUnavailableException>().Which.Backend.Should().Be("tensorflow");
        missing.Should().Throw<BackendUnavailableException>().WithMessage("*/nowhere/libtensorflow.so.2*");
        string other = System.Diagnostics.Process.GetCurrentProcess().Modules.Cast<System.Diagnostics.ProcessModule>()
            .Select(module => module.FileName).First(file => Path.GetFileName(file).StartsWith("libclrjit", StringComparison.Ordinal));
        Action unfit = () => TensorFlowBackend.Register(new TensorFlowOptions { LibraryPath = other });
        unfit.Should().Throw<BackendUnavailableException>().WithMessage("*lacks*TFE_Execute*");
        TensorFlowOptions options = new() { IntraOpThreads = 1, InterOpThreads = 1 };
        TensorFlowBackend backend = TensorFlowBackend.Register(options);
        backend.Version.Should().BeGreaterThanOrEqualTo(new Version(2, 14));
        TensorFlowBackend.Register().Should().BeSameAs(backend);
        Action again = () => TensorFlowBackend.Register(new TensorFlowOptions { Xla = true });
        again.Should().Throw<DeviceException>();
        (Tensor.Ones([2], device: "tensorflow:cpu") + 1).ToArray<float>().Should().Equal(2, 2);
    }
}
