using DeepBridge.Layers;

namespace DeepBridge.Tests.Modules;

/// <summary>The layers' keys and shapes are PyTorch's, so that its files load by name.</summary>
public sealed class KeysTests
{
    [Fact]
    public void Layers_have_the_keys_and_shapes_of_pytorch()
    {
        Sequential model =
        [
            new Conv2d(3, 8, 5),
            new BatchNorm(8),
            new Relu(),
            new Flatten(),
            new Linear(8, 4),
            new LayerNorm(4),
            new Residual(new Linear(4, 4, bias: false)),
            new Embedding(7, 3),
            new Conv1d(2, 4, 3),
            new TransformerEncoderLayer(8, 2, 16),
        ];
        string.Join('\n', model.StateDictionary().Select(pair => $"{pair.Key} {pair.Value.Spec}")).Should().Be(
            """
            0.weight float32(8, 3, 5, 5)
            0.bias float32(8,)
            1.weight float32(8,)
            1.bias float32(8,)
            1.running_mean float32(8,)
            1.running_var float32(8,)
            1.num_batches_tracked int64()
            4.weight float32(4, 8)
            4.bias float32(4,)
            5.weight float32(4,)
            5.bias float32(4,)
            6.inner.weight float32(4, 4)
            7.weight float32(7, 3)
            8.weight float32(4, 2, 3)
            8.bias float32(4,)
            9.self_attn.in_proj_weight float32(24, 8)
            9.self_attn.in_proj_bias float32(24,)
            9.self_attn.out_proj.weight float32(8, 8)
            9.self_attn.out_proj.bias float32(8,)
            9.linear1.weight float32(16, 8)
            9.linear1.bias float32(16,)
            9.linear2.weight float32(8, 16)
            9.linear2.bias float32(8,)
            9.norm1.weight float32(8,)
            9.norm1.bias float32(8,)
            9.norm2.weight float32(8,)
            9.norm2.bias float32(8,)
            """);
    }
}
