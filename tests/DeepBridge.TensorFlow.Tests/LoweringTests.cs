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
}
