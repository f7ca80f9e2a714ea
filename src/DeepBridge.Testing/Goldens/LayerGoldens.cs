using DeepBridge.Layers;

namespace DeepBridge.Testing;

/// <summary>The goldens of layers, whose parameters are loaded under PyTorch's keys.</summary>
public static class LayerGoldens
{
    /// <summary>Makes the layer of each case and says how it is called.</summary>
    public static IReadOnlyDictionary<string, Func<(Module Layer, Func<Tensor[], Tensor> Call)>> All { get; } =
        new Dictionary<string, Func<(Module, Func<Tensor[], Tensor>)>>
        {
            ["Linear"] = () => Of(new Linear(4, 3)),
            ["Linear.bias"] = () => Of(new Linear(4, 3, bias: false)),
            ["Conv1d"] = () => Of(new Conv1d(2, 4, 3, stride: 2, padding: 1)),
            ["Conv2d"] = () => Of(new Conv2d(2, 4, 3, padding: 1, groups: 2)),
            ["BatchNorm.training"] = () => Of(new BatchNorm(3)),
            ["BatchNorm.evaluation"] = () => Of(Evaluated(new BatchNorm(3))),
            ["BatchNorm.cumulative"] = () => Of(new BatchNorm(3, momentum: null)),
            ["LayerNorm"] = () => Of(new LayerNorm(5)),
            ["Embedding"] = () => Of(new Embedding(6, 3)),
            ["Sequential"] = () => Of(new Sequential(new Linear(4, 8), new Relu(), new Linear(8, 2))),
            ["MultiHeadAttention"] = () =>
            {
                MultiHeadAttention layer = new(8, 2);
                return (layer, x => layer.Call(new AttentionInput(x[0], x[1], x[2])));
            },
            ["TransformerEncoderLayer"] = () => Of(new TransformerEncoderLayer(8, 2, 16, dropout: 0)),
            ["TransformerEncoderLayer.first"] = () => Of(new TransformerEncoderLayer(8, 2, 16, dropout: 0, normFirst: true, gelu: true)),
        };

    private static (Module, Func<Tensor[], Tensor>) Of(Module<Tensor, Tensor> layer) => (layer, x => layer.Call(x[0]));

    private static Module<Tensor, Tensor> Evaluated(Module<Tensor, Tensor> layer)
    {
        layer.Eval();
        return layer;
    }
}
