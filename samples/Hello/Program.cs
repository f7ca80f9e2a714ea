using DeepBridge;
using DeepBridge.Layers;
using DeepBridge.Memory;
using DeepBridge.Optimizers;

// Learns the sine. No using, no Dispose: each step is a scope, and the count of live tensors stays where it is.
Tensor x = Tensor.Linspace(-3, 3, 200).Reshape(-1, 1), y = x.Sin();
Sequential model = [new Linear(1, 32), new Tanh(), new Linear(32, 1)];
Adam optimizer = new(model.Parameters, learningRate: 1e-2);
foreach (int step in TensorScope.Steps(1001))
{
    Tensor loss = Loss.MeanSquaredError(model.Call(x), y);
    optimizer.Step(Gradients.Of(loss, model.Parameters));
    if (step % 200 == 0)
    {
        Console.WriteLine($"step {step,4}  loss {loss.Item():F6}  live tensors {LiveTensors.Count}");
    }
}
