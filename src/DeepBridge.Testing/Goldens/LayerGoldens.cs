using DeepBridge.Layers;

namespace DeepBridge.Testing;

/// <summary>The goldens of layers, whose parameters are loaded under PyTorch's keys.</summary>
public static class LayerGoldens
{
    /// <summary>Makes the layer of each case and says how it is called.</summary>
    public static IReadOnlyDictionary<string, Func<(Module Layer, Func<Tensor[], Tensor[]> Call)>> All { get; } =
        new Dictionary<string, Func<(Module, Func<Tensor[], Tensor[]>)>>
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
                return (layer, x => [layer.Call(new AttentionInput(x[0], x[1], x[2]))]);
            },
            ["TransformerEncoderLayer"] = () => Of(new TransformerEncoderLayer(8, 2, 16, dropout: 0)),
            ["TransformerEncoderLayer.first"] = () => Of(new TransformerEncoderLayer(8, 2, 16, dropout: 0, normFirst: true, gelu: true)),
            ["Rnn"] = () => Of(new Rnn(3, 4)),
            ["Rnn.relu"] = () => Of(new Rnn(3, 4, relu: true, bidirectional: true)),
            ["Rnn.state"] = () => Of(new Rnn(3, 4, 2, bias: false, batchFirst: false)),
            ["Rnn.packed"] = () => Of(new Rnn(3, 4, 2, bidirectional: true)),
            ["Lstm"] = () => Of(new Lstm(3, 4)),
            ["Lstm.state"] = () => Of(new Lstm(3, 4, 2, bias: false, batchFirst: false)),
            ["Lstm.packed"] = () => Of(new Lstm(3, 4, 2, bidirectional: true)),
            ["Lstm.projected"] = () => Of(new Lstm(3, 5, projection: 2)),
            ["Lstm.projected.packed"] = () => Of(new Lstm(3, 5, 2, bidirectional: true, projection: 2)),
            ["Gru"] = () => Of(new Gru(3, 4)),
            ["Gru.state"] = () => Of(new Gru(3, 4, 2, bias: false, batchFirst: false)),
            ["Gru.packed"] = () => Of(new Gru(3, 4, 2, bidirectional: true)),
            ["ConvTranspose1d"] = () => Of(new ConvTranspose1d(4, 6, 3, stride: 3, padding: 1, outputPadding: 2, dilation: 2, groups: 2)),
            ["ConvTranspose2d"] = () => Of(new ConvTranspose2d(2, 3, [3, 2], [2, 1], [1, 0], [1, 0])),
            ["ConvTranspose2d.bias"] = () => Of(new ConvTranspose2d(2, 3, 3, bias: false)),
            ["GroupNorm"] = () => Of(new GroupNorm(2, 6)),
            ["GroupNorm.plain"] = () => Of(new GroupNorm(3, 6, affine: false)),
            ["InstanceNorm"] = () => Of(new InstanceNorm(3)),
            ["InstanceNorm.tracked"] = () => Of(new InstanceNorm(3, affine: true, trackRunningStatistics: true)),
            ["InstanceNorm.evaluation"] = () => Of(Evaluated(new InstanceNorm(3, trackRunningStatistics: true))),
            ["RmsNorm"] = () => Of(new RmsNorm(4)),
            ["RmsNorm.plain"] = () => Of(new RmsNorm([3, 4], 0.1, affine: false)),
            ["AdaptiveAveragePool.1d"] = () => Of(new AdaptiveAveragePool([4])),
            ["AdaptiveAveragePool.divides"] = () => Of(new AdaptiveAveragePool([2, 3])),
            ["AdaptiveAveragePool.overlaps"] = () => Of(new AdaptiveAveragePool([3, 4])),
            ["AdaptiveMaxPool.1d"] = () => Of(new AdaptiveMaxPool([4])),
            ["AdaptiveMaxPool.divides"] = () => Of(new AdaptiveMaxPool([2, 3])),
            ["AdaptiveMaxPool.overlaps"] = () => Of(new AdaptiveMaxPool([3, 4])),
            ["AdaptiveMaxPool.ties"] = () => Of(new AdaptiveMaxPool([3, 3])),
            ["PRelu"] = () => Of(new PRelu()),
            ["PRelu.channels"] = () => Of(new PRelu(3)),
            ["Upsample"] = () => Of(new Upsample(2)),
            ["Upsample.down"] = () => Of(new Upsample(0.6)),
            ["Upsample.size"] = () => Of(new Upsample([5, 7])),
            ["Upsample.linear"] = () => Of(new Upsample(1.7, UpsampleMode.Linear)),
            ["Upsample.bilinear"] = () => Of(new Upsample(2.3, UpsampleMode.Linear)),
            ["Upsample.shrunk"] = () => Of(new Upsample([2, 3], UpsampleMode.Linear)),
            ["Upsample.aligned"] = () => Of(new Upsample([5, 1], UpsampleMode.Linear, alignCorners: true)),
        };

    private static (Module, Func<Tensor[], Tensor[]>) Of(Module<Tensor, Tensor> layer) => (layer, x => [layer.Call(x[0])]);

    /// <summary>Called with a sequence, then lengths if the second input is whole numbers, then a state if there is more.</summary>
    private static (Module, Func<Tensor[], Tensor[]>) Of(Recurrent layer) => (layer, x =>
    {
        Tensor[] lengths = [.. x.Where(input => !input.DType.IsFloating())], states = [.. x.Skip(1 + lengths.Length)];
        RecurrentState? state = states.Length == 0 ? null : new(states[0], states.ElementAtOrDefault(1));
        RecurrentOutput output = layer.Call(new RecurrentInput(x[0], state, lengths.SingleOrDefault()));
        return output.State.Cell is { } cell ? [output.Sequence, output.State.Hidden, cell] : [output.Sequence, output.State.Hidden];
    }
    );

    private static Module<Tensor, Tensor> Evaluated(Module<Tensor, Tensor> layer)
    {
        layer.Eval();
        return layer;
    }
}
