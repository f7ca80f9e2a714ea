using DeepBridge.Backends;
using DeepBridge.Optimizers;

namespace DeepBridge.Tests.Modules;

public sealed class VariableTests
{
    [Fact]
    public void A_tied_weight_read_twice_is_one_leaf()
    {
        Parameter w = new(Tensor.From<float>([1, 2]));
        Tensor loss = ((w.Value * 2) + (w.Value * 3)).Sum();
        Gradients.Of(loss, [w])[w].ToArray<float>().Should().Equal(5, 5);
    }

    [Fact]
    public void Read_assign_read_adds_the_gradients_of_both_versions()
    {
        Parameter w = new(Tensor.From<float>([1, 2]));
        Tensor first = w.Value;
        Tensor early = (first * first).Sum();
        w.Assign(Tensor.From<float>([10, 20]));
        Tensor second = w.Value;
        Tensor loss = early + (second * second).Sum();
        Gradients.Of(loss, [w])[w].ToArray<float>().Should().Equal(22, 44);
        loss.Item().Should().Be(505);
    }

    [Fact]
    public void An_assignment_after_a_read_changes_nothing_that_was_read()
    {
        Variable v = new(Tensor.From<float>([1, 2]));
        Tensor before = v.Value, view = before[1..];
        v.Assign(Tensor.From<float>([7, 8]));
        before.ToArray<float>().Should().Equal(1, 2);
        view.ToArray<float>().Should().Equal(2);
        v.Value.ToArray<float>().Should().Equal(7, 8);
    }

    [Fact]
    public void Statistics_assigned_inside_a_scope_that_then_ends_stay()
    {
        Variable mean = new(Tensor.Zeros([2]));
        using (new TensorScope())
        {
            mean.Assign(mean.Value + 1);
            mean.Assign(mean.Value * 3);
        }

        mean.Value.ToArray<float>().Should().Equal(3, 3);
    }

    [Fact]
    public void Assigning_a_tracked_tensor_throws_and_says_detach()
    {
        Parameter w = new(Tensor.Ones([2]), "weight");
        FluentActions.Invoking(() => w.Assign(w.Value * 2)).Should().Throw<GradientException>().WithMessage("*Detach()*'weight'*");
        w.Value.ToArray<float>().Should().Equal(1, 1);
        w.Assign((w.Value * 2).Detach());
        w.Value.ToArray<float>().Should().Equal(2, 2);
    }

    [Fact]
    public void Assigning_another_shape_dtype_or_device_throws()
    {
        Variable v = new(Tensor.Ones([2]), "mean");
        FluentActions.Invoking(() => v.Assign(Tensor.Ones([3]))).Should().Throw<ShapeMismatchException>().WithMessage("*mean*(2,)*(3,)*");
        FluentActions.Invoking(() => v.Assign(Tensor.Ones([2], DType.Float64))).Should().Throw<DTypeMismatchException>().WithMessage("*mean*float64*");
        FluentActions.Invoking(() => v.Assign(Tensor.Ones([2]).To(OtherBackend.Device))).Should().Throw<DeviceException>().WithMessage("*mean*other*");
    }

    [Fact]
    public void A_frozen_parameter_is_read_untracked()
    {
        Parameter w = new(Tensor.Ones([2])) { IsFrozen = true };
        w.Value.IsTracked.Should().BeFalse();
        w.IsFrozen = false;
        w.Value.IsTracked.Should().BeTrue();
        new Parameter(Tensor.Arange(3)).Value.IsTracked.Should().BeFalse();
    }

    [Fact]
    public void A_variable_moves_to_another_device_and_what_was_read_stays()
    {
        Parameter w = new(Tensor.From<float>([1, 2]));
        Tensor before = w.Value;
        w.To(OtherBackend.Device);
        w.Device.Should().BeSameAs(OtherBackend.Device);
        w.Value.ToArray<float>().Should().Equal(1, 2);
        before.Device.Name.Should().Be("cpu");
        w.To("cpu");
        Gradients.Of((w.Value * before).Sum(), [w])[w].ToArray<float>().Should().Equal(2, 4);
    }

    [Theory]
    [InlineData("Adam", 3)]
    [InlineData("AmsGrad", 4)]
    [InlineData("Sgd", 2)]
    [InlineData("RmsProp", 4)]
    [InlineData("Adagrad", 2)]
    [InlineData("Lion", 2)]
    public void A_thousand_steps_allocate_no_parameter_sized_block(string name, int blocks)
    {
        // Large enough that the garbage collector does not move it.
        const int Size = 40_000;
        Scale module = new(Size);
        Parameter w = module.Weight;
        Optimizer optimizer = name switch
        {
            "Adam" => new Adam(module, 0.1),
            "AmsGrad" => new AdamW(module, 0.1, amsgrad: true),
            "Sgd" => new Sgd(module, 0.1, momentum: 0.9),
            "RmsProp" => new RmsProp(module, 0.1, momentum: 0.9, centered: true),
            "Adagrad" => new Adagrad(module, 0.1),
            _ => new Lion(module, 0.1),
        };
        Variable[] all = [w, .. optimizer.NamedVariables().Select(named => named.Variable).Where(variable => variable.Shape == w.Shape)];
        all.Should().HaveCount(blocks);
        Step();
        Step();
        nint[] addresses = [.. all.Select(AddressOf)];
        float last = First();
        for (int step = 0; step < 1000; step++)
        {
            Step();
            all.Select(AddressOf).Should().Equal(addresses);
        }

        First().Should().NotBe(last);

        float First()
        {
            using TensorScope scope = new();
            return w.Value[0].Item<float>();
        }

        void Step()
        {
            using TensorScope scope = new();
            Tensor distance = module.Call(Tensor.Ones([Size])) - 3;
            optimizer.Step(Gradients.Of((distance * distance).Sum(), [w]));
        }
    }

    [Fact]
    public void A_tensor_read_before_an_update_still_shows_the_old_values()
    {
        Parameter w = new(Tensor.Zeros([100]));
        Adam adam = new([w], 0.1);
        using TensorScope scope = new();
        for (int step = 0; step < 3; step++)
        {
            Tensor before = w.Value;
            float[] values = before.ToArray<float>();
            adam.Step(Gradients.Of(((before - 3) * (before - 3)).Sum(), [w]));
            before.ToArray<float>().Should().Equal(values);
            w.Value.ToArray<float>().Should().NotEqual(values);
        }
    }

    private static unsafe nint AddressOf(Variable variable)
    {
        BackendTensor data = variable.ReadDirectly();
        try
        {
            data.Device.Backend.TryBorrow(data, out ReadOnlySpan<byte> bytes).Should().BeTrue();
            fixed (byte* address = bytes)
            {
                return (nint)address;
            }
        }
        finally
        {
            data.Release();
        }
    }
}
