// Learns which of two numbers is the larger one, from 64 pairs, with nothing but the package DeepBridge.
using DeepBridge;
using DeepBridge.Layers;
using DeepBridge.Optimizers;

const int Pairs = 64;
var numbers = new float[Pairs * 2];
var larger = new long[Pairs];
for (var i = 0; i < Pairs; i++)
{
    numbers[2 * i] = (i % 8) / 8f;
    numbers[2 * i + 1] = (i / 8 + 0.5f) / 8f;
    larger[i] = numbers[2 * i] > numbers[2 * i + 1] ? 0 : 1;
}

var x = Tensor.From<float>(numbers, [Pairs, 2]);
var labels = Tensor.From(larger);
var model = new Chooser();
var optimizer = new Adam(model.Parameters, learningRate: 0.05);
foreach (var _ in TensorScope.Steps(300))
{
    var loss = Loss.CrossEntropy(model.Call(x), labels);
    optimizer.Step(Gradients.Of(loss, model.Parameters));
}

var right = model.Call(x).ArgMax(1).ToArray<long>().Zip(larger).Count(pair => pair.First == pair.Second);
Console.WriteLine($"predicted {right} of {Pairs} on {x.Device}");
return right >= Pairs - 2 ? 0 : 1;

internal sealed partial class Chooser : Module<Tensor, Tensor>
{
    private readonly Linear _hidden = new(2, 16);
    private readonly Linear _output = new(16, 2);

    protected override Tensor Forward(Tensor x) => _output.Call(_hidden.Call(x).Relu());
}
