using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Tests;

/// <summary>A tensor keeps the layouts that ops made of it; no op may use one up on its way.</summary>
public sealed class LayoutTests
{
    static LayoutTests() => TensorFlowBackend.Register();

    /// <summary>The gradient of an average pooling scales what it is given before it spreads it: a value of its own, not the tensor's.</summary>
    [Fact]
    public void An_op_leaves_the_layouts_of_its_input_alone()
    {
        using AmbientChange use = Device.Use("tensorflow:cpu");
        AveragePoolGradient back = new([3, 3], new Window([2, 2], [1, 1], [1, 1], [1, 1]), false, [1, 2, 6, 6]);
        for (int i = 0; i < 200; i++)
        {
            using TensorScope scope = new();
            Tensor gradient = Tensor.From([.. Enumerable.Range(1, 18).Select(value => (float)value)], [1, 2, 3, 3]);
            float[] first = back.Apply(gradient).ToArray<float>();
            back.Apply(gradient).ToArray<float>().Should().Equal(first);
            gradient.Relu().ToArray<float>().Should().Equal(gradient.ToArray<float>());
        }
    }

    /// <summary>A step asks for the plain form of its parameter and gradient, which takes ops of its own, while it has made something.</summary>
    [Theory]
    [InlineData("cpu")]
    [InlineData("tensorflow:cpu")]
    public void A_step_takes_a_parameter_and_a_gradient_with_channels_last(string device)
    {
        using AmbientChange use = Device.Use(device);
        for (int i = 0; i < 50; i++)
        {
            using TensorScope scope = new();
            Tensor image = Tensor.Arange(2 * 4 * 4).Cast(DType.Float32).Reshape(1, 2, 4, 4), pooled = image.AveragePool([2, 2]);
            Tensor step = new SgdStep(0, 0, 0.5, false).ApplyAll(pooled.Relu(), pooled.Relu() * 2, Tensor.From([0.25f], default(Shape)))[0];
            step.ToArray<float>().Should().Equal([.. pooled.ToArray<float>().Select(value => value - (0.25f * (2.5f * value)))]);
        }
    }
}
