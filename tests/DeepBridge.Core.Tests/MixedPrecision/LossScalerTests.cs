using DeepBridge.Graphs;
using DeepBridge.Layers;
using DeepBridge.Memory;
using DeepBridge.Optimizers;

namespace DeepBridge.Tests.MixedPrecision;

public sealed class LossScalerTests
{
    private static readonly TensorSpec s_batch = new([3, 2], DType.Float32);

    /// <summary>By hand from the documented rules: growth 2, backoff 0.5, interval 3. Whether the step was good; scale, good steps, skipped.</summary>
    private static readonly (bool Good, float Scale, long GoodSteps, long Skipped)[] s_golden =
    [
        (true, 8, 1, 0), (true, 8, 2, 0), (true, 16, 0, 0), (true, 16, 1, 0), (false, 8, 0, 1), (true, 8, 1, 1), (true, 8, 2, 1), (false, 4, 0, 2),
        (false, 2, 0, 3), (true, 2, 1, 3), (true, 2, 2, 3), (true, 4, 0, 3), (true, 4, 1, 3), (true, 4, 2, 3), (true, 8, 0, 3), (false, 4, 0, 4),
    ];

    [Theory]
    [MemberData(nameof(Devices.All), MemberType = typeof(Devices))]
    public void The_scale_goes_through_the_states_of_GradScaler(string device)
    {
        using AmbientChange place = Device.Use(device);
        using TensorScope outer = new();
        (Linear layer, Adam optimizer, LossScaler scaler) = Make();
        foreach ((bool good, float scale, long goodSteps, long skipped) in s_golden)
        {
            Step(layer, optimizer, scaler, Batch(good));
            Check(scaler, scale, goodSteps, skipped);
        }

        optimizer.StepCount.Value.Item<long>().Should().Be(12);
    }

    [Theory]
    [MemberData(nameof(Devices.All), MemberType = typeof(Devices))]
    public void A_traced_step_goes_through_the_same_states_and_makes_the_same_weights(string device)
    {
        using AmbientChange place = Device.Use(device);
        using TensorScope outer = new();
        (Linear layer, Adam optimizer, LossScaler scaler) = Make();
        (Linear twin, Adam twinOptimizer, LossScaler twinScaler) = Make();
        twin.Weight.Assign(layer.Weight.Value.Detach());
        twin.Bias!.Assign(layer.Bias!.Value.Detach());
        using Graph graph = Graph.Trace(
            batch =>
            {
                Step(layer, optimizer, scaler, batch[0]);
                return [];
            },
            [s_batch]);
        foreach ((bool good, float scale, long goodSteps, long skipped) in s_golden)
        {
            graph.Run(Batch(good));
            Check(scaler, scale, goodSteps, skipped);
            Step(twin, twinOptimizer, twinScaler, Batch(good));
        }

        foreach ((Tensor actual, Tensor expected) in layer.Parameters.Select(one => one.Value).Zip(twin.Parameters.Select(one => one.Value)))
        {
            actual.ToArray<float>().Should().OnlyContain(value => float.IsFinite(value));
            (actual - expected).Abs().Max().Item().Should().BeLessThan(1e-6);
        }
    }

    [Theory]
    [MemberData(nameof(Devices.All), MemberType = typeof(Devices))]
    public void A_skipped_step_leaves_parameters_slots_and_counts_bitwise_untouched(string device)
    {
        using AmbientChange place = Device.Use(device);
        using TensorScope outer = new();
        (Linear layer, Adam optimizer, LossScaler scaler) = Make();
        optimizer.Schedule = new Schedules.CosineSchedule(0.1, 10);
        Variable[] state = [.. layer.Parameters, .. optimizer.NamedVariables().Select(named => named.Variable)];
        Step(layer, optimizer, scaler, Batch(true));
        byte[][] before = Devices.Bytes(state);
        Step(layer, optimizer, scaler, Batch(false));
        Devices.Bytes(state).Should().BeEquivalentTo(before, options => options.WithStrictOrdering());
        Step(layer, optimizer, scaler, Batch(true));
        byte[][] after = Devices.Bytes(state);
        after.Zip(before).Should().OnlyContain(pair => !pair.First.SequenceEqual(pair.Second));
    }

    [Theory]
    [MemberData(nameof(Devices.All), MemberType = typeof(Devices))]
    public void A_power_of_two_changes_no_bit_of_a_float32_gradient(string device)
    {
        using AmbientChange place = Device.Use(device);
        using TensorScope outer = new();
        (Linear layer, _, LossScaler scaler) = Make();
        Tensor x = Tensor.Uniform([3, 2]);
        Gradients plain = Gradients.Of(layer.Call(x).SquaredNorm(), layer.Parameters);
        Gradients scaled = scaler.GradientsOf(layer.Call(x).SquaredNorm(), layer.Parameters);
        foreach (Parameter parameter in layer.Parameters)
        {
            scaled[parameter].ToArray<float>().Should().Equal(plain[parameter].ToArray<float>());
        }
    }

    [Theory]
    [MemberData(nameof(Devices.All), MemberType = typeof(Devices))]
    public void Gradients_below_float16_survive(string device)
    {
        using AmbientChange place = Device.Use(device);
        using TensorScope outer = new();
        Linear layer = new(2, 2);
        LossScaler scaler = new();
        Gradients lost = Gradients.Of(Small(), layer.Parameters), kept = scaler.GradientsOf(Small(), layer.Parameters);
        lost[layer.Weight].ToArray<float>().Should().OnlyContain(value => value == 0);
        kept[layer.Weight].ToArray<float>().Should().OnlyContain(value => Math.Abs((value / 3e-8) - 1) < 1e-3);

        Tensor Small()
        {
            using AmbientChange autocast = Autocast.Use(Precision.Float16);
            return layer.Call(Tensor.Ones([3, 2])).Sum() * 1e-8;
        }
    }

    [Fact]
    public void One_overflow_among_several_backward_passes_skips_their_common_step()
    {
        using TensorScope outer = new();
        (Linear layer, Adam optimizer, LossScaler scaler) = Make();
        byte[][] before = Devices.Bytes(layer.Parameters);
        scaler.GradientsOf(layer.Call(Batch(false)).SquaredNorm(), layer.Parameters);
        Gradients gradients = scaler.GradientsOf(layer.Call(Batch(true)).SquaredNorm(), layer.Parameters);
        scaler.Step(optimizer, gradients);
        Devices.Bytes(layer.Parameters).Should().BeEquivalentTo(before, options => options.WithStrictOrdering());
        Check(scaler, 4, 0, 1);
    }

    [Fact]
    public void Clipping_does_not_hide_an_overflow_and_averages_wait_too()
    {
        using TensorScope outer = new();
        (Linear layer, Adam optimizer, LossScaler scaler) = Make();
        Variable average = new(Tensor.Ones([]));
        foreach ((bool good, float expected) in new[] { (false, 1f), (true, 2f) })
        {
            Gradients gradients = scaler.GradientsOf(layer.Call(Batch(good)).SquaredNorm(), layer.Parameters).ClipValue(1);
            scaler.Step(() =>
            {
                optimizer.Step(gradients);
                average.Assign(average.Value * 2);
            });
            average.Value.Item<float>().Should().Be(expected);
        }

        optimizer.StepCount.Value.Item<long>().Should().Be(1);
    }

    [Fact]
    public void The_scale_stops_below_infinity()
    {
        using TensorScope outer = new();
        (Linear layer, Adam optimizer, _) = Make();
        LossScaler scaler = new(Math.Pow(2, 127), growthInterval: 1);
        scaler.Step(optimizer, scaler.GradientsOf(layer.Call(Tensor.Zeros([3, 2])).Sum() * 1e-30, layer.Parameters));
        Check(scaler, (float)Math.Pow(2, 127), 0, 0);
    }

    [Fact]
    public void A_float16_parameter_is_refused()
    {
        using TensorScope outer = new();
        Parameter half = new(Tensor.Ones([2], DType.Float16), "half");
        new LossScaler().Invoking(scaler => scaler.GradientsOf((half.Value * 2).Cast(DType.Float32).Sum(), [half]))
            .Should().Throw<DTypeMismatchException>().WithMessage("*'half'*keep parameters float32*");
    }

    [Theory]
    [InlineData(0, 2, 0.5, 1)]
    [InlineData(double.PositiveInfinity, 2, 0.5, 1)]
    [InlineData(1, 0.5, 0.5, 1)]
    [InlineData(1, 2, 0, 1)]
    [InlineData(1, 2, 1.5, 1)]
    [InlineData(1, 2, 0.5, 0)]
    public void Numbers_out_of_range_are_refused(double scale, double growth, double backoff, long interval) =>
        FluentActions.Invoking(() => new LossScaler(scale, growth, backoff, interval)).Should().Throw<InvalidAttributeException>();

    [Fact]
    public void The_state_is_named_for_checkpoints() => new LossScaler().NamedVariables().Select(named => named.Key)
        .Should().Equal("scale", "growth_tracker", "skipped_steps", "found_inf");

    [Theory]
    [MemberData(nameof(Devices.All), MemberType = typeof(Devices))]
    public void Good_and_skipped_steps_leave_nothing_behind(string device)
    {
        using AmbientChange place = Device.Use(device);
        using TensorScope outer = new();
        (Linear layer, Adam optimizer, LossScaler scaler) = Make();
        List<long> counts = [];
        foreach (int i in TensorScope.Steps(12))
        {
            using (Autocast.Use(Precision.Float16))
            {
                Step(layer, optimizer, scaler, Batch(i % 3 != 0));
            }

            counts.Add(LiveTensors.Count);
        }

        counts.Skip(3).Distinct().Should().ContainSingle();
    }

    private static (Linear Layer, Adam Optimizer, LossScaler Scaler) Make()
    {
        Linear layer = new(2, 2);
        return (layer, new Adam(layer, 0.1), new LossScaler(8, growthInterval: 3));
    }

    private static void Step(Linear layer, Optimizer optimizer, LossScaler scaler, Tensor batch)
    {
        Gradients gradients = scaler.GradientsOf(layer.Call(batch).SquaredNorm(), layer.Parameters);
        scaler.Step(optimizer, gradients.ClipNorm(1));
    }

    private static Tensor Batch(bool good) =>
        Tensor.From<float>([1, 2, 3, 4, 5, good ? 6 : float.PositiveInfinity]).Reshape(3, 2);

    private static void Check(LossScaler scaler, float scale, long goodSteps, long skipped)
    {
        scaler.Scale.Value.Item<float>().Should().Be(scale);
        scaler.GoodSteps.Value.Item<long>().Should().Be(goodSteps);
        scaler.SkippedSteps.Value.Item<long>().Should().Be(skipped);
    }
}
