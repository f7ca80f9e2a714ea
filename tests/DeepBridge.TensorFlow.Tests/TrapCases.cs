using DeepBridge.Ops;
using DeepBridge.Testing;
using Graph = DeepBridge.Graphs.Graph;

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

    /// <summary>Strides, paddings and dilations near 2³¹, and planes of more elements: forwards and backwards, eagerly and traced.</summary>
    [Theory(Explicit = true)]
    [InlineData(1, 1 << 30, 1)]
    [InlineData(1 << 30, 1 << 30, 1)]
    [InlineData(int.MaxValue, 0, 1)]
    [InlineData(int.MaxValue, 1, 1)]
    [InlineData(int.MaxValue, 1 << 30, 1)]
    [InlineData(int.MaxValue, int.MaxValue, 1)]
    [InlineData(1, 1 << 30, 1 << 30)]
    [InlineData(int.MaxValue, int.MaxValue, int.MaxValue)]
    public void Sliding_over_more_than_2_to_31(int stride, int padding, int dilation)
    {
        foreach (bool wide in (bool[])[false, true])
        {
            Dims Both(int one, int other) => [one, wide ? one : other];
            Window window = new(Both(stride, 1), Both(padding, 0), Both(padding, 0), Both(dilation, 1));
            Op[] ops = [new Convolution(window), new ConvolutionInputGradient(window, 1, [4, 64, 4, 64]), new ConvolutionWeightGradient(window, 1, [1, 64, 3, 3])];
            Tensor x = Tensor.Ones([4, 64, 4, 64]), weight = Tensor.Ones([1, 64, 3, 3]), y = Tensor.Ones([4, 1, 1, wide ? 1 : 62]);
            foreach ((Op op, Tensor[] inputs) in ops.Zip<Op, Tensor[]>([[x, weight], [y, weight], [x, y]]))
            {
                Throws<InvalidAttributeException>(() => op.ApplyAll(inputs));
                Throws<InvalidAttributeException>(() => Graph.Trace(a => op.ApplyAll(a), [.. inputs.Select(input => input.Spec)]));
            }
        }
    }

    [Fact(Explicit = true)]
    public void Pooling_by_windows_that_no_kernel_takes()
    {
        const int Half = (int.MaxValue - 1) / 2;
        foreach (Window window in new[] { new Window([1, 1], [Half, 0], [Half, 0], [1, 1]), new Window([1, 1], [Half, Half], [Half, Half], [1, 1]) })
        {
            Dims size = [int.MaxValue, window.Low[1] == 0 ? 1 : int.MaxValue];
            Throws<InvalidAttributeException>(() => new MaxPool(size, window).ApplyAll(Tensor.Ones([1, 1, 1, 1])));
            Throws<InvalidAttributeException>(() => new AveragePool(size, window, true).Apply(Tensor.Ones([1, 1, 1, 1])));
            Throws<InvalidAttributeException>(() => new AveragePoolGradient(size, window, true, [1, 1, 1, 1]).Apply(Tensor.Ones([1, 1, 1, 1])));
        }

        // 2³² and 2²⁸ elements in a window: put together of as many parts they would end the process otherwise.
        foreach ((int height, int width) in new[] { (1 << 28, 1), (1 << 14, 1 << 14) })
        {
            MaxPool pool = new([height, width], new Window([1, 1], [height / 2, width / 2], [height / 2, width / 2], [1, 1]));
            Tensor x = Tensor.Ones([1, 1, 2, 2]);
            Throws<UnsupportedOpException>(() => pool.ApplyAll(x));
            Throws<UnsupportedOpException>(() => Graph.Trace(a => pool.ApplyAll(a), [x.Spec]).Run(x));
        }
    }

    [Fact(Explicit = true)]
    public void Shapes_and_draws_beyond_2_to_31()
    {
        Tensor one = Tensor.Ones([1, 1]), state = Tensor.From([1L, 2L]);
        Throws<InvalidAttributeException>(() => new Pad([int.MaxValue, 0], [0, 0], 0).Apply(one));
        Throws<InvalidAttributeException>(() => new Concat(0).Apply([.. Enumerable.Repeat(Tensor.Zeros([1 << 30, 0]), 2)]));
        Throws<InvalidAttributeException>(() => new RandomWords([1 << 20, 1 << 20]).ApplyAll(state));
        Throws<InvalidAttributeException>(() => new RandomUniform([1 << 30], DType.Float64).ApplyAll(state));
        Throws<EngineException>(() => Tensor.Zeros([int.MaxValue, int.MaxValue, 2]));
        Throws<EngineException>(() => one.Expand([int.MaxValue, int.MaxValue, 2]));
        Throws<EngineException>(() => Graph.Trace(a => [a[0].Expand([int.MaxValue, int.MaxValue, 2])], [one.Spec]).Run(one));
        Throws<EngineException>(() => new Pad([1 << 30, 1 << 30], [0, 0], 0).Apply(one));
        Throws<ArgumentOutOfRangeException>(() => new Pad([1 << 30, 1 << 30, 1 << 30], [0, 0, 0], 0).Apply(Tensor.Ones([1, 1, 1])));
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
    public void Tensors_of_more_than_253_axes()
    {
        int[] dims = [.. Enumerable.Repeat(1, 300)];
        Throws<UnsupportedOpException>(() => Tensor.Zeros(Shape.Create(dims)));
        Throws<UnsupportedOpException>(() => Tensor.From([1f]).Reshape(dims));
        Throws<UnsupportedOpException>(() => Tensor.From([1f], Shape.Create(dims)));
        Throws<UnsupportedOpException>(() => Tensor.From([1f]).Reshape(dims[..254]));
        (-Tensor.From([1f]).Reshape(dims[..253])).ToArray<float>().Should().Equal(-1);
        foreach (Func<Tensor[], Tensor[]> function in new Func<Tensor[], Tensor[]>[] { a => a, a => [a[0].Sum()] })
        {
            using Graph graph = Graph.Trace(function, [new TensorSpec(Shape.Create(dims), DType.Float32)]);
            Throws<UnsupportedOpException>(() => graph.Device.Backend.Compile(graph, graph.Device));
        }
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
    public void Convolving_an_empty_batch_has_the_right_shape()
    {
        Tensor x = Tensor.Ones([0, 1, 5, 5]), weight = Tensor.Ones([2, 1, 3, 3]);
        Shape shape = [0, 2, 3, 3];
        new Convolution(s_plain).Apply(x, weight).Shape.Should().Be(shape);
        Graph.Trace(a => [new Convolution(s_plain).Apply(a)], [x.Spec, weight.Spec]).Run(x, weight)[0].ToArray<float>().Should().BeEmpty();
        new ConvolutionWeightGradient(s_plain, 1, weight.Shape.Dims).Apply(x, Tensor.Ones(shape)).ToArray<float>().Should().HaveCount(18).And.OnlyContain(number => number == 0);
    }

    [Theory(Explicit = true)]
    [InlineData(0, 3)]
    [InlineData(2, 0)]
    public void A_compiled_affine_map_of_an_empty_matrix(int rows, int features)
    {
        TensorSpec x = new([rows, features], DType.Float32), weight = new([4, features], DType.Float32), bias = new([4], DType.Float32);
        using Graph graph = Graph.Trace(inputs => [Linear.Instance.Apply(inputs).Relu()], [x, weight, bias]);
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
