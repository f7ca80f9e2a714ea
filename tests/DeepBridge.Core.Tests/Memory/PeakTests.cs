using DeepBridge.Backends;
using DeepBridge.Layers;
using DeepBridge.Memory;
using Op = DeepBridge.Ops.Op;

namespace DeepBridge.Tests.Memory;

/// <summary>How much lives at once while a model runs.</summary>
public sealed partial class PeakTests
{
    [Fact]
    public void A_sequential_of_fifty_equal_layers_peaks_at_four_activations_or_fewer() =>
        PeakOf(new Sequential(Enumerable.Range(0, 50).Select(_ => new Linear(8, 8)))).Should().BeInRange(2, 4);

    [Fact]
    public void It_does_when_some_layers_return_their_input_or_a_view_of_it() =>
        PeakOf(new Sequential(Enumerable.Range(0, 50).Select(Layer))).Should().BeInRange(2, 4);

    [Fact]
    public void A_level_of_nesting_adds_the_inner_containers_input() =>
        PeakOf(new Sequential(Enumerable.Range(0, 5).Select(_ => new Sequential(Enumerable.Range(0, 10).Select(Layer))))).Should().BeInRange(2, 5);

    [Fact]
    public void The_containers_input_and_result_live_on()
    {
        using TensorScope scope = new();
        Sequential model = new(new Same(), new Linear(8, 8), new Same(), new Turned(), new Same());
        Tensor x = Tensor.Ones([3, 8]);
        Tensor y = model.Call(x);
        (x.IsReleased, y.IsReleased).Should().Be((false, false));
        y.Scope.Should().BeSameAs(scope);
        Sequential nothing = new(new Same(), new Same());
        nothing.Call(x).Should().BeSameAs(x);
        x.ToArray<float>().Should().HaveCount(24);
        new Sequential().Call(x).Should().BeSameAs(x);
    }

    [Fact]
    public void What_a_hook_keeps_lives_until_the_container_returns()
    {
        using TensorScope scope = new();
        Linear first = new(8, 8), last = new(8, 8);
        Sequential model = new(first, new Same(), last);
        Tensor kept = null!;
        bool lived = false;
        using IDisposable keep = first.OnCall((_, output) => kept = TensorScope.Current!.Keep(output));
        using IDisposable look = last.OnCall((_, _) => lived = !kept.IsReleased);
        model.Call(Tensor.Ones([3, 8]));
        (lived, kept.IsReleased).Should().Be((true, true));
    }

    [Fact]
    public void Gradients_reach_through_what_was_released()
    {
        Sequential model = new(Enumerable.Range(0, 10).Select(Layer));
        using TensorScope scope = new();
        Tensor loss = model.Call(Tensor.Ones([3, 8])).SquaredNorm();
        Gradients gradients = Gradients.Of(loss, model.Parameters);
        model.Parameters.Should().OnlyContain(parameter => gradients[parameter].Shape == parameter.Shape);
    }

    private static Module<Tensor, Tensor> Layer(int index) => (index % 4) switch
    {
        1 => new Same(),
        2 => new Turned(),
        _ => new Linear(8, 8),
    };

    private static long PeakOf(Module<Tensor, Tensor> model)
    {
        using TensorScope scope = new();
        Tensor x = Tensor.Ones([8, 8]);
        using AmbientChange recording = Gradients.NoGradient();
        model.Call(x).Dispose();
        long before = LiveTensors.Count;
        Watch watch = new();
        using (watch.Use())
        {
            model.Call(x);
        }

        // The input is an activation too.
        return watch.Peak - before + 1;
    }

    private sealed class Watch : Wrapper
    {
        public long Peak { get; private set; }

        public override void Execute(Op op, in KernelCall call)
        {
            Next(op, call);
            Peak = Math.Max(Peak, LiveTensors.Count);
        }
    }

    /// <summary>Returns its input.</summary>
    private sealed partial class Same : Module<Tensor, Tensor>
    {
        protected override Tensor Forward(Tensor input) => input;
    }

    /// <summary>Returns a view of its input.</summary>
    private sealed partial class Turned : Module<Tensor, Tensor>
    {
        protected override Tensor Forward(Tensor input) => input.Unsqueeze(0).Squeeze(0);
    }
}
