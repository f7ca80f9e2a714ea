using DeepBridge.Graphs;
using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Tests;

/// <summary>Values that no kernel may see: an index, a label, a divisor, an exponent.</summary>
internal static class GuardCases
{
    internal static IEnumerable<(string Name, Func<Tensor[], Tensor> Function, Func<Tensor[]> Good, Func<Tensor[]> Bad, long Value)> All =>
    [
        ("Gather", a => new Gather(0).Apply(a[0], a[1]), () => [Tensor.Ones([3, 2]), Tensor.From([0L, 2L])], () => [Tensor.Ones([3, 2]), Tensor.From([0L, 3L])], 3),
        ("Gather", a => new Gather(1).Apply(a[0], a[1]), () => [Tensor.Ones([3, 2]), Tensor.From([1])], () => [Tensor.Ones([3, 2]), Tensor.From([-1])], -1),
        ("ScatterAdd", a => new ScatterAdd(0, 4).Apply(a[0], a[1]), () => [Tensor.Ones([2]), Tensor.From([0L, 3L])], () => [Tensor.Ones([2]), Tensor.From([4L, 0L])], 4),
        ("OneHot", a => new OneHot(3, DType.Float32).Apply(a[0]), () => [Tensor.From([2L])], () => [Tensor.From([7L])], 7),
        ("Embedding", a => new Embedding(null).Apply(a[0], a[1]), () => [Tensor.Ones([3, 2]), Tensor.From([2L])], () => [Tensor.Ones([3, 2]), Tensor.From([long.MaxValue])], long.MaxValue),
        ("CrossEntropy", a => new CrossEntropy(0, null, Reduction.Mean).ApplyAll(a)[0], () => [Tensor.Ones([2, 3]), Tensor.From([0L, 2L])], () => [Tensor.Ones([2, 3]), Tensor.From([0L, -100L])], -100),
        ("CrossEntropy", a => new CrossEntropy(0, -100, Reduction.Mean).ApplyAll(a)[0], () => [Tensor.Ones([2, 3]), Tensor.From([0L, -100L])], () => [Tensor.Ones([2, 3]), Tensor.From([-100L, 3L])], 3),
        ("FloorDivide", a => FloorDivide.Instance.Apply(a[0], a[1]), () => [Tensor.From([7, 8]), Tensor.From([2, -3])], () => [Tensor.From([7, 8]), Tensor.From([2, 0])], 0),
        ("FloorModulo", a => FloorModulo.Instance.Apply(a[0], a[1]), () => [Tensor.From([7L]), Tensor.From([-2L])], () => [Tensor.From([7L]), Tensor.From([0L])], 0),
        ("Power", a => Power.Instance.Apply(a[0], a[1]), () => [Tensor.From([7]), Tensor.From([2])], () => [Tensor.From([7]), Tensor.From([-2])], -2),
    ];

    /// <summary>Runs every case eagerly and compiled: of arguments, which are judged before a run, and of what the graph computes, which is guarded in it.</summary>
    /// <param name="device">The device.</param>
    internal static void Check(Device device)
    {
        using AmbientChange use = Device.Use(device);
        foreach ((string name, Func<Tensor[], Tensor> function, Func<Tensor[]> good, Func<Tensor[]> bad, long value) in All)
        {
            using TensorScope scope = new();
            Tensor[] inputs = good(), wrong = bad();
            using Graph graph = Graph.Trace(arguments => [function(arguments)], [.. inputs.Select(input => input.Spec)], device);
            using Graph computing = Graph.Trace(
                arguments => [function([.. arguments.Select(input => input.DType.IsFloating() ? input : (input * 3) - (input * 2))])], [.. inputs.Select(input => input.Spec)], device);
            byte[] eager = Bytes(function(inputs)), compiled = Bytes(graph.Run(inputs)[0]);
            compiled.Should().Equal(eager, name);
            Bytes(computing.Run(inputs)[0]).Should().Equal(eager, name);
            Refuses(() => function(wrong), name, value, "eager");
            Refuses(() => graph.Run(wrong), name, value, "compiled");
            Refuses(() => computing.Run(wrong), name, value, "computed in the graph");
            Bytes(graph.Run(inputs)[0]).Should().Equal(eager, "an error leaves the function as it was");
            Bytes(computing.Run(inputs)[0]).Should().Equal(eager, "an error leaves the function as it was");
        }
    }

    private static void Refuses(Action action, string op, long value, string how)
    {
        ValueOutOfBoundsException error = action.Should().Throw<ValueOutOfBoundsException>($"{op} of {value}, {how}").Which;
        (error.Op, error.Value).Should().Be((op, value));
    }

    private static byte[] Bytes(Tensor tensor)
    {
        tensor = tensor.Cast(DType.Float64);
        return [.. tensor.ToArray<double>().SelectMany(BitConverter.GetBytes)];
    }
}

/// <summary>The guards of compiled graphs.</summary>
public sealed class GuardTests
{
    static GuardTests() => TensorFlowBackend.Register();

    [Fact]
    public void Bad_values_are_typed_errors_eager_and_compiled() => GuardCases.Check("tensorflow:cpu");

    [Fact]
    public void Ignored_labels_may_come_and_go_and_a_bad_one_leaves_the_step_undone()
    {
        using AmbientChange use = Device.Use("tensorflow:cpu");
        using TensorScope scope = new();
        Variable total = new(Tensor.Zeros([1]));
        CrossEntropy loss = new(0, -100, Reduction.Sum);
        using Graph graph = Graph.Trace(
            a =>
            {
                total.Assign(total.Value + 1);
                return [loss.ApplyAll(a[0], a[1])[0]];
            },
            [new([3, 2], DType.Float32), new([3], DType.Int64)]);
        float Run(params long[] labels) => graph.Run(Tensor.Zeros([3, 2]), Tensor.From(labels))[0].Item<float>();
        float one = MathF.Log(2);
        Run(0, 1, 0).Should().BeApproximately(3 * one, 1e-5f);
        Run(0, -100, 0).Should().BeApproximately(2 * one, 1e-5f);
        Run(1, 1, 1).Should().BeApproximately(3 * one, 1e-5f);
        Action bad = () => Run(0, -100, 2);
        bad.Should().Throw<ValueOutOfBoundsException>().Which.Value.Should().Be(2);
        total.Value.ToArray<float>().Should().Equal(3);
        Run(-100, -100, 1).Should().BeApproximately(one, 1e-5f);
    }

    [Fact]
    public void Positions_of_a_pooling_are_guarded_unless_it_found_them()
    {
        using AmbientChange use = Device.Use("tensorflow:cpu");
        using TensorScope scope = new();
        TensorSpec g = new([1, 1, 2, 2], DType.Float32), positions = new([1, 1, 2, 2], DType.Int64);
        using Graph given = Graph.Trace(a => [new MaxPoolGradient([1, 1, 4, 4]).Apply(a[0], a[1])], [g, positions]);
        Action bad = () => given.Run(Tensor.Ones([1, 1, 2, 2]), Tensor.From([0L, 1L, 2L, 16L], [1, 1, 2, 2]));
        bad.Should().Throw<ValueOutOfBoundsException>().Which.Value.Should().Be(16);
        Window window = new([2, 2], [0, 0], [0, 0], [1, 1]);
        using Graph found = Graph.Trace(
            a => [new MaxPoolGradient([1, 1, 4, 4]).Apply(a[0], new MaxPool([2, 2], window).ApplyAll(a[1])[1])], [g, new([1, 1, 4, 4], DType.Float32)]);
        using Graph guarded = found.Guard(out IReadOnlyList<GraphGuard> guards);
        guards.Should().BeEmpty();
        guarded.Outputs.Should().HaveCount(1);
    }
}
