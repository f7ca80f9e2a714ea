using DeepBridge.Backends;
using DeepBridge.Layers;
using DeepBridge.Memory;
using DeepBridge.Optimizers;
using TorchSharp;

namespace DeepBridge.Torch.Tests;

/// <summary>Threads, awaits and what the user's own TorchSharp code has set on a thread.</summary>
public sealed class SharingTests
{
    static SharingTests() => Setup.Register();

    [Fact]
    public void A_dispose_scope_of_the_users_frees_nothing_of_ours()
    {
        using AmbientChange device = Device.Use("torch:cpu");
        using TensorScope scope = new();
        Tensor made, view, copied, cast;
        using (global::TorchSharp.DisposeScope theirs = torch.NewDisposeScope())
        {
            made = Tensor.Ones([2, 3]) + 1;
            view = made.Permute([1, 0]);
            cast = (made.Cast(DType.Float16) * 2).Cast(DType.Int64);
            copied = Tensor.From<float>([1, 2, 3]);
            theirs.DisposablesCount.Should().Be(0);
        }

        made.ToArray<float>().Should().OnlyContain(value => value == 2);
        view.ToArray<float>().Should().OnlyContain(value => value == 2);
        cast.ToArray<long>().Should().OnlyContain(value => value == 4);
        copied.ToArray<float>().Should().Equal(1, 2, 3);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Modes_of_the_users_change_nothing(bool inference)
    {
        using AmbientChange device = Device.Use("torch:cpu");
        Linear layer;
        Sgd optimizer;
        float[] before;
        using (inference ? torch.inference_mode() : torch.no_grad())
        {
            layer = new Linear(3, 2);
            optimizer = new Sgd(layer, 0.1, momentum: 0.9);
            before = Step(layer, optimizer);
        }

        // In-place updates, outside the mode, of what was made within it.
        float[] after = Step(layer, optimizer);
        after.Should().NotEqual(before);
        using (torch.inference_mode())
        {
            Step(layer, optimizer).Should().NotEqual(after);
        }

        torch.is_inference_mode_enabled().Should().BeFalse();

        static float[] Step(Linear layer, Sgd optimizer)
        {
            using TensorScope scope = new();
            Tensor loss = layer.Call(Tensor.Ones([4, 3])).Mean();
            optimizer.Step(Gradients.Of(loss, layer.Parameters));
            return layer.Weight.Value.ToArray<float>();
        }
    }

    [Fact]
    public void Threads_predict_with_one_model_while_another_trains()
    {
        using AmbientChange device = Device.Use("torch:cpu");
        Sequential model = [new Linear(8, 16), new LayerNorm(16), new Gelu(), new Linear(16, 1)];
        Adam optimizer = new(model, 1e-3);
        using Tensor x = Tensor.Uniform([4, 8]), y = Tensor.Uniform([4, 1]);
        long live = -1;
        for (int round = 0; round < 3; round++)
        {
            int bad = 0;
            Parallel.For(0, 6, worker =>
            {
                using AmbientChange mine = Device.Use("torch:cpu");
                foreach (int step in TensorScope.Steps(60))
                {
                    if (worker == 0)
                    {
                        optimizer.Step(Gradients.Of(Loss.MeanSquaredError(model.Call(x), y), model.Parameters));
                    }
                    else
                    {
                        using AmbientChange none = Gradients.NoGradient();
                        Interlocked.Add(ref bad, model.Call(x).ToArray<float>().Count(value => !float.IsFinite(value)));
                    }
                }
            });
            bad.Should().Be(0);
            long now = LiveTensors.Count;
            (round < 1 || now == live).Should().BeTrue($"{now} tensors live, {live} a round ago");
            live = now;
        }
    }

    [Fact]
    public async Task Scopes_follow_awaits_to_other_threads()
    {
        using AmbientChange device = Device.Use("torch:cpu");
        long handles = torch.Tensor.TotalCount;
        Tensor early, late;
        using (TensorScope scope = new())
        {
            early = Tensor.Ones([4]) * 3;
            await Task.Delay(20);
            late = await Task.Run(() => early + 1);
            late.ToArray<float>().Should().OnlyContain(value => value == 4);
        }

        FluentActions.Invoking(() => early + 1).Should().Throw<TensorReleasedException>();
        late.IsReleased.Should().BeTrue();

        // Constants that ops share stay.
        torch.Tensor.TotalCount.Should().BeLessThanOrEqualTo(handles + 3);
    }

    [Fact]
    public void A_tensor_disposed_while_others_use_it_is_an_error_and_no_crash()
    {
        Device device = "torch:cpu";
        for (int round = 0; round < 200; round++)
        {
            Tensor shared = Tensor.Full([256], 2.0, DType.Float32, device);
            Parallel.For(0, 4, worker =>
            {
                try
                {
                    for (int i = 0; i < 20; i++)
                    {
                        if (worker == 0 && i == 10)
                        {
                            shared.Dispose();
                        }

                        using Tensor result = shared.Exp();
                    }
                }
                catch (TensorReleasedException error)
                {
                    error.Message.Should().NotBeEmpty();
                }
            });
            shared.IsReleased.Should().BeTrue();
        }
    }

    [Fact]
    public void Updates_happen_in_place_and_what_was_read_before_stays()
    {
        using AmbientChange device = Device.Use("torch:cpu");
        Linear layer = new(3, 2);
        Adam optimizer = new(layer, 0.1);
        Step();
        nint address = Address();
        for (int i = 0; i < 5; i++)
        {
            Step();
            Address().Should().Be(address);
        }

        using Tensor read = layer.Weight.Value;
        float[] values = read.ToArray<float>();
        Step();
        read.ToArray<float>().Should().Equal(values);
        Address().Should().NotBe(address);

        void Step()
        {
            using TensorScope scope = new();
            optimizer.Step(Gradients.Of(layer.Call(Tensor.Ones([4, 3])).Mean(), layer.Parameters));
        }

        unsafe nint Address()
        {
            using Tensor value = layer.Weight.Value;
            BackendTensor data = BackendTensor.Of(value);
            try
            {
                fixed (byte* first = ((TorchTensor)data).Value.bytes)
                {
                    return (nint)first;
                }
            }
            finally
            {
                data.Release();
            }
        }
    }
}
