using System.Runtime.CompilerServices;
using DeepBridge.Layers;
using DeepBridge.Memory;
using DeepBridge.Optimizers;
using TorchSharp;

namespace DeepBridge.Torch.Tests;

/// <summary>Training loops as a newcomer writes them, and what they leave behind.</summary>
internal static class Loops
{
    internal static void Mlp() => Run(
        "MLP", [16, 64], static () => [new Linear(64, 128), new Relu(), new Dropout(0.2), new Linear(128, 10)]);

    internal static void Cnn() => Run(
        "CNN",
        [16, 1, 8, 8],
        static () => [new Conv2d(1, 8, 3, padding: 1), new BatchNorm(8), new Relu(), new MaxPool([2, 2]), new Flatten(), new Dropout(0.25), new Linear(8 * 4 * 4, 10)]);

    private static void Run(string name, Shape input, Func<Sequential> make)
    {
        (Tensor x, Tensor y, Sequential model, Adam optimizer) = SetUp(input, make);

        int steps = Environment.GetEnvironmentVariable("DEEPBRIDGE_PROOF") == "full" ? 20_000 : 2_000, tenth = steps / 10;
        (long Live, long Handles, long Bytes) early = default, late = default;
        long lowEarly = long.MaxValue, lowLate = long.MaxValue;
        float first = 0, last = 0;
        foreach (int step in TensorScope.Steps(steps + 1))
        {
            Tensor loss = Loss.CrossEntropy(model.Call(x), y);
            optimizer.Step(Gradients.Of(loss, model.Parameters));
            if (step == 1)
            {
                // What setting up made outside any scope, also the parameters' first values, is the collector's; nothing else is.
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
            else if (step == tenth)
            {
                (early, first) = (Counts(), loss.Item<float>());
            }
            else if (step == steps)
            {
                (late, last) = (Counts(), loss.Item<float>());
            }

            if (step % 10 == 0)
            {
                long resident = Environment.WorkingSet;
                lowEarly = step >= tenth && step <= 2 * tenth ? Math.Min(lowEarly, resident) : lowEarly;
                lowLate = step >= 9 * tenth ? Math.Min(lowLate, resident) : lowLate;
            }
        }

        Console.WriteLine(
            $"{steps:N0} steps of the {name}: live tensors {early.Live} and {late.Live}, native handles {early.Handles} and {late.Handles}, "
            + $"bytes {early.Bytes} and {late.Bytes} at a tenth and the end; lowest resident size {lowEarly >> 10} and {lowLate >> 10} KiB");
        late.Should().Be(early);
        last.Should().BeLessThan(first);

        // A tenth of the steps is over before the program itself has been compiled for good.
        long allowed = steps == 20_000 ? 8 << 20 : 32 << 20;
        lowLate.Should().BeLessThan(lowEarly + allowed);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (Tensor Inputs, Tensor Labels, Sequential Model, Adam Optimizer) SetUp(Shape input, Func<Sequential> make)
    {
        Setup.Register();
        Device.SetDefault("torch:cpu");
        Sequential model = make();
        return (Tensor.Uniform(input), Tensor.From([.. Enumerable.Range(0, 16).Select(i => i % 10L)]), model, new Adam(model, 1e-3));
    }

    private static (long Live, long Handles, long Bytes) Counts() => (LiveTensors.Count, torch.Tensor.TotalCount, TorchSharpBackend.LiveBytes);
}
