using DeepBridge;
using DeepBridge.Layers;

namespace Mnist;

/// <summary>Two convolutions, each with ReLU and pooling, and two linear layers.</summary>
internal sealed partial class Cnn : Module<Tensor, Tensor>
{
    private readonly Sequential _layers =
    [
        new Conv2d(1, 16, 3, padding: 1),
        new Relu(),
        new MaxPool([2, 2]),
        new Conv2d(16, 32, 3, padding: 1),
        new Relu(),
        new MaxPool([2, 2]),
        new Flatten(),
        new Linear(32 * 7 * 7, 128),
        new Relu(),
        new Linear(128, 10),
    ];

    protected override Tensor Forward(Tensor images) => _layers.Call(images);
}
