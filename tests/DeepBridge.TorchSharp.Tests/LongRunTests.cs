using DeepBridge.Layers;
using DeepBridge.Memory;
using DeepBridge.Optimizers;
using TorchSharp;

namespace DeepBridge.Torch.Tests;

/// <summary>Hand-written loops without a single <c>using</c> in them; CI runs a tenth of the steps.</summary>
[Trait("Category", "Proof")]
public sealed class LongRunTests(ITestOutputHelper output)
{
    static LongRunTests() => Setup.Register();

    [Theory]
    [InlineData("mlp")]
    [InlineData("cnn")]
    public void A_loop_without_using_neither_leaks_handles_nor_memory(string name)
    {
        using AmbientChange device = Device.Use("torch:cpu");
        RandomGenerator generator = new(1);
        using AmbientChange use = generator.Use();
        bool cnn = name == "cnn";
        Tensor x = cnn ? Tensor.Uniform([16, 1, 8, 8]) : Tensor.Uniform([16, 64]);
        Tensor y = Tensor.From([.. Enumerable.Range(0, 16).Select(i => i % 10L)]);
        Sequential model = cnn
            ? [new Conv2d(1, 8, 3, padding: 1), new BatchNorm(8), new Relu(), new MaxPool([2, 2]), new Flatten(), new Dropout(0.25), new Linear(8 * 4 * 4, 10)]
            : [new Linear(64, 128), new Relu(), new Dropout(0.2), new Linear(128, 10)];
        Adam optimizer = new(model, 1e-3);
        int steps = Environment.GetEnvironmentVariable("DEEPBRIDGE_PROOF") == "full" ? 20_000 : 2_000, tenth = steps / 10;
        (long Live, long Handles, long Bytes) early = default, late = default;
        long lowEarly = long.MaxValue, lowLate = long.MaxValue;
        float first = 0, last = 0;
        foreach (int step in TensorScope.Steps(steps + 1))
        {
            Tensor loss = Loss.CrossEntropy(model.Call(x), y);
            optimizer.Step(Gradients.Of(loss, model.Parameters));
            if (step == tenth)
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

        output.WriteLine(
            $"{steps:N0} steps of the {name}: live tensors {early.Live} and {late.Live}, native handles {early.Handles} and {late.Handles}, "
            + $"bytes {early.Bytes} and {late.Bytes} at a tenth and the end; lowest resident size {lowEarly >> 10} and {lowLate >> 10} KiB");
        late.Should().Be(early);
        lowLate.Should().BeLessThan(lowEarly + (8 << 20));
        last.Should().BeLessThan(first);
    }

    private static (long Live, long Handles, long Bytes) Counts() => (LiveTensors.Count, torch.Tensor.TotalCount, TorchSharpBackend.LiveBytes);
}
