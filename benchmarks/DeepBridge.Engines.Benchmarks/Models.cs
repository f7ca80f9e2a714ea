using DeepBridge.Layers;

namespace DeepBridge.Engines.Benchmarks;

/// <summary>The models, written once.</summary>
internal static class Models
{
    internal const int Tokens = 64, Width = 128, Heads = 4;

    internal static Sequential Mlp() => [new Linear(64, 128), new Relu(), new Linear(128, 10)];

    internal static Sequential LargeMlp() => [new Linear(784, 512), new Relu(), new Linear(512, 512), new Relu(), new Linear(512, 10)];

    /// <summary>A training step as a user writes it.</summary>
    internal static Action Step(Module<Tensor, Tensor> model, Tensor input, Tensor labels, Func<Tensor, Tensor, Tensor> loss)
    {
        Func<bool, float> step = Reading(model, input, labels, loss);
        return () => step(false);
    }

    /// <summary>A training step as a user writes it, which reads the loss where it is asked to.</summary>
    internal static Func<bool, float> Reading(Module<Tensor, Tensor> model, Tensor input, Tensor labels, Func<Tensor, Tensor, Tensor> loss)
    {
        Optimizers.Adam optimizer = new(model, 1e-3);
        return read =>
        {
            using TensorScope scope = new();
            Tensor value = loss(model.Call(input), labels);
            optimizer.Step(Gradients.Of(value, model.Parameters));
            return read ? value.Item<float>() : 0;
        };
    }
}

/// <summary>A block of a transformer: causal attention and a feed-forward network, each behind a norm and a residual.</summary>
internal sealed partial class Block : Module<Tensor, Tensor>
{
    private readonly LayerNorm _norm1 = new(Models.Width);
    private readonly Linear _qkv = new(Models.Width, 3 * Models.Width);
    private readonly Linear _projection = new(Models.Width, Models.Width);
    private readonly LayerNorm _norm2 = new(Models.Width);
    private readonly Linear _expand = new(Models.Width, 4 * Models.Width);
    private readonly Linear _contract = new(4 * Models.Width, Models.Width);

    protected override Tensor Forward(Tensor x)
    {
        int batch = x.Shape[0];
        Tensor qkv = _qkv.Call(_norm1.Call(x)).Reshape(batch, Models.Tokens, 3, Models.Heads, Models.Width / Models.Heads).Permute(2, 0, 3, 1, 4);
        Tensor attended = qkv[0].ScaledDotProductAttention(qkv[1], qkv[2], causal: true);
        x += _projection.Call(attended.Permute(0, 2, 1, 3).Reshape(batch, Models.Tokens, Models.Width));
        return x + _contract.Call(_expand.Call(_norm2.Call(x)).Gelu());
    }
}
