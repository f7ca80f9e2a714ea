using DeepBridge.Ops;
using DeepBridge.Testing;

namespace DeepBridge.TensorFlow.Tests;

/// <summary>Corners of the lowerings that the conformance suite has no case of.</summary>
public sealed class LoweringTests : IDisposable
{
    private readonly TensorScope _scope = new();
    private readonly AmbientChange _use;

    static LoweringTests() => TensorFlowBackend.Register();

    public LoweringTests() => _use = Device.Use("tensorflow:cpu");

    public void Dispose()
    {
        _use.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void Counting_in_float32_goes_on_behind_the_last_whole_number_that_it_has()
    {
        const int Length = (1 << 24) + 1;
        float[] numbers = (new Iota(Length, DType.Float32).Apply() * Tensor.Ones([Length])).ToArray<float>();
        numbers.Should().HaveCount(Length);
        numbers[^1].Should().Be(Length - 1);
    }

    [Theory]
    [InlineData(1, 2, 1, DType.Float32)]
    [InlineData(2, 2, 1, DType.Float32)]
    [InlineData(2, 1, 1, DType.Float32)]
    [InlineData(2, 3, 1, DType.Float32)]
    [InlineData(4, 1, 2, DType.Float32)]
    [InlineData(1, 2, 2, DType.Float32)]
    [InlineData(1, 2, 1, DType.Float64)]
    [InlineData(2, 3, 2, DType.Float64)]
    [InlineData(4, 1, 1, DType.Float64)]
    public void Gradients_of_convolutions_that_keep_the_size_heed_groups_and_dilation(int groups, int dilation, int stride, DType dtype)
    {
        const int Extent = 9, Outputs = 8;
        int all = Math.Max(((((Extent + stride - 1) / stride) - 1) * stride) + (2 * dilation) + 1 - Extent, 0);
        Window window = new([stride, stride], [all / 2, all / 2], [all - (all / 2), all - (all / 2)], [dilation, dilation]);
        double[] Of(Device device)
        {
            Tensor input = Numbers([2, 4, Extent, Extent], device).Cast(dtype), weight = Numbers([Outputs, 4 / groups, 3, 3], device).Cast(dtype);
            Tensor y = new Convolution(window, groups).Apply(input, weight);
            Tensor dx = new ConvolutionInputGradient(window, groups, input.Shape.Dims).Apply(y, weight);
            Tensor dw = new ConvolutionWeightGradient(window, groups, weight.Shape.Dims).Apply(input, y);
            return [.. new[] { y, dx, dw }.SelectMany(tensor => tensor.Cast(DType.Float64).ToArray<double>())];
        }

        Of("tensorflow:cpu").Should().Equal(Of(ReferenceBackend.Instance.Device), (a, b) => Math.Abs(a - b) < 1e-3);
    }

    [Theory]
    [InlineData(1, 1, float.NegativeInfinity)]
    [InlineData(2, 1, float.NegativeInfinity)]
    [InlineData(1, 2, float.NegativeInfinity)]
    [InlineData(2, 2, float.NegativeInfinity)]
    [InlineData(1, 1, float.NaN)]
    [InlineData(2, 2, float.NaN)]
    public void Where_nothing_is_found_the_first_element_under_a_window_is(int dilation, int stride, float value)
    {
        float[] numbers = [.. Enumerable.Range(0, 2 * 2 * 7 * 6).Select(i => i % 5 < 4 ? value : i)];
        MaxPool pool = new([3, 2], new Window([stride, 1], [1, 1], [1, 1], [dilation, dilation]));
        (float[] Most, long[] Places) Of(Device device)
        {
            Tensor[] both = pool.ApplyAll(Tensor.From(numbers, [2, 2, 7, 6], device));
            return (both[0].ToArray<float>(), both[1].ToArray<long>());
        }

        (float[] most, long[] places) = Of("tensorflow:cpu");
        (float[] expected, long[] right) = Of(ReferenceBackend.Instance.Device);
        most.Should().Equal(expected);
        places.Should().Equal(right);
    }

    /// <summary>Small whole numbers, so that sums are exact.</summary>
    private static Tensor Numbers(Shape shape, Device device) =>
        Tensor.From([.. Enumerable.Range(0, (int)shape.Count).Select(i => (i * 7 % 11) - 5f)], shape, device);
}
