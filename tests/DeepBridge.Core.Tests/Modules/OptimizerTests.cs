using DeepBridge.Layers;
using DeepBridge.Optimizers;

namespace DeepBridge.Tests.Modules;

public sealed partial class OptimizerTests
{
    [Fact]
    public void A_parameter_that_the_tape_reached_and_the_model_does_not_list_throws()
    {
        using TensorScope scope = new();
        Hiding model = new();
        Adam optimizer = new(model);
        Tensor loss = model.Call(Tensor.Ones([3, 2])).SquaredNorm();
        Gradients gradients = Gradients.Of(loss, model.Parameters);
        optimizer.Invoking(one => one.Step(gradients)).Should().Throw<GradientException>().WithMessage("*hidden*");
    }

    [Fact]
    public void A_frozen_parameter_keeps_its_value_its_slots_and_its_step_count()
    {
        using TensorScope scope = new();
        Linear layer = new(2, 2);
        Adam optimizer = new(layer, 0.1, weightDecay: 0.1);
        layer.Bias!.IsFrozen = true;
        float[] before = layer.Bias.Value.ToArray<float>();
        optimizer.Step(Gradients.Of(layer.Call(Tensor.Ones([3, 2])).SquaredNorm(), layer.Parameters));
        layer.Bias.Value.ToArray<float>().Should().Equal(before);
        optimizer.NamedVariables().Single(named => named.Key == "bias.step").Variable.Value.Item<long>().Should().Be(0);
        optimizer.NamedVariables().Single(named => named.Key == "weight.step").Variable.Value.Item<long>().Should().Be(1);
        optimizer.StepCount.Value.Item<long>().Should().Be(1);
    }

    [Fact]
    public void Rounding_never_takes_a_centred_variance_below_zero()
    {
        using TensorScope scope = new();
        Parameter parameter = new(Tensor.Zeros([64]));
        Tensor gradient = Tensor.Uniform([64], 0.1, 100);
        RmsProp optimizer = new([parameter], 1e-6, alpha: 0.5, centered: true);
        foreach (int step in TensorScope.Steps(60))
        {
            optimizer.Step(Gradients.Of((parameter.Value * gradient).Sum(), [parameter]));
        }

        parameter.Value.ToArray<float>().Should().OnlyContain(value => float.IsFinite(value));
    }

    [Fact]
    public void Slots_exist_from_construction()
    {
        using TensorScope scope = new();
        Linear layer = new(2, 2);
        new Adam(layer).NamedVariables().Select(named => named.Key).Should().Contain(
            ["weight.exp_avg", "weight.exp_avg_sq", "weight.step", "bias.exp_avg", "learning_rate", "step_count"]);
    }

    /// <summary>A parameter behind an object reference, where no generator can see it.</summary>
    private sealed partial class Hiding : Module<Tensor, Tensor>
    {
        private static readonly object s_hidden = new Parameter(Tensor.Ones([2]), "hidden");
        private readonly Parameter _listed = new(Tensor.Ones([2]));

        protected override Tensor Forward(Tensor x) => x * _listed.Value * ((Parameter)s_hidden).Value;
    }
}
