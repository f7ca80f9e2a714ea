using DeepBridge.Graphs;
using DeepBridge.Ops;

namespace DeepBridge.Tests.Graphs;

public sealed class GuardTests
{
    [Theory]
    [InlineData(2, null)]
    [InlineData(-1, -1L)]
    [InlineData(3, 3L)]
    public void An_index_is_made_harmless_and_reported(long index, long? bad)
    {
        using Graph graph = Graph.Trace(
            inputs => [new Gather(0).Apply(inputs[0], inputs[1])], [new TensorSpec([3], DType.Float32), new TensorSpec([2], DType.Int64)]);
        using Graph guarded = graph.Guard(out IReadOnlyList<GraphGuard> guards);
        using TensorScope scope = new();
        Tensor[] results = guarded.Run(Tensor.From([1f, 2f, 3f]), Tensor.From([1L, index]));
        results[0].ToArray<float>().Should().Equal(2f, index < 0 ? 1f : 3f);
        Judge(guards, results[1], bad);
    }

    [Theory]
    [InlineData(4, null)]
    [InlineData(0, 0L)]
    public void A_divisor_is_made_harmless_and_reported(int divisor, long? bad)
    {
        using Graph graph = Graph.Trace(inputs => [FloorDivide.Instance.Apply(inputs[0], inputs[1])], [new TensorSpec([1], DType.Int32), new TensorSpec([1], DType.Int32)]);
        using Graph guarded = graph.Guard(out IReadOnlyList<GraphGuard> guards);
        using TensorScope scope = new();
        Tensor[] results = guarded.Run(Tensor.From([9]), Tensor.From([divisor]));
        results[0].ToArray<int>().Should().Equal(divisor == 0 ? 9 : 2);
        Judge(guards, results[1], bad);
    }

    [Fact]
    public void An_ignored_label_passes_and_one_value_is_guarded_once()
    {
        TensorSpec logits = new([2, 3], DType.Float32), labels = new([2], DType.Int64);
        CrossEntropy loss = new(0, -100, Reduction.Mean);
        CrossEntropyGradient gradient = new(0, -100, Reduction.Mean);
        using Graph graph = Graph.Trace(
            inputs =>
            {
                Tensor[] both = loss.ApplyAll(inputs[0], inputs[1]);
                return [both[0], gradient.Apply(both[0], both[1], inputs[1])];
            },
            [logits, labels]);
        using Graph guarded = graph.Guard(out IReadOnlyList<GraphGuard> guards);
        guards.Should().ContainSingle();
        using TensorScope scope = new();
        Judge(guards, guarded.Run(Tensor.Ones([2, 3]), Tensor.From([-100L, 2L]))[2], null);
        Judge(guards, guarded.Run(Tensor.Ones([2, 3]), Tensor.From([-100L, 3L]))[2], 3);
    }

    [Fact]
    public void Arguments_may_be_judged_before_a_run()
    {
        using Graph graph = Graph.Trace(
            inputs => [new CrossEntropy(0, -100, Reduction.Mean).ApplyAll(inputs[0], inputs[1])[0], new Gather(0).Apply(inputs[0], inputs[1] + 1)],
            [new TensorSpec([4, 3], DType.Float32), new TensorSpec([4], DType.Int64)]);
        using Graph guarded = graph.Guard(out IReadOnlyList<GraphGuard> guards, arguments: true);
        guards.Select(guard => guard.Argument).Should().Equal(1, null);
        guarded.Outputs.Should().HaveCount(3);
        using TensorScope scope = new();
        Tensor logits = Tensor.Ones([4, 3]);
        bool Exempt(params long[] labels) => GraphGuard.CheckArguments(guards, [logits.Data, Tensor.From(labels).Data]);
        Exempt(0, 2, 1, 0).Should().BeFalse();
        Exempt(0, -100, 2, 1).Should().BeTrue();
        Action bad = () => Exempt(-100, 3, 0, 0);
        bad.Should().Throw<ValueOutOfBoundsException>().Which.Value.Should().Be(3);
        Judge(guards, Tensor.From([1L, 3L]), null);
        Judge(guards, Tensor.From([1L, 4L]), 4);
    }

    [Fact]
    public void A_graph_without_bounded_values_has_no_further_result()
    {
        using Graph graph = Graph.Trace(inputs => [inputs[0] + 1], [new TensorSpec([2], DType.Float32)]);
        using Graph guarded = graph.Guard(out IReadOnlyList<GraphGuard> guards);
        guards.Should().BeEmpty();
        guarded.Outputs.Should().HaveCount(1);
    }

    [Fact]
    public void An_empty_axis_leaves_no_legal_index()
    {
        using Graph graph = Graph.Trace(
            inputs => [new Gather(0).Apply(inputs[0], inputs[1])], [new TensorSpec([0], DType.Float32), new TensorSpec([2], DType.Int64)]);
        Action guard = () => graph.Guard(out _);
        guard.Should().Throw<ValueOutOfBoundsException>();
    }

    private static void Judge(IReadOnlyList<GraphGuard> guards, Tensor seen, long? bad)
    {
        Action judge = () => GraphGuard.Check(guards, seen.ToArray<long>());
        if (bad is null)
        {
            judge.Should().NotThrow();
        }
        else
        {
            judge.Should().Throw<ValueOutOfBoundsException>().Which.Value.Should().Be(bad);
        }
    }
}
