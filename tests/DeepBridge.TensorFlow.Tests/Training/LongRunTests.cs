using System.Runtime.CompilerServices;
using DeepBridge.Graphs;
using DeepBridge.Layers;
using DeepBridge.Memory;
using DeepBridge.Optimizers;

namespace DeepBridge.TensorFlow.Tests.Training;

/// <summary>Memory of long, hand-written loops without a single <c>using</c>; a tenth as long but for <c>eng/prove</c>.</summary>
[Trait("Category", "Proof")]
public sealed class LongRunTests(ITestOutputHelper output)
{
    static LongRunTests() => TensorFlowBackend.Register();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Live_tensors_handles_and_memory_stay_flat(bool compiled)
    {
        using AmbientChange device = Device.Use("tensorflow:cpu");
        RandomGenerator generator = new(1);
        using AmbientChange use = generator.Use();
        (Tensor x, Tensor y, Func<Tensor, Tensor, Tensor> step) = Make();
        Graph? graph = compiled ? Graph.Trace(inputs => [step(inputs[0], inputs[1])], [x.Spec, y.Spec]) : null;

        // What making the model left behind belongs to nobody, so that the finalizers find it sooner or later.
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        // Pages of the nursery become resident as it fills for the first time, which a step that makes little garbage takes long to do.
        for (int collections = GC.CollectionCount(0); GC.CollectionCount(0) < collections + 2;)
        {
            GC.KeepAlive(new byte[4096]);
        }

        int scale = Sample.IsFull ? 1 : 10;
        long tensors = 0, handles = 0, bytes = 0, early = long.MaxValue, late = long.MaxValue;
        foreach (int index in TensorScope.Steps((20_000 / scale) + 1))
        {
            float loss = (graph is null ? step(x, y) : graph.Run(x, y)[0]).Item<float>();
            float.IsFinite(loss).Should().BeTrue();
            int at = index * scale;
            if (at == 2_000)
            {
                (tensors, handles, bytes) = (LiveTensors.Count, TensorHandles.Live, TensorHandles.LiveBytes);
            }

            early = at is >= 2_000 and <= 4_000 ? Math.Min(early, Environment.WorkingSet) : early;
            late = at is >= 18_000 and <= 20_000 ? Math.Min(late, Environment.WorkingSet) : late;
            if (at == 20_000)
            {
                LiveTensors.Count.Should().Be(tensors);
                TensorHandles.Live.Should().Be(handles);
                TensorHandles.LiveBytes.Should().Be(bytes).And.BePositive();
            }
        }

        output.WriteLine(
            $"{20_000 / scale} steps on TensorFlow, {(compiled ? "compiled" : "eager")}: live tensors {tensors}, native handles {handles} and bytes {bytes} "
            + $"at a tenth and the end; lowest resident size {early >> 10} and {late >> 10} KiB");

        // A tenth of the steps ends while the runtime still compiles what it has found to be hot.
        late.Should().BeLessThan(early + ((Sample.IsFull ? 8L : 40L) << 20));
        graph?.Dispose();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (Tensor X, Tensor Y, Func<Tensor, Tensor, Tensor> Step) Make()
    {
        Sequential model = [new Linear(64, 128), new Relu(), new Dropout(0.1), new Linear(128, 10)];
        Adam optimizer = new(model, 1e-3);
        return (Tensor.Uniform([32, 64]), Tensor.Uniform([32, 10]), (images, targets) =>
        {
            Tensor loss = Loss.MeanSquaredError(model.Call(images), targets);
            optimizer.Step(Gradients.Of(loss, model.Parameters));
            return loss.Detach();
        }
        );
    }
}
