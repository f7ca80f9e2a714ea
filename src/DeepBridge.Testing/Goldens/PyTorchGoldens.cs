using DeepBridge.Checkpoints;
using DeepBridge.Optimizers;
using FluentAssertions;
using Xunit;

namespace DeepBridge.Testing;

/// <summary>Compares a backend with what PyTorch computed: ops, layers and optimizers, values and gradients.</summary>
public abstract class PyTorchGoldens
{
    /// <summary>The device that is judged.</summary>
    protected abstract Device Device { get; }

    /// <summary>What stands between the ops and the device while they are judged, such as what compiles each; null: nothing.</summary>
    protected virtual Backends.Wrapper? Wrapped => null;

    /// <summary>The names of the ops' cases.</summary>
    /// <returns>One row a case.</returns>
    public static IEnumerable<TheoryDataRow<string>> OpNames() => OpGoldens.All.Select(golden => new TheoryDataRow<string>(golden.Name));

    /// <summary>The names of the layers' cases.</summary>
    /// <returns>One row a case.</returns>
    public static IEnumerable<TheoryDataRow<string>> LayerNames() => LayerGoldens.All.Keys.Select(name => new TheoryDataRow<string>(name));

    /// <summary>The names of the optimizers' cases.</summary>
    /// <returns>One row a case.</returns>
    public static IEnumerable<TheoryDataRow<string>> OptimizerNames() => OptimizerGoldens.All.Keys.Select(name => new TheoryDataRow<string>(name));

    /// <summary>Every case of the files has its counterpart here, and the other way round.</summary>
    [Fact]
    public void Golden_files_and_catalogues_name_the_same_cases()
    {
        OpGoldens.All.Select(golden => golden.Name).Should().OnlyHaveUniqueItems().And.BeEquivalentTo(GoldenFiles.Cases(GoldenFiles.Ops.Value));
        LayerGoldens.All.Keys.Should().BeEquivalentTo(GoldenFiles.Cases(GoldenFiles.Layers.Value));
        OptimizerGoldens.All.Keys.Should().BeEquivalentTo(GoldenFiles.Cases(GoldenFiles.Optimizers.Value));
    }

    /// <summary>Values and gradients of an op.</summary>
    /// <param name="name">The case.</param>
    [Theory]
    [MemberData(nameof(OpNames))]
    public void Op_agrees_with_PyTorch(string name)
    {
        using TensorScope scope = new(name);
        using AmbientChange device = Device.Use(Device);
        using AmbientChange? wrapped = Wrapped?.Use();
        SafetensorsFile file = GoldenFiles.Ops.Value;
        Tensor[] inputs = [.. GoldenFiles.Read(file, name, "in", Device).Select(input => input.DType.IsFloating() ? input.Track() : input)];
        Tensor[] outputs = OpGoldens.All.Single(golden => golden.Name == name).Function(inputs);
        Tensor? loss = Compare(file, name, outputs);
        if (loss is null)
        {
            return;
        }

        Tensor[] tracked = [.. inputs.Where(input => input.IsTracked)];
        Tensor[] gradients = Gradients.Of(loss, tracked, zeros: true);
        for (int i = 0, next = 0; i < inputs.Length; i++)
        {
            if (inputs[i].IsTracked)
            {
                Near(gradients[next++], file.Read($"{name}/grad{i}", Device), $"{name}: gradient of input {i}");
            }
        }
    }

    /// <summary>Output, gradients and running statistics of a layer whose weights were loaded under PyTorch's keys.</summary>
    /// <param name="name">The case.</param>
    [Theory]
    [MemberData(nameof(LayerNames))]
    public void Layer_agrees_with_PyTorch(string name)
    {
        using TensorScope scope = new(name);
        using AmbientChange device = Device.Use(Device);
        using AmbientChange? wrapped = Wrapped?.Use();
        SafetensorsFile file = GoldenFiles.Layers.Value;
        (Module layer, Func<Tensor[], Tensor> call) = LayerGoldens.All[name]();
        string prefix = $"{name}/state/";
        Dictionary<string, Tensor> state = file.Entries.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(key => key[prefix.Length..], key => file.Read(key, Device));
        layer.StateDictionary().Keys.Should().BeEquivalentTo(state.Keys, "the keys are PyTorch's");
        layer.LoadState(state);
        Tensor[] inputs = [.. GoldenFiles.Read(file, name, "in", Device).Select(input => input.DType.IsFloating() ? input.Track() : input)];
        Tensor loss = Compare(file, name, [call(inputs)])!;
        Tensor[] tracked = [.. inputs.Where(input => input.IsTracked)];
        Gradients gradients = Gradients.Of(loss, layer.Parameters, keep: true);
        Tensor[] others = tracked.Length == 0 ? [] : Gradients.Of(loss, tracked);
        for (int i = 0; i < others.Length; i++)
        {
            Near(others[i], file.Read($"{name}/grad{i}", Device), $"{name}: gradient of input {i}");
        }

        foreach ((string key, Variable variable) in layer.StateDictionary())
        {
            if (variable is Parameter)
            {
                Near(gradients[variable], file.Read($"{name}/gradient/{key}", Device), $"{name}: gradient of {key}");
            }
            else
            {
                Near(variable.Value, file.Read($"{name}/after/{key}", Device), $"{name}: {key} afterwards");
            }
        }
    }

    /// <summary>20 steps of an optimizer from the same gradients.</summary>
    /// <param name="name">The case.</param>
    [Theory]
    [MemberData(nameof(OptimizerNames))]
    public void Optimizer_agrees_with_PyTorch_for_20_steps(string name)
    {
        using TensorScope scope = new(name);
        using AmbientChange device = Device.Use(Device);
        using AmbientChange? wrapped = Wrapped?.Use();
        SafetensorsFile file = GoldenFiles.Optimizers.Value;
        Tensor gradients = file.Read($"{name}/in1", Device), expected = file.Read($"{name}/out0", Device);
        Parameter parameter = new(file.Read($"{name}/in0", Device));
        Optimizer optimizer = OptimizerGoldens.All[name](parameter);
        for (int step = 0; step < 20; step++)
        {
            Tensor gradient = gradients[step];
            Gradients given = Gradients.Of((parameter.Value * gradient).Sum(), [parameter]);
            optimizer.Step(OptimizerGoldens.Clipped.Contains(name) ? given.ClipNorm(1) : given);
            Near(parameter.Value, expected[step], $"{name}: step {step}");
        }
    }

    /// <summary>Compares outputs, and makes the loss whose gradients the file holds; null where it holds none.</summary>
    private static Tensor? Compare(SafetensorsFile file, string name, Tensor[] outputs)
    {
        Tensor? loss = null;
        for (int i = 0; i < outputs.Length; i++)
        {
            Near(outputs[i], file.Read($"{name}/out{i}", outputs[i].Device), $"{name}: output {i}");
            if (file.Entries.ContainsKey($"{name}/incoming{i}"))
            {
                Tensor part = (outputs[i] * file.Read($"{name}/incoming{i}", outputs[i].Device)).Sum();
                loss = loss is null ? part : loss + part;
            }
        }

        return loss;
    }

    private static void Near(Tensor actual, Tensor expected, string what)
    {
        actual.Shape.Should().Be(expected.Shape, what);
        double[] mine = actual.Cast(DType.Float64).ToArray<double>(), golden = expected.Cast(DType.Float64).ToArray<double>();
        Tolerance tolerance = Tolerances.Of(DType.Float32, OpClass.Composite);
        double largest = golden.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty(0).Max();
        for (int i = 0; i < mine.Length; i++)
        {
            bool same = mine[i].Equals(golden[i])
                || Math.Abs(mine[i] - golden[i]) <= (tolerance.Relative * Math.Abs(golden[i])) + (tolerance.Absolute * largest);
            same.Should().BeTrue($"{what}: element {i} is {mine[i]:R}, PyTorch's {golden[i]:R}");
        }
    }
}
