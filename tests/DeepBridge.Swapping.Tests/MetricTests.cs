using DeepBridge.Metrics;
using DeepBridge.Training;

namespace DeepBridge.Swapping.Tests;

/// <summary>What is measured, and what is looked for, on every device.</summary>
public sealed class MetricTests
{
    public static TheoryData<string> Devices => Backends.Others;

    /// <summary>Each metric over three batches, the last of them short.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void Metrics_are_those_of_cpu(string device)
    {
        Backends.Require(device);
        Dictionary<string, double> expected = Measure("cpu"), actual = Measure(device);
        actual.Keys.Should().Equal(expected.Keys).And.HaveCountGreaterThan(12);
        foreach ((string name, double value) in expected)
        {
            double.IsFinite(value).Should().BeTrue(name);
            actual[name].Should().BeApproximately(value, 1e-6 * Math.Max(1, Math.Abs(value)), name);
        }
    }

    /// <summary>The op and the module of the first NaN, found by making the steps again.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public async Task The_first_NaN_is_named(string device)
    {
        Backends.Require(device);
        foreach (bool compile in new[] { false, true })
        {
            using Job job = new(device);
            TrainerOptions options = new() { Epochs = 3, StopOnNonFinite = true, Compile = compile };
            Faulty model = new(job.Model);
            NonFiniteException error = (await FluentActions.Awaiting(() => new Trainer(options).FitAsync(model, job.Train, Loss.CrossEntropy, new Optimizers.Adam(model)))
                .Should().ThrowAsync<NonFiniteException>()).Which;
            (error.Step, error.Path, error.Op).Should().Be((7, "tail", "Log"));
            model.Parameters.Should().OnlyContain(parameter => parameter.Value.ToArray<float>().All(float.IsFinite));
        }
    }

    private static Dictionary<string, double> Measure(string device)
    {
        using AmbientChange on = Device.Use(device);
        using AmbientChange use = new RandomGenerator(9).Use();
        using TensorScope scope = new("test");
        Metric[] classes =
        [
            new Accuracy(), new TopKAccuracy(2), new Perplexity(), new ConfusionMatrix(4),
            .. Enum.GetValues<Averaging>().SelectMany(averaging => new Metric[]
            {
                new PrecisionScore(4, averaging) { Name = $"precision {averaging}" }, new RecallScore(4, averaging) { Name = $"recall {averaging}" },
                new F1Score(4, averaging) { Name = $"f1 {averaging}" },
            }),
        ];
        Metric[] rankings = [new Auroc(), new AveragePrecision()], numbers = [new MeanAbsoluteError(), new MeanSquaredError(), new R2Score()];
        Average average = new();
        foreach (int rows in new[] { 40, 40, 7 })
        {
            Tensor logits = Tensor.Normal([rows, 4]), labels = (logits + Tensor.Normal([rows, 4])).ArgMax(1), scores = logits[.., 0], targets = scores + Tensor.Normal([rows]);
            Array.ForEach(classes, metric => metric.Update(logits, labels));
            Array.ForEach(rankings, metric => metric.Update(scores, (targets > 0).Cast(DType.Int64)));
            Array.ForEach(numbers, metric => metric.Update(scores, targets));
            average.Update(scores);
        }

        return new Metric[][] { classes, rankings, numbers, [average] }.SelectMany(metrics => metrics).ToDictionary(metric => metric.Name, metric => metric.Compute());
    }
}

/// <summary>Goes wrong in its seventh call.</summary>
internal sealed partial class Faulty(Module<Tensor, Tensor> body) : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> _body = body;
    private readonly FaultyTail _tail = new();

    protected override Tensor Forward(Tensor x) => _tail.Call(_body.Call(x));
}

internal sealed partial class FaultyTail : Module<Tensor, Tensor>
{
    private readonly Variable _calls = new(Tensor.Zeros([]));

    protected override Tensor Forward(Tensor x)
    {
        _calls.Assign(_calls.Value + 1);
        return x + (((_calls.Value < 7).Cast(DType.Float32) * 2) - 1).Log();
    }
}
