using DeepBridge.Data;
using DeepBridge.Graphs;
using DeepBridge.Memory;

namespace DeepBridge.Tests.Graphs;

public sealed class TracingTests
{
    private static readonly TensorSpec s_spec = new([2, 3], DType.Float32);

    [Fact]
    public void The_text_form_lists_arguments_state_constants_ops_and_results()
    {
        Variable count = new(Tensor.Zeros([], DType.Int64), "count");
        Parameter w = new(Tensor.Ones([3]), "weight");
        Tensor constant = Tensor.From<float>([1, 2, 3]);
        Graph graph = Graph.Trace(
            x =>
            {
                count.Assign(count.Value + 1);
                return [((x[0] * w.Value) + constant).Relu()];
            },
            [s_spec]);
        graph.ToString().Should().Be(
            """
            graph(%0: float32(2, 3))
              %1: int64() = read count
              %4: float32(3,) = read weight
              %6: float32(3,) = constant
              %2: int64() = Fill { Shape = (), DType = Int64, Value = 1 }()
              %3: int64() = Add(%1, %2)
              %5: float32(2, 3) = Multiply(%0, %4)
              %7: float32(2, 3) = Add(%5, %6)
              %8: float32(2, 3) = Relu(%7)
              assign count = %3
              return %8
            """);
    }

    [Fact]
    public void A_graph_computes_what_the_function_computes()
    {
        Tensor x = Tensor.Linspace(-2, 2, 6).Reshape(2, 3);
        Graph graph = Graph.Trace(a => [Function(a[0]), a[0]], [s_spec]);
        Tensor[] results = graph.Run(x);
        results[0].ToArray<float>().Should().Equal(Function(x).ToArray<float>());
        results[1].ToArray<float>().Should().Equal(x.ToArray<float>());

        static Tensor Function(Tensor a) => ((a.Tanh() * 3) - a.Exp()).Sum(1, keepDims: true) + a;
    }

    [Fact]
    public void State_is_threaded_through_each_run()
    {
        Variable total = new(Tensor.Zeros([2, 3]), "total");
        Graph graph = Graph.Trace(
            x =>
            {
                total.Assign(total.Value + x[0]);
                total.Assign(total.Value * 2);
                return [total.Value.Sum()];
            },
            [s_spec]);
        total.Value.ToArray<float>().Should().OnlyContain(value => value == 0);
        graph.Run(Tensor.Ones([2, 3]))[0].Item().Should().Be(12);
        graph.Run(Tensor.Ones([2, 3]))[0].Item().Should().Be(36);
        total.Value.ToArray<float>().Should().OnlyContain(value => value == 6);
        total.Assign(Tensor.Zeros([2, 3]));
        graph.Run(Tensor.Ones([2, 3]))[0].Item().Should().Be(12);
    }

    [Fact]
    public void The_generator_is_state_and_draws_what_it_draws_eagerly()
    {
        RandomGenerator eager = new(3), traced = new(3);
        Graph graph = Graph.Trace(_ => [traced.Uniform([5])], []);
        for (int run = 0; run < 3; run++)
        {
            graph.Run()[0].ToArray<float>().Should().Equal(eager.Uniform([5]).ToArray<float>());
        }

        traced.State.Value.ToArray<long>().Should().Equal(eager.State.Value.ToArray<long>());
    }

    [Fact]
    public void A_training_step_with_its_gradients_is_one_graph()
    {
        Parameter eager = new(Tensor.From<float>([1, 2, 3])), traced = new(Tensor.From<float>([1, 2, 3]));
        Graph graph = Graph.Trace(x => [Step(traced, x[0])], [s_spec]);
        for (int run = 0; run < 3; run++)
        {
            Tensor x = Tensor.Linspace(-1, run + 1, 6).Reshape(2, 3);
            graph.Run(x)[0].ToArray<float>().Should().Equal(Step(eager, x).ToArray<float>());
            traced.Value.ToArray<float>().Should().Equal(eager.Value.ToArray<float>());
        }

        static Tensor Step(Parameter w, Tensor x)
        {
            Tensor loss = (x * w.Value).Tanh().SquaredNorm();
            w.Assign((w.Value.Detach() - (Gradients.Of(loss, [w])[w] * 0.1)).Detach());
            return loss.Detach();
        }
    }

    [Fact]
    public void Common_subexpressions_are_computed_once_and_dead_ones_never()
    {
        Parameter unused = new(Tensor.Ones([3]), "unused");
        Tensor constant = Tensor.Ones([3]);
        Graph graph = Graph.Trace(
            x =>
            {
                _ = (x[0] + unused.Value + constant).Exp();
                return [x[0].Sum(1).Tanh() + x[0].Sum(1).Tanh(), x[0].Sum(0)];
            },
            [s_spec]);
        graph.Nodes.Select(node => node.Op.ToString()).Should().Equal(
            "Sum { Axes = (1,), KeepDims = False }", "Tanh", "Add", "Sum { Axes = (0,), KeepDims = False }");
        graph.States.Should().BeEmpty();
        graph.Constants.Should().BeEmpty();
    }

    [Fact]
    public void Two_draws_are_never_merged()
    {
        RandomGenerator generator = new(1);
        Graph graph = Graph.Trace(_ => [generator.Uniform([4]), generator.Uniform([4])], []);
        Tensor[] draws = graph.Run();
        draws[0].ToArray<float>().Should().NotEqual(draws[1].ToArray<float>());
    }

    [Fact]
    public void A_captured_batch_throws_and_says_to_pass_it_as_an_argument()
    {
        int seen = 0;
        foreach (Tensor batch in Batches.Of(Tensor.Ones([4, 3]), 2))
        {
            FluentActions.Invoking(() => Graph.Trace(x => [x[0] + batch], [s_spec]))
                .Should().Throw<TracingException>().WithMessage("*Add*'batch'*argument*");
            seen++;
        }

        seen.Should().Be(2);
    }

    [Fact]
    public void A_captured_tensor_that_nobody_owns_is_a_constant()
    {
        Tensor constant = Tensor.From<float>([1, 2, 3]);
        Graph graph = Graph.Trace(x => [x[0] + constant], [s_spec]);
        constant.Dispose();
        graph.Run(Tensor.Zeros([2, 3]))[0].ToArray<float>().Should().Equal(1, 2, 3, 1, 2, 3);
    }

    [Fact]
    public void Reading_a_value_while_tracing_throws_and_says_what_to_do()
    {
        Action<Tensor>[] reads =
        [
            x => x.ToArray<float>(), x => x.Sum().Item(), x => x.Sum().Item<float>(), x => x.Read<float>(_ => { }), x => x.CopyTo(new float[6].AsSpan()),
        ];
        foreach (Action<Tensor> read in reads)
        {
            FluentActions.Invoking(() => Graph.Trace(
                x =>
                {
                    read(x[0]);
                    return x;
                },
                [s_spec])).Should().Throw<TracingException>().WithMessage("*Where*argument*");
        }
    }

    [Fact]
    public void A_tensor_that_outlives_its_trace_throws()
    {
        Tensor escaped = null!, kept = null!;
        Graph.Trace(
            x =>
            {
                escaped = x[0] + 1;
                kept = TensorScope.Current!.Keep(x[0] + 2);
                return x;
            },
            [s_spec]);
        FluentActions.Invoking(() => escaped + 1).Should().Throw<TensorReleasedException>().WithMessage("*trace*");
        FluentActions.Invoking(() => kept + 1).Should().Throw<TracingException>().WithMessage("*trace that has ended*");
        FluentActions.Invoking(() => kept.ToArray<float>()).Should().Throw<TracingException>();
    }

    [Fact]
    public void Mixing_devices_throws_while_tracing_too()
    {
        Tensor there = Tensor.Ones([3]).To(OtherBackend.Device);
        Variable elsewhere = new(there, "elsewhere");
        FluentActions.Invoking(() => Graph.Trace(x => [x[0] + there], [s_spec])).Should().Throw<DeviceException>().WithMessage("*Add*cpu*other*");
        FluentActions.Invoking(() => Graph.Trace(x => [there + x[0]], [s_spec])).Should().Throw<DeviceException>();
        FluentActions.Invoking(() => Graph.Trace(x => [x[0] + elsewhere.Value], [s_spec])).Should().Throw<DeviceException>().WithMessage("*elsewhere*other*");
        FluentActions.Invoking(() => Graph.Trace(x => [x[0].To(OtherBackend.Device)], [s_spec])).Should().Throw<TracingException>();
    }

    [Fact]
    public void A_variable_made_while_tracing_throws() =>
        FluentActions.Invoking(() => Graph.Trace(x => [x[0] + new Variable(x[0]).Value], [s_spec])).Should().Throw<TracingException>().WithMessage("*before*");

    [Fact]
    public void A_trace_inside_a_trace_does_not_see_the_outer_values() =>
        FluentActions.Invoking(() => Graph.Trace(x => Graph.Trace(y => [y[0] + x[0]], [s_spec]).Run(x[0]), [s_spec]))
            .Should().Throw<TracingException>();

    [Fact]
    public void Arguments_of_another_shape_dtype_device_or_number_throw()
    {
        Graph graph = Graph.Trace(x => [x[0] + 1], [s_spec]);
        FluentActions.Invoking(() => graph.Run(Tensor.Ones([3, 2]))).Should().Throw<ShapeMismatchException>().WithMessage("*(2, 3)*(3, 2)*");
        FluentActions.Invoking(() => graph.Run(Tensor.Ones([2, 3], DType.Float64))).Should().Throw<DTypeMismatchException>();
        FluentActions.Invoking(() => graph.Run(Tensor.Ones([2, 3]).To(OtherBackend.Device))).Should().Throw<DeviceException>();
        FluentActions.Invoking(() => graph.Run()).Should().Throw<TracingException>().WithMessage("*1*0*");
    }

    [Fact]
    public void Ops_know_the_module_that_ran_them()
    {
        Tower tower = new();
        Graph graph = Graph.Trace(x => [tower.Call(x[0])], [new TensorSpec([4, 2], DType.Float32)]);
        graph.Nodes.Select(node => node.ModulePath).Distinct().Should().Equal("layers.0", "Tower", "layers.1");
    }

    [Fact]
    public void Tracing_and_running_leave_no_count_behind()
    {
        Tower tower = new();
        Graph graph = Graph.Trace(x => [tower.Call(x[0]).Sum()], [new TensorSpec([4, 2], DType.Float32)]);
        graph.Run(Tensor.Ones([4, 2]))[0].Dispose();
        long before = LiveTensors.Count;
        for (int run = 0; run < 3; run++)
        {
            using TensorScope scope = new();
            graph.Run(Tensor.Ones([4, 2]));
            FluentActions.Invoking(() => Graph.Trace(x => [tower.Call(x[0]).Sum() + x[0].Item()], [new TensorSpec([4, 2], DType.Float32)]))
                .Should().Throw<DeepBridgeException>();
        }

        LiveTensors.Count.Should().Be(before);
    }

    [Fact]
    public void A_failed_trace_assigns_nothing()
    {
        Variable v = new(Tensor.Ones([2, 3]));
        FluentActions.Invoking(() => Graph.Trace(
            x =>
            {
                v.Assign(x[0] + 1);
                throw new InvalidOperationException();
            },
            [s_spec])).Should().Throw<InvalidOperationException>();
        v.Value.ToArray<float>().Should().OnlyContain(value => value == 1);
        Ambient.Now.Wrapper.Should().BeNull();
    }
}
