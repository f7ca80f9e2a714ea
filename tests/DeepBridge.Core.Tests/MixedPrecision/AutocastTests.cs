using DeepBridge.Graphs;
using DeepBridge.Memory;

namespace DeepBridge.Tests.MixedPrecision;

public sealed class AutocastTests
{
    [Theory]
    [MemberData(nameof(Devices.Low), MemberType = typeof(Devices))]
    public void Products_convolutions_linear_and_attention_run_in_low_precision(string device, Precision precision)
    {
        using AmbientChange place = Device.Use(device);
        using TensorScope scope = new();
        Tensor x = Tensor.Uniform([1, 2, 4, 4]);
        DType low = precision.DType();
        using AmbientChange autocast = Autocast.Use(precision);
        x.MatMul(x).DType.Should().Be(low);
        x.Cast(low).MatMul(x).DType.Should().Be(low);
        x.Linear(Tensor.Ones([3, 4]), Tensor.Ones([3])).DType.Should().Be(low);
        x.Convolve(Tensor.Ones([1, 2, 3, 3]), Tensor.Ones([1])).DType.Should().Be(low);
        x.ScaledDotProductAttention(x, x.Cast(low), Tensor.Zeros([4, 4])).DType.Should().Be(low);
        x.Cast(DType.Float64).MatMul(x.Cast(DType.Float64)).DType.Should().Be(DType.Float64);
        x.Cast(DType.Int64).MatMul(x.Cast(DType.Int64)).DType.Should().Be(DType.Int64);
    }

    [Theory]
    [MemberData(nameof(Devices.Low), MemberType = typeof(Devices))]
    public void Sums_exponentials_norms_and_losses_run_in_float32(string device, Precision precision)
    {
        using AmbientChange place = Device.Use(device);
        using TensorScope scope = new();
        Tensor x = Tensor.Uniform([2, 4]).Cast(precision.DType()), wide = Tensor.Ones([4]), labels = Tensor.Zeros([2], DType.Int64);
        using AmbientChange autocast = Autocast.Use(precision);
        Tensor[] results =
        [
            x.Sum(), x.Product(), x.CumulativeSum(1), x.Mean(0), x.Variance(1), x.LogSumExp(1), x.SquaredNorm(), x.Exp(), x.Expm1(), x.Log(), x.Log1p(),
            x.Rsqrt(), x.Pow(2), x.Pow(x), x.Softplus(), x.Softmax(-1), x.LogSoftmax(-1), x.LayerNorm(wide, wide), x.BatchNorm(wide, wide).Output,
            x.BatchNorm(wide, wide, wide, wide), Loss.CrossEntropy(x, labels), Loss.MeanSquaredError(x, x), Loss.BinaryCrossEntropyWithLogits(x, x),
        ];
        results.Should().OnlyContain(result => result.DType == DType.Float32);
        x.Cast(DType.Float64).Exp().DType.Should().Be(DType.Float64);
        labels.Sum().DType.Should().Be(DType.Int64);
    }

    [Theory]
    [MemberData(nameof(Devices.Low), MemberType = typeof(Devices))]
    public void The_rest_follows_its_inputs_which_are_promoted_where_they_differ(string device, Precision precision)
    {
        using AmbientChange place = Device.Use(device);
        using TensorScope scope = new();
        Tensor wide = Tensor.Uniform([2, 2, 4, 4]), low = wide.Cast(precision.DType());
        using AmbientChange autocast = Autocast.Use(precision);
        Tensor[] following =
        [
            low.Relu(), low.Gelu(), low.Tanh(), -low, low + low, low * 2, low / low, low.Max(), low.Reshape(2, 32), low.MaxPool([2, 2]),
            low.AveragePool([2, 2]), Tensor.Concat([low, low]), low.Sqrt(),
        ];
        following.Should().OnlyContain(result => result.DType == low.DType);
        Tensor[] widened = [low + wide, Tensor.Concat([low, wide]), Tensor.Where(wide > 0, low, wide), wide.Relu()];
        widened.Should().OnlyContain(result => result.DType == DType.Float32);
    }

    [Theory]
    [MemberData(nameof(Devices.Low), MemberType = typeof(Devices))]
    public void Values_and_gradients_are_near_those_of_float32(string device, Precision precision)
    {
        using AmbientChange place = Device.Use(device);
        using TensorScope scope = new();
        SmoothNet model = new();
        Tensor x = Tensor.Uniform([8, 2, 6, 6]), labels = Tensor.From<long>([0, 1, 2, 0, 1, 2, 0, 1]);
        Tensor plain = Loss.CrossEntropy(model.Call(x), labels);
        Gradients expected = Gradients.Of(plain, model.Parameters);
        Tensor output, loss;
        using (Autocast.Use(precision))
        {
            output = model.Call(x);
            loss = Loss.CrossEntropy(output, labels);
        }

        Gradients actual = Gradients.Of(loss, model.Parameters);
        output.DType.Should().Be(precision.DType());
        loss.DType.Should().Be(DType.Float32);
        loss.ShouldBeNear(plain, precision);
        loss.Item<float>().Should().NotBe(plain.Item<float>());
        double whole = Math.Sqrt(model.Parameters.Sum(parameter => Math.Pow(Devices.Norm(expected[parameter]), 2)));
        foreach (Parameter parameter in model.Parameters)
        {
            actual[parameter].DType.Should().Be(DType.Float32);

            // The bias before a batch norm has no gradient but rounding: it is measured by the norm of all.
            Devices.Norm(actual[parameter] - expected[parameter]).Should().BeLessThanOrEqualTo(precision.Tolerance() * whole);
        }
    }

    [Theory]
    [MemberData(nameof(Devices.Low), MemberType = typeof(Devices))]
    public void A_transformer_layer_is_near_its_float32(string device, Precision precision)
    {
        using AmbientChange place = Device.Use(device);
        using TensorScope scope = new();
        Layers.TransformerEncoderLayer model = new(8, 2, 16, dropout: 0, gelu: true);
        Tensor x = Tensor.Uniform([2, 5, 8]).Track(), plain = model.Call(x);
        Tensor expected = Gradients.Of(plain.Pow(3).Sum(), [x])[0];
        Tensor output;
        using (Autocast.Use(precision))
        {
            output = model.Call(x);
        }

        output.ShouldBeNear(plain, precision);
        Gradients.Of(output.Cast(DType.Float32).Pow(3).Sum(), [x])[0].ShouldBeNear(expected, precision);
    }

    [Theory]
    [MemberData(nameof(Devices.Low), MemberType = typeof(Devices))]
    public void A_backward_pass_repeats_the_forward_pass_s_dtypes_wherever_it_is_called(string device, Precision precision)
    {
        using AmbientChange place = Device.Use(device);
        using TensorScope scope = new();
        Tensor x = Tensor.Uniform([3, 4]).Track(), w = Tensor.Uniform([5, 4]).Track();
        Tensor[] outside, inside, other;
        using (Autocast.Use(precision))
        {
            inside = Gradients.Of(x.Linear(w).Tanh().Sum(), [x, w]);
        }

        Tensor loss, plain = x.Linear(w).Tanh().Sum();
        using (Autocast.Use(precision))
        {
            loss = x.Linear(w).Tanh().Sum();
            other = Gradients.Of(plain, [x, w]);
        }

        outside = Gradients.Of(loss, [x, w]);
        Tensor[] expected = Gradients.Of(x.Linear(w).Tanh().Sum(), [x, w]);
        for (int i = 0; i < 2; i++)
        {
            inside[i].ToArray<float>().Should().Equal(outside[i].ToArray<float>());
            other[i].ToArray<float>().Should().Equal(expected[i].ToArray<float>());
        }
    }

    [Theory]
    [MemberData(nameof(Devices.Low), MemberType = typeof(Devices))]
    public void The_gradient_of_a_low_intermediate_is_low(string device, Precision precision)
    {
        using AmbientChange place = Device.Use(device);
        using TensorScope scope = new();
        Tensor x = Tensor.Uniform([3, 4]).Track(), w = Tensor.Uniform([5, 4]);
        using AmbientChange autocast = Autocast.Use(precision);
        Tensor between = x.Linear(w), loss = between.Relu().Sum();
        Tensor[] gradients = Gradients.Of(loss, [between, x]);
        gradients.Select(gradient => gradient.DType).Should().Equal(precision.DType(), DType.Float32);
    }

    [Theory]
    [MemberData(nameof(Devices.Low), MemberType = typeof(Devices))]
    public void Second_order_gradients_are_near_those_of_float32_and_equal_those_of_casts_by_hand(string device, Precision precision)
    {
        using AmbientChange place = Device.Use(device);
        using TensorScope scope = new();
        Tensor x = Tensor.Uniform([3, 4]).Track(), w = Tensor.Uniform([5, 4]).Track();
        DType low = precision.DType();
        Tensor[] plain = Penalty(x.Linear(w).Tanh().Pow(2).Sum());
        Tensor[] cast = Penalty(x.Cast(low).Linear(w.Cast(low)).Tanh().Cast(DType.Float32).LayerNorm().Pow(2).Softmax(1).SquaredNorm());
        using AmbientChange autocast = Autocast.Use(precision);
        Tensor[] smooth = Penalty(x.Linear(w).Tanh().Pow(2).Sum());
        Tensor[] actual = Penalty(x.Linear(w).Tanh().LayerNorm().Pow(2).Softmax(1).SquaredNorm());
        for (int i = 0; i < 2; i++)
        {
            smooth[i].DType.Should().Be(DType.Float32);
            smooth[i].ShouldBeNear(plain[i], precision);
            actual[i].ToArray<float>().Should().Equal(cast[i].ToArray<float>());
        }

        Tensor[] Penalty(Tensor loss) => Gradients.Of(Gradients.Of(loss, [x], differentiable: true)[0].SquaredNorm(), [x, w]);
    }

    [Theory]
    [MemberData(nameof(Devices.Low), MemberType = typeof(Devices))]
    public void Recomputed_and_custom_functions_meet_the_same_casts_in_the_backward_pass(string device, Precision precision)
    {
        using AmbientChange place = Device.Use(device);
        using TensorScope scope = new();
        Tensor x = Tensor.Uniform([3, 4]).Track(), w = Tensor.Uniform([4, 4]).Track();
        float[][] plain = Run((a, b) => a.MatMul(b).Tanh());
        Run((a, b) => Gradients.Recompute(given => [given[0].MatMul(given[1]).Tanh()], a, b)[0]).Should().BeEquivalentTo(plain);
        float[][] custom = Run((a, b) => Gradients.Custom(
            "product", [a, b], given => [given[0].MatMul(given[1])], (g, given) => [g[0]!.MatMul(given[1].T), given[0].T.MatMul(g[0]!)])[0].Tanh());
        custom.Should().BeEquivalentTo(plain);

        float[][] Run(Func<Tensor, Tensor, Tensor> function)
        {
            Tensor loss;
            using (Autocast.Use(precision))
            {
                loss = function(x, w).Sum();
            }

            return [.. Gradients.Of(loss, [x, w]).Select(gradient => gradient.ToArray<float>())];
        }
    }

    [Theory]
    [MemberData(nameof(Devices.Low), MemberType = typeof(Devices))]
    public void A_loss_does_not_round_its_target(string device, Precision precision)
    {
        using AmbientChange place = Device.Use(device);
        using TensorScope scope = new();
        Tensor prediction = Tensor.Ones([1]).Cast(precision.DType());
        using AmbientChange autocast = Autocast.Use(precision);
        Loss.MeanSquaredError(prediction, Tensor.From<float>([1.0001f])).Item().Should().BeApproximately(1e-8, 1e-10);
    }

    [Theory]
    [MemberData(nameof(Devices.Low), MemberType = typeof(Devices))]
    public void A_graph_holds_the_precision_it_was_traced_in(string device, Precision precision)
    {
        using AmbientChange place = Device.Use(device);
        using TensorScope scope = new();
        Tensor x = Tensor.Uniform([3, 4]), w = Tensor.Uniform([4, 5]);
        TensorSpec[] specs = [x.Spec, w.Spec];
        using Graph plain = Graph.Trace(Function, specs);
        Graph traced;
        float[] eager;
        using (Autocast.Use(precision))
        {
            traced = Graph.Trace(Function, specs);
            eager = Function([x, w])[0].ToArray<float>();
            plain.Run(x, w)[0].ToArray<float>().Should().Equal(Function2());
        }

        traced.Nodes.Count(node => node.Op is Ops.Cast { DType: DType.Float16 or DType.BFloat16 }).Should().Be(2, "a repeated cast is one op of a graph");
        plain.Nodes.Should().NotContain(node => node.Op is Ops.Cast);
        traced.Run(x, w)[0].ToArray<float>().Should().Equal(eager);
        traced.Dispose();

        Tensor[] Function(Tensor[] a) => [(a[0].MatMul(a[1]) + a[0].MatMul(a[1]).Relu()).Sum(0)];
        float[] Function2()
        {
            using AmbientChange off = Autocast.Use(Precision.Float32);
            return Function([x, w])[0].ToArray<float>();
        }
    }

    [Fact]
    public async Task Scopes_nest_and_follow_await()
    {
        Autocast.Precision.Should().Be(Precision.Float32);
        using (Autocast.Use(Precision.BFloat16))
        {
            await Task.Yield();
            Autocast.Precision.Should().Be(Precision.BFloat16);
            using (Autocast.Use(Precision.Float32))
            {
                await Task.Run(() => Autocast.Precision.Should().Be(Precision.Float32));
                using TensorScope scope = new();
                Tensor x = Tensor.Ones([2, 2]);
                x.MatMul(x).DType.Should().Be(DType.Float32);
            }

            Autocast.Precision.Should().Be(Precision.BFloat16);
        }

        Autocast.Precision.Should().Be(Precision.Float32);
    }

    [Fact]
    public void A_device_that_cannot_is_refused_by_name_before_anything_runs()
    {
        FluentActions.Invoking(() => Autocast.Use(Precision.BFloat16, OtherBackend.Device)).Should().Throw<UnsupportedOpException>()
            .WithMessage("other cannot train in bfloat16: it fails at MatMul*Linear*Convolution*ScaledDotProductAttention*");
        Autocast.Precision.Should().Be(Precision.Float32);
        FluentActions.Invoking(() => Autocast.Require(Precision.Float32, OtherBackend.Device)).Should().NotThrow();
        FluentActions.Invoking(() => Autocast.Use((Precision)7)).Should().Throw<InvalidAttributeException>();
    }

    [Theory]
    [MemberData(nameof(Devices.Low), MemberType = typeof(Devices))]
    public void Steps_leave_nothing_behind_and_the_loss_falls(string device, Precision precision)
    {
        using AmbientChange place = Device.Use(device);
        using TensorScope outer = new();
        SmoothNet model = new();
        Optimizers.Adam optimizer = new(model, 1e-2);
        Tensor x = Tensor.Uniform([8, 2, 6, 6]), labels = Tensor.From<long>([0, 1, 2, 0, 1, 2, 0, 1]);
        List<long> counts = [];
        List<double> losses = [];
        foreach (int _ in TensorScope.Steps(40))
        {
            using AmbientChange autocast = Autocast.Use(precision);
            Tensor loss = Loss.CrossEntropy(model.Call(x), labels);
            optimizer.Step(Gradients.Of(loss, model.Parameters));
            losses.Add(loss.Item());
            counts.Add(LiveTensors.Count);
        }

        counts.Skip(1).Distinct().Should().ContainSingle();
        losses[^1].Should().BeLessThan(losses[0] / 2);
        model.NamedVariables().Should().OnlyContain(named => named.Variable.DType == DType.Float32 || named.Variable.DType == DType.Int64);
    }
}
