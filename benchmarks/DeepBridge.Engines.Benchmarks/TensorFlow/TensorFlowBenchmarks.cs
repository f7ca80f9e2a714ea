using System.Globalization;
using DeepBridge.Graphs;
using DeepBridge.Optimizers;
using DeepBridge.TensorFlow;

namespace DeepBridge.Engines.Benchmarks.TensorFlow;

/// <summary>
/// A training step on <c>tensorflow:cpu</c>, op by op and as one native function, and the same by raw calls of the C API, in
/// turns. All begin with the same parameters; the run fails where their losses differ.
/// </summary>
internal static class TensorFlowBenchmarks
{
    private const int Compared = 5;
    private const double Tolerance = 1e-4;

    internal static void Run(int threads)
    {
        TensorFlowBackend.Register(new TensorFlowOptions { IntraOpThreads = threads, InterOpThreads = threads });
        Raw.Start(threads);
        using (Device.Use("tensorflow:cpu"))
        {
            Row("MLP 64-128-10, batch 32", Models.Mlp, [RawLayer.Dense, RawLayer.Relu, RawLayer.Dense], Tensor.Uniform([32, 64]));
            Row(
                "MLP 784-512-512-10, batch 128",
                Models.LargeMlp,
                [RawLayer.Dense, RawLayer.Relu, RawLayer.Dense, RawLayer.Relu, RawLayer.Dense],
                Tensor.Uniform([128, 784]));
            Row(
                "CNN 16-32-128-10 on 28×28, batch 64",
                () => new Mnist.Cnn(),
                [
                    RawLayer.Convolution, RawLayer.Relu, RawLayer.Pool, RawLayer.Convolution, RawLayer.Relu, RawLayer.Pool,
                    RawLayer.Flatten, RawLayer.Dense, RawLayer.Relu, RawLayer.Dense,
                ],
                Tensor.Uniform([64, 1, 28, 28]));
        }
    }

    private static void Row(string name, Func<Module<Tensor, Tensor>> make, RawLayer[] layers, Tensor input)
    {
        Tensor labels = Tensor.Arange(input.Shape[0]) % 10;
        Module<Tensor, Tensor> eager = make(), compiled = make();
        compiled.LoadState(eager.StateDictionary().ToDictionary(pair => pair.Key, pair => pair.Value.Value.Detach()));
        RawSteps raw = new(eager, layers, input, labels);
        (string Name, Func<bool, float> Step)[] ways =
        [
            ("raw TFE calls", raw.Eager()),
            ("DeepBridge, eager", Models.Reading(eager, input, labels, Loss.CrossEntropy)),
            ("raw TF_Function", raw.Function()),
            ("DeepBridge, compiled", Compiled(compiled, input, labels)),
        ];
        Compare(name, ways);
        Alternation.Pairs(name, [.. ways.Select(way => (way.Name, (Action)(() => way.Step(false))))]);
    }

    /// <summary>Requires the same losses of all ways.</summary>
    private static void Compare(string name, (string Name, Func<bool, float> Step)[] ways)
    {
        float[][] losses = [.. ways.Select(way => Enumerable.Range(0, Compared).Select(_ => way.Step(true)).ToArray())];
        for (int way = 1; way < ways.Length; way++)
        {
            for (int step = 0; step < Compared; step++)
            {
                if (!(Math.Abs(losses[way][step] - losses[0][step]) <= Tolerance * Math.Abs(losses[0][step])))
                {
                    throw new InvalidOperationException(string.Create(
                        CultureInfo.InvariantCulture,
                        $"{name}, step {step}: {ways[way].Name} has the loss {losses[way][step]}, {ways[0].Name} {losses[0][step]}."));
                }
            }
        }
    }

    private static Func<bool, float> Compiled(Module<Tensor, Tensor> model, Tensor input, Tensor labels)
    {
        Adam optimizer = new(model, 1e-3);
        Graph graph = Graph.Trace(
            inputs =>
            {
                Tensor loss = Loss.CrossEntropy(model.Call(inputs[0]), inputs[1]);
                optimizer.Step(Gradients.Of(loss, model.Parameters));
                return [loss.Detach()];
            },
            [input.Spec, labels.Spec]);
        return read =>
        {
            using TensorScope scope = new();
            Tensor loss = graph.Run(input, labels)[0];
            return read ? loss.Item<float>() : 0;
        };
    }
}
