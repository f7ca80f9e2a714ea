using DeepBridge.Graphs;

namespace DeepBridge.TensorFlow.Tests;

/// <summary>Ops whose second output waits until somebody looks, where TensorFlow's own kernels give the first one and the gradient.</summary>
public sealed class DeferredTests
{
    static DeferredTests() => TensorFlowBackend.Register();

    /// <summary>A batch of images of which one has NaN, one is −∞, one ties, one is plain.</summary>
    [Theory]
    [InlineData(2, 2, 0)]
    [InlineData(3, 2, 1)]
    [InlineData(3, 1, 1)]
    public void Pooling_heeds_each_image(int size, int stride, int padding)
    {
        float[] values = [.. Enumerable.Range(0, 4 * 3 * 36).Select(i => (float)Math.Sin(i * 1.7))];
        values[10] = values[11] = values[50] = float.NaN;
        values.AsSpan(108, 108).Fill(float.NegativeInfinity);
        values.AsSpan(216, 108).Fill(3);
        Agree(
            inputs =>
            {
                Tensor x = inputs[0].Track();
                (Tensor best, Tensor at) = (x * 1).MaxPoolWithIndices([size, size], [stride, stride], padding);
                Tensor weight = Tensor.Arange((int)best.Count).Cast(DType.Float32).Reshape(best.Shape.AsSpan());
                Tensor gradient = Gradients.Of((Tensor.Where(best > -5, best, best.ZerosLike()) * weight).Sum(), [x], zeros: true)[0];
                return [best.Detach(), at, gradient, (best.Relu() * 2).Sum([1]).Detach()];
            },
            values,
            [4, 3, 6, 6]);
    }

    /// <summary>The logarithms of a loss with ignored labels are there when they are wanted.</summary>
    [Theory]
    [InlineData(Reduction.Mean)]
    [InlineData(Reduction.Sum)]
    [InlineData(Reduction.None)]
    public void Cross_entropy_has_logarithms_and_a_gradient(Reduction reduction) => Agree(
        inputs =>
        {
            Tensor x = inputs[0].Track(), labels = Tensor.Where(Tensor.Arange(6) == 3, Tensor.Arange(6) - 103, Tensor.Arange(6) % 4);
            Tensor[] both = new Ops.CrossEntropy(0, -100, reduction).ApplyAll(x, labels);
            Tensor gradient = Gradients.Of(both[0].Sum() + (both[1] * 0.5).Sum(), [x])[0];
            return [both[0].Detach(), both[1].Detach(), gradient];
        },
        [.. Enumerable.Range(0, 24).Select(i => (float)Math.Cos(i * 2.3))],
        [6, 4]);

    private static void Agree(Func<Tensor[], Tensor[]> function, float[] values, Shape shape)
    {
        float[][] On(string device, bool compiled)
        {
            using AmbientChange use = Device.Use(device);
            using TensorScope scope = new();
            Tensor x = Tensor.From(values, shape);
            using Graph graph = Graph.Trace(function, [x.Spec]);
            return [.. (compiled ? graph.Run(x) : function([x])).Select(result => result.Cast(DType.Float32).ToArray<float>())];
        }

        float[][] expected = On("cpu", false);
        foreach (bool compiled in (bool[])[false, true])
        {
            float[][] found = On("tensorflow:cpu", compiled);
            for (int i = 0; i < expected.Length; i++)
            {
                found[i].Should().HaveSameCount(expected[i]);
                for (int j = 0; j < expected[i].Length; j++)
                {
                    (float.IsNaN(expected[i][j]) == float.IsNaN(found[i][j])
                        && (float.IsNaN(found[i][j]) || expected[i][j] == found[i][j] || Math.Abs(expected[i][j] - found[i][j]) <= 1e-5f * (1 + Math.Abs(expected[i][j]))))
                        .Should().BeTrue("result {0}, element {1}, compiled {2}: {3} is expected, got {4}", i, j, compiled, expected[i][j], found[i][j]);
                }
            }
        }
    }
}
