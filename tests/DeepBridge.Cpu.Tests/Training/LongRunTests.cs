using DeepBridge.Layers;
using DeepBridge.Memory;
using DeepBridge.Optimizers;

namespace DeepBridge.Cpu.Tests.Training;

/// <summary>Tests that <c>eng/prove</c> runs at full size; elsewhere they run a tenth.</summary>
public static class Proof
{
    internal static bool IsFull => Environment.GetEnvironmentVariable("DEEPBRIDGE_PROOF") == "full";

    internal static int Size(int full) => IsFull ? full : full / 10;
}

[Trait("Category", "Proof")]
public sealed class LongRunTests(ITestOutputHelper output)
{
    [Fact]
    public void A_small_mlp_trains_100_000_steps_with_a_flat_live_count_and_a_flat_heap()
    {
        using AmbientChange device = Device.Use("cpu");
        RandomGenerator generator = new(1);
        using AmbientChange use = generator.Use();
        using Tensor x = Tensor.Uniform([16, 8]), y = Tensor.Uniform([16, 1]);
        Sequential model = [new Linear(8, 16), new Tanh(), new Linear(16, 1)];
        Adam optimizer = new(model, 1e-3);
        int steps = Proof.Size(100_000), early = steps / 10;
        long liveEarly = 0, heapEarly = 0;
        double first = 0, last = 0;
        foreach (int step in TensorScope.Steps(steps))
        {
            Tensor loss = Loss.MeanSquaredError(model.Call(x), y);
            optimizer.Step(Gradients.Of(loss, model.Parameters));
            if (step == early)
            {
                (liveEarly, heapEarly, first) = (LiveTensors.Count, GC.GetTotalMemory(true), loss.Item<float>());
            }
            else if (step == steps - 1)
            {
                last = loss.Item<float>();
                LiveTensors.Count.Should().Be(liveEarly);
                long heap = GC.GetTotalMemory(true);
                output.WriteLine($"{steps} steps: live tensors {liveEarly}, heap {heapEarly} bytes at step {early}, {heap} at the end");
                heap.Should().BeLessThan(heapEarly + 300_000);
            }
        }

        last.Should().BeLessThan(first);
    }
}
