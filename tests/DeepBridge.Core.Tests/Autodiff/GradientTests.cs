namespace DeepBridge.Tests.Autodiff;

public sealed class GradientTests
{
    [Fact]
    public void Gradients_of_gradients_are_exact_for_a_cube()
    {
        Tensor x = Tensor.From<double>([2, -3]).Track();
        Tensor first = Gradients.Of((x * x * x).Sum(), [x], differentiable: true)[0];
        first.ToArray<double>().Should().Equal(12, 27);
        Tensor second = Gradients.Of(first.Sum(), [x], differentiable: true)[0];
        second.ToArray<double>().Should().Equal(12, -18);
        Gradients.Of(second.Sum(), [x])[0].ToArray<double>().Should().Equal(6, 6);
    }

    [Fact]
    public void A_result_is_differentiable_only_on_request()
    {
        Tensor x = Tensor.From<float>([2]).Track();
        Gradients.Of((x * x).Sum(), [x])[0].IsTracked.Should().BeFalse();
        Gradients.Of((x * x).Sum(), [x], differentiable: true)[0].IsTracked.Should().BeTrue();
    }

    [Fact]
    public void A_backward_pass_consumes_the_history_and_keep_retains_it()
    {
        Tensor x = Tensor.From<float>([3]).Track();
        Tensor loss = (x * x).Sum();
        Gradients.Of(loss, [x], keep: true)[0].ToArray<float>().Should().Equal(6);
        Gradients.Of(loss, [x])[0].ToArray<float>().Should().Equal(6);
        FluentActions.Invoking(() => Gradients.Of(loss, [x])).Should().Throw<GradientException>().WithMessage("*consumed*keep: true*");
    }

    [Fact]
    public void Untracked_unreached_and_non_scalar_losses_throw()
    {
        Parameter w = new(Tensor.Ones([2]), "weight"), other = new(Tensor.Ones([2]), "unused");
        Tensor x = Tensor.Ones([2]);
        FluentActions.Invoking(() => Gradients.Of(x.Sum(), [w])).Should().Throw<GradientException>().WithMessage("*not tracked*");
        FluentActions.Invoking(() => Gradients.Of(w.Value, [w])).Should().Throw<GradientException>().WithMessage("*scalar*(2,)*");
        FluentActions.Invoking(() => Gradients.Of(w.Value.Sum(), [other])).Should().Throw<GradientException>().WithMessage("*'unused'*zeros: true*");
        FluentActions.Invoking(() => Gradients.Of(w.Value.Sum(), [x])).Should().Throw<GradientException>().WithMessage("*Target 0*Track()*");
        Gradients.Of(w.Value.Sum(), [w, other], zeros: true)[other].ToArray<float>().Should().Equal(0, 0);
    }

    [Fact]
    public void Under_no_gradient_nothing_is_tracked()
    {
        Parameter w = new(Tensor.Ones([2]));
        Tensor y;
        using (Gradients.NoGradient())
        {
            y = w.Value * 2;
        }

        y.IsTracked.Should().BeFalse();
        (w.Value * 2).IsTracked.Should().BeTrue();
        FluentActions.Invoking(() => Gradients.Of(y.Sum(), [w])).Should().Throw<GradientException>().WithMessage("*NoGradient*");
    }

    [Fact]
    public void Detach_cuts_the_history_of_one_use()
    {
        Tensor x = Tensor.From<float>([3]).Track();
        Gradients.Of((x * x.Detach()).Sum(), [x])[0].ToArray<float>().Should().Equal(3);
    }

    [Fact]
    public void Value_and_gradient_tracks_its_arguments()
    {
        (Tensor value, Tensor[] gradients) = Gradients.ValueAndGradient(
            x => (x[0] * x[1]).Sum(), Tensor.From<float>([2, 3]), Tensor.From<float>([5, 7]), Tensor.Ones([1]));
        value.Item().Should().Be(31);
        value.IsTracked.Should().BeFalse();
        gradients.Select(gradient => gradient.ToArray<float>()).Should().BeEquivalentTo(
            new float[][] { [5, 7], [2, 3], [0] }, options => options.WithStrictOrdering());
    }

    [Fact]
    public void Outputs_that_carry_no_gradient_are_untracked()
    {
        Tensor x = Tensor.From<float>([1, 3, 2]).Track();
        x.ArgMax(0).IsTracked.Should().BeFalse();
        (x > 2).IsTracked.Should().BeFalse();
        x.Cast(DType.Int64).IsTracked.Should().BeFalse();
    }

    [Fact]
    public void Piecewise_constant_ops_have_zero_gradients()
    {
        Tensor x = Tensor.From<float>([1.5f, -0.5f]).Track();
        Gradients.Of((x.Floor() + x.Round() + x.Sign()).Sum(), [x])[0].ToArray<float>().Should().Equal(0, 0);
    }

    [Fact]
    public void A_custom_gradient_replaces_the_ops_own()
    {
        Tensor x = Tensor.From<float>([1.4f, -0.6f]).Track();
        Tensor[] y = Gradients.Custom("straight through", [x], inputs => [inputs[0].Round()], (incoming, _) => [incoming[0]]);
        y[0].ToArray<float>().Should().Equal(1, -1);
        Gradients.Of((y[0] * Tensor.From<float>([2, 5])).Sum(), [x])[0].ToArray<float>().Should().Equal(2, 5);
    }

    [Fact]
    public void A_custom_gradient_is_differentiated_again()
    {
        Tensor x = Tensor.From<double>([2]).Track();
        Tensor y = Gradients.Custom(
            "square", [x], inputs => [inputs[0] * inputs[0]], (incoming, inputs) => [incoming[0]! * inputs[0] * 2])[0];
        Tensor first = Gradients.Of(y.Sum(), [x], differentiable: true)[0];
        Gradients.Of((first * first).Sum(), [x])[0].ToArray<double>().Should().Equal(16);
    }

    [Fact]
    public void A_custom_gradient_of_the_wrong_number_throws_with_its_name()
    {
        Tensor x = Tensor.From<float>([1]).Track();
        Tensor y = Gradients.Custom("mine", [x], inputs => [inputs[0] + 1], (incoming, _) => [incoming[0], incoming[0]])[0];
        FluentActions.Invoking(() => Gradients.Of(y.Sum(), [x])).Should().Throw<GradientException>().WithMessage("*'mine'*2*1*");
    }

    [Fact]
    public void History_survives_the_scope_in_which_it_was_made()
    {
        Parameter w = new(Tensor.From<float>([2]));
        Tensor loss;
        using (TensorScope outer = new())
        {
            Tensor y = TensorScope.Run(() => w.Value * w.Value);
            loss = outer.Keep(TensorScope.Run(() => (y * y).Sum()));
        }

        Gradients.Of(loss, [w])[w].ToArray<float>().Should().Equal(32);
    }

    [Fact]
    public void Gradients_cross_devices_and_come_back()
    {
        Tensor x = Tensor.From<float>([2, 3]).Track();
        Tensor there = x.To(OtherBackend.Device);
        there.Device.Should().BeSameAs(OtherBackend.Device);
        Gradients.Of((there.To("cpu") * 4).Sum(), [x])[0].ToArray<float>().Should().Equal(4, 4);
    }

    [Fact]
    public void Mixing_devices_throws_and_names_both()
    {
        Tensor x = Tensor.Ones([2]);
        Tensor there = x.To(OtherBackend.Device);
        FluentActions.Invoking(() => x + there).Should().Throw<DeviceException>().WithMessage("*Add*cpu*other*");
        FluentActions.Invoking(() => Tensor.Concat([x, there])).Should().Throw<DeviceException>().WithMessage("*Concat*");
    }
}
