using DeepBridge.Layers;
using DeepBridge.Memory;

namespace DeepBridge.Tests.Autodiff;

/// <summary>A recomputed function does everything twice, and nobody can tell.</summary>
public sealed class RecomputeTests
{
    private readonly Parameter _weight = new(Tensor.From<float>([0.5f, -1.25f, 2]));
    private readonly Variable _mean = new(Tensor.Zeros([3]));
    private readonly RandomGenerator _generator = new(5);

    [Fact]
    public void Gradients_are_bitwise_equal_with_dropout_and_statistics_assigned_once()
    {
        (float[] value, float[] inputs, float[] weights, float[] mean, long[] state) plain = Run(x => [Block(x)]);
        (float[] value, float[] inputs, float[] weights, float[] mean, long[] state) again =
            Run(x => Gradients.Recompute(given => [Block(given[0])], x));
        again.Should().BeEquivalentTo(plain, options => options.WithStrictOrdering());
        plain.mean.Should().NotEqual(new float[3]);
    }

    [Fact]
    public void Recomputed_regions_nest()
    {
        var plain = Run(x => [Block(Block(x))]);
        var again = Run(x => Gradients.Recompute(
            given => [Block(Gradients.Recompute(inner => [Block(inner[0])], given[0])[0])], x));
        again.Should().BeEquivalentTo(plain, options => options.WithStrictOrdering());
    }

    [Fact]
    public void A_recomputed_region_keeps_only_its_inputs_until_the_backward_pass()
    {
        using TensorScope scope = new();
        Tensor x = Tensor.Ones([4, 3]).Track();
        Gradients.Recompute(given => [Deep(given[0])], x)[0].Dispose();
        long before = LiveTensors.Count;
        Tensor plain = TensorScope.Run(() => Deep(x));
        long kept = LiveTensors.Count - before;
        plain.Dispose();
        LiveTensors.Count.Should().Be(before);
        Tensor recomputed = TensorScope.Run(() => Gradients.Recompute(given => [Deep(given[0])], x)[0]);
        long keptNow = LiveTensors.Count - before;
        kept.Should().BeGreaterThan(20);
        keptNow.Should().BeLessThanOrEqualTo(4);
        Gradients.Of(recomputed.Sum(), [x])[0].Shape.Should().Be(x.Shape);

        static Tensor Deep(Tensor value)
        {
            for (int i = 0; i < 20; i++)
            {
                value = value.Tanh() * 1.5;
            }

            return value;
        }
    }

    [Fact]
    public void A_recomputed_step_leaves_no_count_behind()
    {
        Run(x => Gradients.Recompute(given => [Block(given[0])], x));
        long before = LiveTensors.Count;
        Run(x => Gradients.Recompute(given => [Block(given[0])], x));
        LiveTensors.Count.Should().Be(before);
    }

    [Fact]
    public void A_variable_assigned_after_the_first_run_is_read_as_it_was()
    {
        Tensor x = Tensor.Ones([3]).Track();
        Tensor loss = Gradients.Recompute(given => [given[0] * _weight.Value * _weight.Value], x)[0].Sum();
        _weight.Assign(Tensor.Zeros([3]));
        Gradients gradients = Gradients.Of(loss, [_weight]);
        gradients[_weight].ToArray<float>().Should().Equal(1, -2.5f, 4);
    }

    [Fact]
    public void A_module_recomputes_its_call()
    {
        Tower plain = new(), recomputed = new() { Recompute = true };
        Tensor x = Tensor.From<float>([1, 2, 3, 4], [2, 2]);
        Gradients expected = Gradients.Of(plain.Call(x).SquaredNorm(), plain.Parameters);
        Gradients actual = Gradients.Of(recomputed.Call(x).SquaredNorm(), recomputed.Parameters);
        recomputed.Parameters.Select(parameter => actual[parameter].ToArray<float>()).Should().BeEquivalentTo(
            plain.Parameters.Select(parameter => expected[parameter].ToArray<float>()), options => options.WithStrictOrdering());
        recomputed.RunningMean.Value.ToArray<float>().Should().Equal(plain.RunningMean.Value.ToArray<float>());
        recomputed.StateDictionary()["num_batches"].Value.Item<long>().Should().Be(1);
    }

    [Fact]
    public void Layers_with_dropout_and_batch_norm_recompute_bitwise_and_assign_their_statistics_once()
    {
        Sequential plain = Make(), recomputed = Make();
        recomputed.LoadState(plain.StateDictionary().ToDictionary(pair => pair.Key, pair => pair.Value.Value));
        recomputed.Recompute = true;
        Tensor x = Tensor.Linspace(-1, 1, 24).Reshape(6, 4);
        for (int step = 0; step < 3; step++)
        {
            using TensorScope scope = new();
            Train(recomputed, x).Should().BeEquivalentTo(Train(plain, x), options => options.WithStrictOrdering());
        }

        recomputed.StateDictionary()["1.num_batches_tracked"].Value.Item<long>().Should().Be(3);
        recomputed.StateDictionary()["1.running_mean"].Value.ToArray<float>().Should().Equal(
            plain.StateDictionary()["1.running_mean"].Value.ToArray<float>());

        static Sequential Make() => [new Linear(4, 8), new BatchNorm(8), new Dropout(0.4), new Relu(), new Linear(8, 3)];

        float[][] Train(Sequential model, Tensor input)
        {
            _generator.Reset(11);
            using AmbientChange change = _generator.Use();
            Gradients gradients = Gradients.Of(model.Call(input).SquaredNorm(), model.Parameters);
            return [.. model.Parameters.Select(parameter => gradients[parameter].ToArray<float>())];
        }
    }

    private Tensor Block(Tensor x)
    {
        Tensor mask = (_generator.Uniform(x.Shape) > 0.5).Cast(DType.Float32);
        Tensor y = (x * _weight.Value).Tanh() * mask;
        _mean.Assign(((_mean.Value * 0.9) + (y.Sum(0) * 0.1)).Detach());
        return y - _mean.Value;
    }

    private (float[] Value, float[] Inputs, float[] Weights, float[] Mean, long[] State) Run(Func<Tensor, Tensor[]> function)
    {
        using TensorScope scope = new();
        _generator.Reset(5);
        _mean.Assign(Tensor.Zeros([3]));
        Tensor x = Tensor.Linspace(-1, 1, 12).Reshape(4, 3).Track();
        Tensor y = function(x)[0];
        Tensor loss = (y * y).Sum();
        float[] value = y.ToArray<float>();
        Tensor[] inputs = Gradients.Of(loss, [x], keep: true);
        Gradients weights = Gradients.Of(loss, [_weight]);
        return (value, inputs[0].ToArray<float>(), weights[_weight].ToArray<float>(), _mean.Value.ToArray<float>(), _generator.State.Value.ToArray<long>());
    }
}
