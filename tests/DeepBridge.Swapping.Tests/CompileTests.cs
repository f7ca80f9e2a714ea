using DeepBridge.Data;
using DeepBridge.Graphs;
using DeepBridge.Optimizers;
using DeepBridge.Training;

namespace DeepBridge.Swapping.Tests;

/// <summary>Compiled steps in the trainer and in loops written by hand, on every device: a trace for each shape of batch.</summary>
public sealed class CompileTests
{
    public static TheoryData<string, Precision> Cases
    {
        get
        {
            TheoryData<string, Precision> data = PrecisionTests.Low;
            foreach (string device in PrecisionTests.Devices.Select(row => row.Data))
            {
                data.Add(device, Precision.Float32);
            }

            return data;
        }
    }

    /// <summary>With clipping, schedule, dropout, and a last short batch that is run eagerly.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public async Task The_trainer_traces_one_step(string device, Precision precision)
    {
        TrainerOptions options = new() { Epochs = 3, ClipNorm = 0.5, ClipValue = 0.2, Precision = precision };
        using Job eager = new(device);
        TrainingResult expected = await eager.Fit(options);
        using Job compiled = new(device);
        Counting counting = new();
        TrainingResult actual = await compiled.Fit(options with { Compile = true, Logger = counting });
        (counting.Traced, counting.RunEagerly).Should().Be((1, 3));
        compiled.Optimizer.StepCount.Value.Item<long>().Should().Be(15);
        compiled.Optimizer.LearningRate.Value.Item().Should().BeApproximately(eager.Optimizer.LearningRate.Value.Item(), 1e-9);
        foreach ((string name, double value) in expected.Measures)
        {
            actual.Measures[name].Should().BeApproximately(value, PrecisionTests.Bound(precision) * Math.Abs(value), name);
        }
    }

    /// <summary>Batches of two shapes that take turns, through a function of the batch.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public async Task The_trainer_traces_a_step_for_each_shape(string device, Precision precision)
    {
        async Task<double> Fit(bool compile, Counting counting)
        {
            using Job job = new(device);
            IDataset<(HostArray<float> Images, HostArray<long> Labels)> samples = Dataset.From(9, (index, random) =>
            {
                int rows = index % 2 == 0 ? 6 : 10;
                float[] pixels = [.. Enumerable.Range(0, rows * 64).Select(_ => (float)random.Uniform())];
                return (new HostArray<float>(pixels, [rows, 1, 8, 8]), new HostArray<long>(new long[rows], [rows]));
            });
            TrainerOptions options = new() { Epochs = 2, ClipNorm = 0.5, Compile = compile, Logger = counting, Precision = precision };
            TrainingResult result = await new Trainer(options).FitAsync(
                job.Model,
                DataLoader.Create(samples, new DataLoaderOptions { BatchSize = 1 }),
                batch => Loss.CrossEntropy(job.Model.Call(batch.Item1.Squeeze(0)), batch.Item2.Squeeze(0)),
                job.Optimizer);
            result.Steps.Should().Be(18);
            return result.Measures["loss"];
        }

        Counting counted = new();
        double expected = await Fit(false, new Counting()), actual = await Fit(true, counted);
        actual.Should().BeApproximately(expected, PrecisionTests.Bound(precision) * expected);
        (counted.Traced, counted.RunEagerly).Should().Be((2, 0));
    }

    /// <summary>By hand: a graph for whole batches, and one for the last.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_loop_by_hand_runs_graphs(string device, Precision precision)
    {
        using Job hand = new(device);
        LossScaler scaler = new(Math.Pow(2, 10)), other = new(Math.Pow(2, 10));
        Dictionary<Shape, Graph> graphs = [];
        using AmbientChange autocast = Autocast.Use(precision);
        for (int epoch = 0; epoch < 2; epoch++)
        {
            foreach ((Tensor inputs, Tensor labels) in hand.Train)
            {
                if (!graphs.TryGetValue(inputs.Shape, out Graph? graph))
                {
                    graph = Graph.Trace(
                        batch =>
                        {
                            Tensor loss = Loss.CrossEntropy(hand.Model.Call(batch[0]), batch[1]);
                            scaler.Step(hand.Optimizer, scaler.GradientsOf(loss, hand.Model.Parameters).ClipNorm(0.5));
                            return [loss.Detach()];
                        },
                        [inputs.Spec, labels.Spec]);
                    graphs.Add(inputs.Shape, graph);
                }

                double.IsFinite(graph.Run(inputs, labels)[0].Item()).Should().BeTrue();
            }
        }

        graphs.Should().HaveCount(2);
        using Job eager = new(device);
        await eager.Fit(new TrainerOptions { Epochs = 2, ClipNorm = 0.5, Precision = precision, LossScaler = precision == Precision.Float16 ? other : null });
        hand.Weights().Should().Equal(eager.Weights(), (a, b) => Math.Abs(a - b) < PrecisionTests.Bound(precision));
        foreach (Graph graph in graphs.Values)
        {
            graph.Dispose();
        }
    }
}
