using DeepBridge.Graphs;
using DeepBridge.Ops;
using FluentAssertions.Execution;

namespace DeepBridge.TensorFlow.Tests;

/// <summary>What TensorFlow's own kernels, or XLA's, compute otherwise, or silently wrong: here it is what the conventions say.</summary>
internal static class FactCases
{
    private const float NaN = float.NaN, Infinite = float.PositiveInfinity;

    private static readonly float[] s_odd = [NaN, Infinite, -Infinite, 3e9f, -3e9f, 300, -1.5f, 0];

    /// <summary>The functions, their arguments, and what comes out.</summary>
    internal static IEnumerable<(string Name, Func<Tensor[], Tensor> Function, Func<Tensor[]> Inputs, double[] Expected)> All =>
    [
        ("argmax finds NaN", a => a[0].ArgMax(1), () => [Tensor.From([1, NaN, 3, -Infinite, -Infinite, -Infinite], [2, 3])], [1, 0]),
        ("argmin finds NaN", a => a[0].ArgMin(1), () => [Tensor.From([1, NaN, -Infinite, 2, 2, 3], [2, 3])], [1, 0]),
        ("sign of NaN", a => Sign.Instance.Apply(a), () => [Tensor.From([NaN, -Infinite, -0f, 2])], [0, -1, 0, 1]),
        ("maximum of NaN", a => Maximum.Instance.Apply(a), () => [Tensor.From([NaN, 1, 2]), Tensor.From([1, NaN, 1])], [NaN, NaN, 2]),
        ("max of NaN", a => a[0].Max(), () => [Tensor.From([1, NaN, 3])], [NaN]),
        ("round", a => Round.Instance.Apply(a), () => [Tensor.From([0.5f, 1.5f, 2.5f, -1.5f])], [0, 2, 2, -2]),
        ("relu's gradient", a => ReluGradient.Instance.Apply(a), () => [Tensor.From([5f, 5, 5, 5]), Tensor.From([NaN, 0, -1, 1])], [5, 0, 0, 5]),
        ("softmax of NaN", a => a[0].Softmax(-1), () => [Tensor.From([NaN, 1, 2, Infinite, 1, 2, 0, 0, -Infinite], [3, 3])], [NaN, NaN, NaN, NaN, NaN, NaN, 0.5, 0.5, 0]),
        ("softmax of nothing", a => a[0].Softmax(-1), () => [Tensor.From([-Infinite, -Infinite, 0, -Infinite], [2, 2])], [NaN, NaN, 1, 0]),
        ("remainder of infinity", a => FloorModulo.Instance.Apply(a), () => [Tensor.From([-1f, 7, 1]), Tensor.From([Infinite, -2, 0])], [Infinite, -1, NaN]),
        ("quotient of infinity", a => FloorDivide.Instance.Apply(a), () => [Tensor.From([Infinite, -7f, 1]), Tensor.From([2f, 2, 0])], [NaN, -4, Infinite]),
        ("to uint8", a => a[0].Cast(DType.UInt8), () => [Tensor.From(s_odd)], [0, 255, 0, 255, 0, 255, 0, 0]),
        ("to int8", a => a[0].Cast(DType.Int8), () => [Tensor.From(s_odd)], [0, 127, -128, 127, -128, 127, -1, 0]),
        ("to int16", a => a[0].Cast(DType.Int16), () => [Tensor.From(s_odd)], [0, 32767, -32768, 32767, -32768, 300, -1, 0]),
        ("to int32", a => a[0].Cast(DType.Int32), () => [Tensor.From(s_odd)], [0, int.MaxValue, int.MinValue, int.MaxValue, int.MinValue, 300, -1, 0]),
        ("to int64", a => a[0].Cast(DType.Int64), () => [Tensor.From(s_odd)], [0, long.MaxValue, long.MinValue, 3e9, -3e9, 300, -1, 0]),
        ("to bool", a => a[0].Cast(DType.Bool), () => [Tensor.From(s_odd)], [1, 1, 1, 1, 1, 1, 1, 0]),
        ("least by minus one", a => FloorDivide.Instance.Apply(a), () => [Tensor.From([int.MinValue, -7]), Tensor.From([-1, 2])], [int.MinValue, -4]),
        ("its remainder", a => FloorModulo.Instance.Apply(a), () => [Tensor.From([int.MinValue, -7]), Tensor.From([-1, 2])], [0, 1]),
        ("least long by minus one", a => FloorDivide.Instance.Apply(a), () => [Tensor.From([long.MinValue, 7]), Tensor.From([-1L, -2])], [long.MinValue, -4]),
        ("its long remainder", a => FloorModulo.Instance.Apply(a), () => [Tensor.From([long.MinValue, 7]), Tensor.From([-1L, -2])], [0, -1]),
        ("powers wrap", a => Power.Instance.Apply(a), () => [Tensor.From([2, -2, 0, 3]), Tensor.From([31, 31, 0, 2])], [int.MinValue, int.MinValue, 1, 9]),
        ("mean of float16", a => a[0].Mean(), () => [Tensor.Full([4096], 100, DType.Float16)], [100]),
        ("mean of float16 by rows", a => a[0].Mean([0]), () => [Tensor.Full([4096, 2], 100, DType.Float16)], [100, 100]),
        ("mean of bfloat16", a => a[0].Mean(), () => [Tensor.Full([4096], 100, DType.BFloat16)], [100]),
        ("mean pooling of float16", a => a[0].AveragePool([64, 64]), () => [Tensor.Full([1, 1, 64, 64], 100, DType.Float16)], [100]),
        ("product of float16", a => a[0].MatMul(a[1]), () => [Tensor.Ones([1, 4096], DType.Float16), Tensor.Ones([4096, 1], DType.Float16)], [4096]),
        ("softmax of float16", a => a[0].Softmax(-1)[..1], () => [Tensor.Zeros([70_000], DType.Float16)], [(double)(Half)(1 / 70_000f)]),
        ("sum of bool", a => a[0].Sum(), () => [Tensor.Ones([300], DType.Bool)], [300]),
        ("sum of int8", a => a[0].Sum(), () => [Tensor.Full([300], 100, DType.Int8)], [30_000]),
        ("max of uint8", a => a[0].Max(), () => [Tensor.From<byte>([200, 5, 255])], [255]),
        ("denormal numbers are zero", a => a[0] * 1e10, () => [Tensor.From([1e-40f, 1e-30f])], [0, 1e-20f]),
        ("mean of nothing", a => a[0].Mean([0]), () => [Tensor.Zeros([0, 2])], [NaN, NaN]),
        ("product over nothing", a => a[0].MatMul(a[1]), () => [Tensor.Zeros([1, 0]), Tensor.Zeros([0, 2])], [0, 0]),
        ("nothing from nothing", a => new Gather(0).Apply(a).Sum([0]), () => [Tensor.Zeros([0, 2]), Tensor.Zeros([0], DType.Int64)], [0, 0]),
        ("all labels ignored", a => Loss(a, Reduction.Mean), () => [Tensor.Zeros([2, 3]), Tensor.From([-100L, -100])], [NaN]),
        ("no labels", a => Loss(a, Reduction.Sum), () => [Tensor.Zeros([0, 3]), Tensor.Zeros([0], DType.Int64)], [0]),
        ("sum over outer axes", a => a[0].Sum([0]) / 10_000, () => [Tensor.Full([100_000, 2], 0.1)], [1, 1]),
        ("sum over images", a => a[0].Sum([0, 2, 3]) / 10_000, () => [Tensor.Full([10, 2, 100, 100], 0.1)], [1, 1]),
        ("sum over a prime number of rows", a => a[0].Sum([0]) / 10_000.7, () => [Tensor.Full([100_007, 2], 0.1)], [1, 1]),
        ("pooling finds NaN", a => a[0].MaxPool([2, 2]), () => [Tensor.From([1, NaN, 2, 3, -Infinite, -Infinite, -Infinite, -Infinite], [2, 1, 2, 2])], [NaN, -Infinite]),
        ("an empty batch", a => Convolved(a).Sum([0, 2, 3]), () => [Tensor.Zeros([0, 1, 5, 5]), Tensor.Ones([2, 1, 3, 3])], [0, 0]),
        ("a stride over all", a => Convolved(a, stride: 1 << 20), () => [Tensor.Ones([1, 1, 4, 4]), Tensor.Ones([1, 1, 3, 3])], [9, 9]),
        ("far apart", a => Convolved(a, 1 << 20, 1 << 20, 1 << 19), () => [Tensor.Ones([1, 1, 1, 4]), Tensor.Ones([1, 1, 3, 3])], [3, 3, 3, 3]),
        ("a pooling of little", a => a[0].MaxPool([20, 20], [1, 1], 10), () => [Tensor.From([1f, 4, 2, 3], [1, 1, 2, 2])], [4, 4, 4, 4, 4, 4, 4, 4, 4]),
        .. Depthwise(),
    ];

    /// <summary>XLA leaves the casts out.</summary>
    private static IEnumerable<(string Name, Func<Tensor[], Tensor> Function, Func<Tensor[]> Inputs, double[] Expected)> Rounded =>
    [
        ("float16 rounds", a => a[0].Cast(DType.Float16).Cast(DType.Float32) - 2048, () => [Tensor.From([2049f, 2051])], [0, 4]),
        ("bfloat16 rounds", a => a[0].Cast(DType.BFloat16).Cast(DType.Float32) - 256, () => [Tensor.From([257f, 259])], [0, 4]),
    ];

    /// <summary>Runs every case.</summary>
    /// <param name="device">The device.</param>
    /// <param name="eagerly">Whether eagerly too, and compiled by TensorFlow: not by XLA.</param>
    internal static void Check(Device device, bool eagerly)
    {
        using AmbientChange use = Device.Use(device);
        using AssertionScope every = new();
        foreach ((string name, Func<Tensor[], Tensor> function, Func<Tensor[]> make, double[] expected) in eagerly ? All.Concat(Rounded) : All)
        {
            using TensorScope scope = new();
            Tensor[] inputs = make();
            using Graph graph = Graph.Trace(arguments => [function(arguments)], [.. inputs.Select(input => input.Spec)], device);
            Agree(graph.Run(inputs)[0], expected, $"{name}, compiled");
            if (eagerly)
            {
                Agree(function(inputs), expected, $"{name}, eager");
            }
        }
    }

    private static void Agree(Tensor result, double[] expected, string name)
    {
        double[] found = result.Cast(DType.Float64).ToArray<double>();
        found.Should().HaveSameCount(expected, name);
        for (int i = 0; i < found.Length; i++)
        {
            (double.IsNaN(expected[i]) ? double.IsNaN(found[i]) : found[i] == expected[i] || Math.Abs(found[i] - expected[i]) <= 1e-5 * Math.Abs(expected[i]))
                .Should().BeTrue("{0}: element {1} is {2}, got {3}", name, i, expected[i], found[i]);
        }
    }

    private static Tensor Loss(Tensor[] a, Reduction reduction) => new CrossEntropy(0, -100, reduction).ApplyAll(a)[0];

    private static Tensor Convolved(Tensor[] a, int stride = 1, int padding = 0, int dilation = 1) =>
        new Convolution(new Window([stride, 1], [padding, 0], [padding, 0], [dilation, 1])).Apply(a);

    /// <summary>The gradients of a dilated convolution of each channel alone, which TensorFlow's own ops compute without the dilation.</summary>
    private static IEnumerable<(string, Func<Tensor[], Tensor>, Func<Tensor[]>, double[])> Depthwise()
    {
        Window window = new([1, 1], [0, 0], [0, 0], [2, 2]);
        Tensor[] Inputs() => [Tensor.From([1f, 2, 3, 4, 5, 6, 7, 8, 9, 1, 1, 1, 1, 1, 1, 1, 1, 2], [1, 2, 3, 3]), Tensor.From([1f, 2, 3, 4, 1, 1, 1, 1], [2, 1, 2, 2])];
        Tensor Gradient(Tensor[] a, int of)
        {
            Tensor[] tracked = [a[0].Track(), a[1].Track()];
            Tensor y = new Convolution(window, 2).Apply(tracked);
            return Gradients.Of((y * Tensor.From([1f, 10], [1, 2, 1, 1])).Sum(), tracked)[of];
        }

        yield return ("dilated depthwise", a => new Convolution(window, 2).Apply(a), Inputs, [1 + 6 + 21 + 36, 5]);
        yield return ("its gradient in x", a => Gradient(a, 0), Inputs, [1, 0, 2, 0, 0, 0, 3, 0, 4, 10, 0, 10, 0, 0, 0, 10, 0, 10]);
        yield return ("its gradient in w", a => Gradient(a, 1), Inputs, [1, 3, 7, 9, 10, 10, 10, 20]);
    }
}

/// <summary>The same in this process.</summary>
public sealed class FactTests
{
    static FactTests() => TensorFlowBackend.Register();

    [Fact]
    public void Odd_values_give_what_the_conventions_say_eager_and_compiled() => FactCases.Check("tensorflow:cpu", eagerly: true);
}
