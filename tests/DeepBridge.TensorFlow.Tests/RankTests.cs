using DeepBridge.Graphs;
using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Tests;

/// <summary>Kernels of TensorFlow have five groups of axes that broadcast, seven axes to search, eight to choose among: ops have as many as they like.</summary>
public sealed class RankTests
{
    static RankTests() => TensorFlowBackend.Register();

    /// <summary>Ops on so many axes; every other one of an input has extent 1.</summary>
    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(11)]
    public void Ops_of_many_axes_agree(int rank)
    {
        Shape even = Alternating(rank, 0), odd = Alternating(rank, 1), all = Shape.Create([.. Enumerable.Repeat(2, rank)]);
        Func<Tensor[], Tensor>[] functions =
        [
            a => a[0] + a[1], a => a[2] * a[1], a => a[0] < a[1], a => (a[0] > 0) < (a[1] > 0), a => (a[0] > 0) & (a[1] > 0),
            a => Tensor.Where(a[0] > 0, a[1], a[2]), a => Tensor.Where(a[2] > 0, a[2], Tensor.Full([], 0.5)), a => FloorDivide.Instance.Apply(a[0], a[1]),
            a => FloorModulo.Instance.Apply(a[0], a[1]), a => a[0].Expand(all),
            a => a[2].Cast(DType.Int32), a => Sign.Instance.Apply(a[2]), a => a[2].Relu(), a => ReluGradient.Instance.Apply(a[2], a[1]),
            a => new ArgMax(rank / 2, false).Apply(a[2]), a => new ArgMin(0, true).Apply(a[2]), a => a[2].Max([0, 2]), a => a[2].Sum([1, 3]),
            a => a[2].Softmax(-1), a => new CumulativeSum(1).Apply(a[2]), a => a[2].Permute([.. Enumerable.Range(0, rank).Reverse()]),
            a => a[0].MatMul(a[2]), a => new Gather(1).Apply(a[2], (a[2] > 0).Cast(DType.Int64).Reshape(-1)[..2]), a => Tensor.Concat([a[2], a[2]], 1),
        ];
        Tensor[] On(Device device, bool compiled)
        {
            using AmbientChange use = Device.Use(device);
            Tensor[] inputs = [.. new[] { even, odd, all }.Select(shape => Tensor.From([.. Enumerable.Range(0, (int)shape.Count).Select(i => ((i * 7 % 11) - 5.5f) / 2)], shape))];
            using Graph graph = Graph.Trace(a => [.. functions.Select(function => function(a))], [.. inputs.Select(input => input.Spec)], device);
            return compiled ? graph.Run(inputs) : [.. functions.Select(function => function(inputs))];
        }

        using TensorScope scope = new();
        Tensor[] expected = On("cpu", false);
        foreach (bool compiled in (bool[])[false, true])
        {
            foreach ((int i, Tensor found) in On("tensorflow:cpu", compiled).Index())
            {
                found.Spec.Should().Be(expected[i].Spec);
                found.Cast(DType.Float64).ToArray<double>().Zip(expected[i].Cast(DType.Float64).ToArray<double>())
                    .Should().OnlyContain(pair => Math.Abs(pair.First - pair.Second) < 1e-5 * (1 + Math.Abs(pair.Second)), "op {0} of {1} axes, compiled {2}", i, rank, compiled);
            }
        }
    }

    [Fact]
    public void Movements_of_too_many_axes_are_refused()
    {
        using AmbientChange use = Device.Use("tensorflow:cpu");
        using TensorScope scope = new();
        Op[] movements = [new Pad(Dims.Repeat(1, 7), Dims.Repeat(0, 7), 0), new Slice(Dims.Repeat(0, 9), Dims.Repeat(1, 9), Dims.Repeat(1, 9)), new Flip([0, 8])];
        foreach (Op op in movements)
        {
            Tensor x = Tensor.Ones(new Shape(Dims.Repeat(1, op is Pad ? 7 : 9)));
            Action eager = () => op.Apply(x), compiled = () => Graph.Trace(a => [op.Apply(a)], [x.Spec]).Run(x);
            eager.Should().Throw<UnsupportedOpException>().WithMessage($"*{op.Name}*");
            compiled.Should().Throw<UnsupportedOpException>().WithMessage($"*{op.Name}*");
        }
    }

    private static Shape Alternating(int rank, int phase) => Shape.Create([.. Enumerable.Range(0, rank).Select(axis => axis % 2 == phase || axis >= rank - 2 ? 2 : 1)]);
}
