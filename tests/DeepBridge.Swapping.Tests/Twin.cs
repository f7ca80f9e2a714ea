using DeepBridge.Graphs;
using DeepBridge.Layers;
using DeepBridge.Optimizers;
using Digits;

namespace DeepBridge.Swapping.Tests;

/// <summary>A model of the digits sample with all that its training step reads and changes, on one device.</summary>
internal sealed class Twin
{
    internal const int BatchSize = 32;
    private const int TrainingRows = 1437;
    private static readonly DigitsFile s_digits = DigitsFile.Read(DigitsFile.Carried, labelled: true);
    private readonly Module<Tensor, Tensor> _model;
    private readonly Adam _optimizer;
    private readonly RandomGenerator _generator;
    private Graph? _graph;

    /// <summary>Makes one: the same seed gives the same on every device.</summary>
    internal Twin(string model, Device device)
    {
        using AmbientChange on = Device.Use(device);
        _generator = new RandomGenerator(3);
        using AmbientChange use = _generator.Use();
        _model = model switch { "cnn" => new Cnn(), "mlp" => new Mlp(), _ => new Smooth() };
        _optimizer = new Adam(_model, 1e-3);
    }

    internal Device Device => _model.Parameters.First().Device;

    internal IEnumerable<Parameter> Parameters => _model.Parameters;

    /// <summary>The rows of a step.</summary>
    internal static Range Rows(int step)
    {
        int start = step % (TrainingRows / BatchSize) * BatchSize;
        return start..(start + BatchSize);
    }

    /// <summary>All state, in one order.</summary>
    internal IEnumerable<Variable> State() =>
        [.. _model.NamedVariables().Select(named => named.Variable), .. _optimizer.NamedVariables().Select(named => named.Variable), _generator.State];

    /// <summary>Takes over the state of another, from whatever device.</summary>
    internal void CopyFrom(Twin other)
    {
        foreach ((Variable mine, Variable theirs) in State().Zip(other.State()))
        {
            mine.Assign(theirs.Value.Detach().To(mine.Device));
        }
    }

    /// <summary>Moves everything, as a user does: the optimizer's slots and the generator follow.</summary>
    internal void MoveTo(Device device) => _model.To(device);

    /// <summary>The loss of a step and the gradients of the parameters.</summary>
    internal (Tensor Loss, Gradients Gradients) Backward(int step)
    {
        using AmbientChange use = _generator.Use();
        using AmbientChange on = Device.Use(Device);
        Tensor loss = Loss.CrossEntropy(_model.Call(s_digits.Images(Rows(step))), s_digits.Digits(Rows(step)));
        return (loss.Detach(), Gradients.Of(loss, _model.Parameters));
    }

    /// <summary>The same as one compiled graph: the loss, and the gradients in the order of the parameters.</summary>
    internal (Tensor Loss, Tensor[] Gradients) CompiledBackward(int step)
    {
        using AmbientChange use = _generator.Use();
        using AmbientChange on = Device.Use(Device);
        Tensor images = s_digits.Images(Rows(step)), labels = s_digits.Digits(Rows(step));
        _graph ??= Graph.Trace(
            inputs =>
            {
                Tensor loss = Loss.CrossEntropy(_model.Call(inputs[0]), inputs[1]);
                Gradients gradients = Gradients.Of(loss, _model.Parameters);
                return [loss.Detach(), .. _model.Parameters.Select(parameter => gradients[parameter])];
            },
            [images.Spec, labels.Spec]);
        Tensor[] outputs = [.. _graph.Run(images, labels)];
        return (outputs[0], outputs[1..]);
    }

    /// <summary>The optimizer's step.</summary>
    internal void Update(Gradients gradients) => _optimizer.Step(gradients);
}

/// <summary>A convolutional network without kinks: rounding stays as small as it began.</summary>
internal sealed partial class Smooth : Module<Tensor, Tensor>
{
    private readonly Sequential _layers =
    [
        new Conv2d(1, 8, 3, padding: 1),
        new Gelu(),
        new AveragePool([2, 2]),
        new Flatten(),
        new Linear(8 * 4 * 4, 32),
        new Gelu(),
        new Linear(32, 10),
    ];

    protected override Tensor Forward(Tensor images) => _layers.Call(images);
}
