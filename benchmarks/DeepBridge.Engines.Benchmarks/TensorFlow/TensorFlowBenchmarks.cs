using DeepBridge.Graphs;
using DeepBridge.Optimizers;
using DeepBridge.TensorFlow;

namespace DeepBridge.Engines.Benchmarks.TensorFlow;

/// <summary>A training step on <c>tensorflow:cpu</c>, op by op and as one native function, in turns.</summary>
internal static class TensorFlowBenchmarks
{
    internal static void Run(int threads)
    {
        TensorFlowBackend.Register(new TensorFlowOptions { IntraOpThreads = threads, InterOpThreads = threads });
        using (Device.Use("tensorflow:cpu"))
        {
            Row("MLP 64-128-10, batch 32", Models.Mlp, Tensor.Uniform([32, 64]));
            Row("MLP 784-512-512-10, batch 128", Models.LargeMlp, Tensor.Uniform([128, 784]));
            Row("CNN 16-32-128-10 on 28×28, batch 64", () => new Mnist.Cnn(), Tensor.Uniform([64, 1, 28, 28]));
        }
    }

    private static void Row(string name, Func<Module<Tensor, Tensor>> make, Tensor input)
    {
        Tensor labels = Tensor.Arange(input.Shape[0]) % 10;
        Alternation.Row(
            name,
            ("TensorFlow, eager", Models.Step(make(), input, labels, Loss.CrossEntropy)),
            ("TensorFlow, compiled", Compiled(make(), input, labels)));
    }

    private static Action Compiled(Module<Tensor, Tensor> model, Tensor input, Tensor labels)
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
        return () =>
        {
            using TensorScope scope = new();
            graph.Run(input, labels);
        };
    }
}
