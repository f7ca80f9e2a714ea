using DeepBridge.Checkpoints;
using DeepBridge.Graphs;
using DeepBridge.Optimizers;
using DeepBridge.Schedules;
using FluentAssertions;
using Xunit;

namespace DeepBridge.Testing;

/// <summary>Compares a backend with what PyTorch computed: ops, layers and optimizers, values and gradients.</summary>
public abstract class PyTorchGoldens
{
    /// <summary>The device that is judged.</summary>
    protected abstract Device Device { get; }

    /// <summary>The names of the ops' cases.</summary>
    /// <returns>One row a case.</returns>
    public static IEnumerable<TheoryDataRow<string>> OpNames() => OpGoldens.All.Select(golden => new TheoryDataRow<string>(golden.Name));

    /// <summary>The names of the layers' cases.</summary>
    /// <returns>One row a case.</returns>
    public static IEnumerable<TheoryDataRow<string>> LayerNames() => LayerGoldens.All.Keys.Select(name => new TheoryDataRow<string>(name));

    /// <summary>The names of the optimizers' cases, and whether the step is traced.</summary>
    /// <returns>Two rows a case.</returns>
    public static IEnumerable<TheoryDataRow<string, bool>> OptimizerModes() =>
        OptimizerGoldens.All.Keys.SelectMany(name => new TheoryDataRow<string, bool>[] { new(name, false), new(name, true) });

    /// <summary>The names of the schedules' cases.</summary>
    /// <returns>One row a case.</returns>
    public static IEnumerable<TheoryDataRow<string>> ScheduleNames() => OptimizerGoldens.Schedules.Keys.Select(name => new TheoryDataRow<string>(name));

    /// <summary>Every case of the files has its counterpart here, and the other way round.</summary>
    [Fact]
    public void Golden_files_and_catalogues_name_the_same_cases()
    {
        OpGoldens.All.Select(golden => golden.Name).Should().OnlyHaveUniqueItems().And.BeEquivalentTo(GoldenFiles.Cases(GoldenFiles.Ops.Value));
        LayerGoldens.All.Keys.Should().BeEquivalentTo(GoldenFiles.Cases(GoldenFiles.Layers.Value));
        OptimizerGoldens.All.Keys.Should().BeEquivalentTo(GoldenFiles.Cases(GoldenFiles.Optimizers.Value));
        OptimizerGoldens.Schedules.Keys.Should().BeEquivalentTo(GoldenFiles.Cases(GoldenFiles.Schedules.Value));
    }

    /// <summary>Values and gradients of an op.</summary>
    /// <param name="name">The case.</param>
    [Theory]
    [MemberData(nameof(OpNames))]
    public void Op_agrees_with_PyTorch(string name)
    {
        using TensorScope scope = new(name);
        using AmbientChange device = Device.Use(Device);
        SafetensorsFile file = GoldenFiles.Ops.Value;
        Tensor[] inputs = [.. GoldenFiles.Read(file, name, "in", Device).Select(input => input.DType.IsFloating() ? input.Track() : input)];
        Tensor[] outputs = OpGoldens.All.Single(golden => golden.Name == name).Function(inputs);
        CompareGradients(file, name, Compare(file, name, outputs), inputs);
    }

    /// <summary>
    /// Outputs, traced and eager, gradients and running statistics of a layer whose weights were loaded under PyTorch's keys.
    /// </summary>
    /// <param name="name">The case.</param>
    [Theory]
    [MemberData(nameof(LayerNames))]
    public void Layer_agrees_with_PyTorch(string name)
    {
        using TensorScope scope = new(name);
        using AmbientChange device = Device.Use(Device);
        SafetensorsFile file = GoldenFiles.Layers.Value;
        Tensor[] inputs = GoldenFiles.Read(file, name, "in", Device);
        (_, Func<Tensor[], Tensor[]> traced) = Loaded(file, name);
        using Graph graph = Graph.Trace(traced, [.. inputs.Select(input => input.Spec)]);
        Compare(file, name, graph.Run(inputs));
        (Module layer, Func<Tensor[], Tensor[]> call) = Loaded(file, name);
        inputs = [.. inputs.Select(input => input.DType.IsFloating() ? input.Track() : input)];
        Tensor loss = Compare(file, name, call(inputs))!;
        Gradients gradients = Gradients.Of(loss, layer.Parameters, keep: true);
        CompareGradients(file, name, loss, inputs);
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

    /// <summary>20 steps of an optimizer from the same gradients, eager and traced once.</summary>
    /// <param name="name">The case.</param>
    /// <param name="traced">Whether the step is traced.</param>
    [Theory]
    [MemberData(nameof(OptimizerModes))]
    public void Optimizer_agrees_with_PyTorch_for_20_steps(string name, bool traced)
    {
        using TensorScope scope = new(name);
        using AmbientChange device = Device.Use(Device);
        SafetensorsFile file = GoldenFiles.Optimizers.Value;
        Tensor gradients = file.Read($"{name}/in1", Device), expected = file.Read($"{name}/out0", Device);
        Parameter parameter = new(file.Read($"{name}/in0", Device));
        Optimizer optimizer = OptimizerGoldens.All[name](parameter);
        Tensor[] Step(Tensor[] gradient)
        {
            Gradients given = Gradients.Of((parameter.Value * gradient[0]).Sum(), [parameter]);
            optimizer.Step(OptimizerGoldens.Clipped.Contains(name) ? given.ClipNorm(1) : given);
            return [];
        }

        using Graph? graph = traced ? Graph.Trace(Step, [parameter.Spec]) : null;
        for (int step = 0; step < 20; step++)
        {
            _ = graph?.Run(gradients[step]) ?? Step([gradients[step]]);
            Near(parameter.Value, expected[step], $"{name}: step {step}");
        }
    }

    /// <summary>The rates of 40 steps, or after each of 40 reports.</summary>
    /// <param name="name">The case.</param>
    [Theory]
    [MemberData(nameof(ScheduleNames))]
    public void Schedule_agrees_with_PyTorch_for_40_steps(string name)
    {
        using TensorScope scope = new(name);
        using AmbientChange device = Device.Use(Device);
        SafetensorsFile file = GoldenFiles.Schedules.Value;
        Schedule schedule = OptimizerGoldens.Schedules[name]();
        double[] metrics = [.. GoldenFiles.Read(file, name, "in", Device).SelectMany(values => values.ToArray<double>())];
        Tensor[] rates = new Tensor[40];
        for (int step = 0; step < rates.Length; step++)
        {
            (schedule as ReduceOnPlateau)?.Report(metrics[step]);
            rates[step] = schedule.At(Tensor.Of(step));
        }

        Near(Tensor.Stack(rates), file.Read($"{name}/out0", Device), name);
    }

    /// <summary>A case's layer with its weights loaded under PyTorch's keys.</summary>
    private (Module Layer, Func<Tensor[], Tensor[]> Call) Loaded(SafetensorsFile file, string name)
    {
        (Module layer, Func<Tensor[], Tensor[]> call) = LayerGoldens.All[name]();
        string prefix = $"{name}/state/";
        Dictionary<string, Tensor> state = file.Entries.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(key => key[prefix.Length..], key => file.Read(key, Device));
        layer.StateDictionary().Keys.Should().BeEquivalentTo(state.Keys, "the keys are PyTorch's");
        layer.LoadState(state);
        return (layer, call);
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

    private void CompareGradients(SafetensorsFile file, string name, Tensor? loss, Tensor[] inputs)
    {
        int[] tracked = [.. Enumerable.Range(0, inputs.Length).Where(i => loss is not null && inputs[i].IsTracked)];
        Tensor[] gradients = tracked.Length == 0 ? [] : Gradients.Of(loss!, [.. tracked.Select(i => inputs[i])], zeros: true);
        for (int i = 0; i < tracked.Length; i++)
        {
            Near(gradients[i], file.Read($"{name}/grad{tracked[i]}", Device), $"{name}: gradient of input {tracked[i]}");
        }
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
