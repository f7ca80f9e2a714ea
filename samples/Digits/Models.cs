using DeepBridge;
using DeepBridge.Layers;

namespace Digits;

/// <summary>Two convolutions and a linear layer: the default.</summary>
internal sealed partial class Cnn : Module<Tensor, Tensor>
{
    private readonly Sequential _layers =
    [
        new Conv2d(1, 16, 3, padding: 1),
        new BatchNorm(16),
        new Relu(),
        new Conv2d(16, 32, 3, padding: 1),
        new BatchNorm(32),
        new Relu(),
        new MaxPool([2, 2]),
        new Flatten(),
        new Dropout(0.25),
        new Linear(32 * 4 * 4, 10),
    ];

    protected override Tensor Forward(Tensor images) => _layers.Call(images);
}

/// <summary>One hidden layer.</summary>
internal sealed partial class Mlp : Module<Tensor, Tensor>
{
    private readonly Linear _hidden = new(64, 128);
    private readonly Dropout _dropout = new(0.2);
    private readonly Linear _output = new(128, 10);

    protected override Tensor Forward(Tensor images) => _output.Call(_dropout.Call(_hidden.Call(images.Flatten(1)).Relu()));
}
