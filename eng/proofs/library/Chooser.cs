using DeepBridge;
using DeepBridge.Layers;

namespace Library;

/// <summary>Says which of two numbers is the larger one.</summary>
public sealed partial class Chooser : Module<Tensor, Tensor>
{
    private readonly Linear _hidden = new(2, 16);
    private readonly Linear _output = new(16, 2);

    protected override Tensor Forward(Tensor x) => _output.Call(_hidden.Call(x).Relu());
}
