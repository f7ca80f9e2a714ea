using DeepBridge.Torch;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DeepBridge.Engines.Benchmarks.Torch;

/// <summary>
/// The same model, batch and optimizer in TorchSharp as its experts write it (a DisposeScope a step, its own Adam and
/// autograd) and in DeepBridge on <c>torch:cpu</c>, in turns.
/// </summary>
internal static class TorchBenchmarks
{
    internal static void Run(int threads)
    {
        TorchSharpBackend.Register(new TorchSharpOptions { Threads = threads });
        Console.WriteLine($"TorchSharp {typeof(torch).Assembly.GetName().Version}, threads {get_num_threads()}");
        using (Device.Use("torch:cpu"))
        {
            Tensor vectors = Tensor.Uniform([32, 64]), labels = Tensor.Arange(32) % 10;
            Alternation.Row("MLP 64-128-10, batch 32", ("TorchSharp", RawMlp()), ("DeepBridge", Models.Step(Models.Mlp(), vectors, labels, Loss.CrossEntropy)));
            Tensor images = Tensor.Uniform([64, 1, 28, 28]), digits = Tensor.Arange(64) % 10;
            Alternation.Row("CNN 16-32-128-10 on 28×28, batch 64", ("TorchSharp", RawCnn()), ("DeepBridge", Models.Step(new Mnist.Cnn(), images, digits, Loss.CrossEntropy)));
            Tensor texts = Tensor.Normal([12, Models.Tokens, Models.Width]), targets = Tensor.Normal([12, Models.Tokens, Models.Width]);
            Alternation.Row("Transformer block, width 128, 4 heads, 12×64 tokens", ("TorchSharp", RawBlock()), ("DeepBridge", Models.Step(new Block(), texts, targets, Loss.MeanSquaredError)));
        }
    }

    private static Action RawMlp() =>
        Step(Sequential(Linear(64, 128), ReLU(), Linear(128, 10)), rand(32, 64), arange(32, ScalarType.Int64).remainder(10), (y, t) => functional.cross_entropy(y, t));

    private static Action RawCnn() => Step(
        Sequential(
            Conv2d(1, 16, 3, padding: 1),
            ReLU(),
            MaxPool2d(2),
            Conv2d(16, 32, 3, padding: 1),
            ReLU(),
            MaxPool2d(2),
            Flatten(),
            Linear(32 * 7 * 7, 128),
            ReLU(),
            Linear(128, 10)),
        rand(64, 1, 28, 28),
        arange(64, ScalarType.Int64).remainder(10),
        (y, t) => functional.cross_entropy(y, t));

    private static Action RawBlock() =>
        Step(new TorchBlock(), randn(12, Models.Tokens, Models.Width), randn(12, Models.Tokens, Models.Width), (y, t) => functional.mse_loss(y, t));

    private static Action Step(torch.nn.Module<torch.Tensor, torch.Tensor> model, torch.Tensor input, torch.Tensor labels, Func<torch.Tensor, torch.Tensor, torch.Tensor> loss)
    {
        optim.Optimizer optimizer = optim.Adam(model.parameters(), 1e-3);
        return () =>
        {
            using DisposeScope scope = NewDisposeScope();
            optimizer.zero_grad();
            loss(model.call(input), labels).backward();
            optimizer.step();
        };
    }

    private sealed class TorchBlock : torch.nn.Module<torch.Tensor, torch.Tensor>
    {
        private readonly TorchSharp.Modules.LayerNorm _norm1 = LayerNorm(Models.Width), _norm2 = LayerNorm(Models.Width);
        private readonly TorchSharp.Modules.Linear _qkv = Linear(Models.Width, 3 * Models.Width), _projection = Linear(Models.Width, Models.Width);
        private readonly TorchSharp.Modules.Linear _expand = Linear(Models.Width, 4 * Models.Width), _contract = Linear(4 * Models.Width, Models.Width);

        internal TorchBlock()
            : base(nameof(TorchBlock)) => RegisterComponents();

        public override torch.Tensor forward(torch.Tensor x)
        {
            long batch = x.shape[0];
            torch.Tensor qkv = _qkv.call(_norm1.call(x)).reshape(batch, Models.Tokens, 3, Models.Heads, Models.Width / Models.Heads).permute(2, 0, 3, 1, 4);
            torch.Tensor attended = functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], is_casual: true);
            x = x + _projection.call(attended.permute(0, 2, 1, 3).reshape(batch, Models.Tokens, Models.Width));
            return x + _contract.call(functional.gelu(_expand.call(_norm2.call(x))));
        }
    }
}
