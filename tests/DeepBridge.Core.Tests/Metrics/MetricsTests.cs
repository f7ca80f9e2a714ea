using System.Text.Json;
using DeepBridge.Checkpoints;
using DeepBridge.Graphs;
using DeepBridge.Memory;
using DeepBridge.Metrics;

namespace DeepBridge.Tests.Metrics;

/// <summary>Metrics against scikit-learn, whole and batch by batch; their state; what they refuse.</summary>
public sealed class MetricsTests
{
    private static readonly JsonElement s_golden = Golden();

    public static TheoryData<string> ClassCases => Names("classes");

    public static TheoryData<string> RankingCases => Names("ranking");

    public static TheoryData<string> RegressionCases => Names("regression");

    public static TheoryData<string> ScoreCases => Names("scores");

    [Theory]
    [MemberData(nameof(ClassCases))]
    public void Scores_of_classes_are_scikit_learns(string name)
    {
        JsonElement golden = Case("classes", name), expected = golden.GetProperty("expected"), perClass = golden.GetProperty("perClass");
        int classes = golden.GetProperty("classes").GetInt32();
        Tensor targets = Longs(golden, "targets"), predictions = Longs(golden, "predictions");
        Near(Fed(new Accuracy(), predictions, targets), Number(expected, "accuracy"));
        foreach (Averaging averaging in Enum.GetValues<Averaging>())
        {
            string suffix = averaging.ToString().ToLowerInvariant();
            ClassScore[] scores = [new PrecisionScore(classes, averaging), new RecallScore(classes, averaging), new F1Score(classes, averaging)];
            foreach (ClassScore score in scores)
            {
                Near(Fed(score, predictions, targets), Number(expected, $"{score.Name}_{suffix}"));
                score.PerClass().Zip(Numbers(perClass, score.Name)).Should().OnlyContain(pair => Math.Abs(pair.First - pair.Second) < 1e-12);
            }
        }

        ConfusionMatrix matrix = new(classes);
        Near(Fed(matrix, predictions, targets), Number(expected, "accuracy"));
        matrix.Counts().Cast<long>().Should().Equal(Numbers(golden, "confusion").Select(count => (long)count));
    }

    [Theory]
    [MemberData(nameof(RankingCases))]
    public void Rankings_are_scikit_learns(string name)
    {
        JsonElement golden = Case("ranking", name);
        Tensor targets = Longs(golden, "targets"), scores = Floats(golden, "scores");
        Near(Fed(new Auroc(), scores, targets), Number(golden, "auroc"));
        Near(Fed(new AveragePrecision(), scores.Cast(DType.Float64), targets == 1), Number(golden, "averagePrecision"));
    }

    [Theory]
    [MemberData(nameof(RegressionCases))]
    public void Errors_are_scikit_learns(string name)
    {
        JsonElement golden = Case("regression", name);
        Tensor targets = Floats(golden, "targets"), predictions = Floats(golden, "predictions");
        Near(Fed(new MeanAbsoluteError(), predictions, targets), Number(golden, "mae"));
        Near(Fed(new MeanSquaredError(), predictions, targets), Number(golden, "mse"));
        Near(Fed(new R2Score(), predictions, targets), Number(golden, "r2"), 1e-9);
    }

    [Theory]
    [MemberData(nameof(ScoreCases))]
    public void Top_k_and_perplexity_are_scikit_learns(string name)
    {
        JsonElement golden = Case("scores", name);
        Tensor targets = Longs(golden, "targets");
        Tensor logits = Floats(golden, "logits").Reshape((int)targets.Count, golden.GetProperty("classes").GetInt32());
        double[] top = Numbers(golden, "top");
        for (int k = 1; k <= top.Length; k++)
        {
            Near(Fed(new TopKAccuracy(k), logits, targets), top[k - 1]);
        }

        Near(Fed(new Accuracy(), logits, targets), top[0]);
        Near(Fed(new Perplexity(), logits, targets), Number(golden, "perplexity"), 1e-6);
    }

    [Fact]
    public void Nothing_added_is_nan_also_after_a_reset_and_empty_batches_change_nothing()
    {
        Tensor none = Tensor.Zeros([0]), labels = Tensor.Zeros([0], DType.Int64);
        foreach (Metric metric in All())
        {
            metric.Compute().Should().Be(double.NaN, metric.Name);
            Tensor empty = metric is TopKAccuracy or Perplexity ? Tensor.Zeros([0, 2]) : none;
            metric.Update(empty, labels);
            metric.Compute().Should().Be(double.NaN, metric.Name);
            Feed(metric);
            double value = metric.Compute();
            metric.Update(empty, labels);
            metric.Compute().Should().Be(value).And.NotBe(double.NaN);
            metric.Reset();
            metric.Compute().Should().Be(double.NaN, metric.Name);
            Feed(metric);
            metric.Compute().Should().Be(value, metric.Name);
        }
    }

    [Fact]
    public void State_survives_a_checkpoint_in_the_middle()
    {
        using TemporaryFile file = new();
        foreach ((Metric whole, Metric resumed) in All().Zip(All()))
        {
            Feed(whole);
            Safetensors.Save(file.Path, whole.State());
            Feed(resumed);
            using (SafetensorsFile saved = SafetensorsFile.Open(file.Path))
            {
                resumed.Restore(saved.Entries.Keys.ToDictionary(key => key, key => saved.Read(key)));
            }

            resumed.Compute().Should().Be(whole.Compute(), whole.Name);
            Feed(whole, 0.7f);
            Feed(resumed, 0.7f);
            resumed.Compute().Should().Be(whole.Compute(), whole.Name);
            FluentActions.Invoking(() => resumed.Restore(new Dictionary<string, Tensor>())).Should().Throw<KeyNotFoundException>();
        }
    }

    [Fact]
    public void Updates_leave_nothing_behind_record_nothing_and_read_nothing_back()
    {
        foreach (Metric metric in All())
        {
            Feed(metric);
            using TensorScope outer = new();
            Tensor scores = Tensor.From<float>([0.2f, 0.9f]).Track(), targets = Tensor.From<long>([0, 1]);
            Tensor predictions = metric is TopKAccuracy or Perplexity ? Tensor.Stack([1 - scores, scores], 1) : scores;
            long before = LiveTensors.Count;
            metric.Update(predictions, targets);
            metric.Update(predictions, targets);

            // A ranking keeps the scores, which are the caller's own, and the targets as bools, until it is reset.
            LiveTensors.Count.Should().Be(before + (metric is RankingMetric ? 2 : 0), metric.Name);
            metric.State().Values.Should().OnlyContain(tensor => !tensor.IsTracked);
            metric.Reset();
        }
    }

    [Fact]
    public void Updates_can_be_part_of_a_traced_step_but_for_rankings()
    {
        TensorSpec[] specs = [new([3], DType.Float32), new([3], DType.Int64)];
        Tensor scores = Tensor.From<float>([0.2f, 0.9f, 0.6f]), targets = Tensor.From<long>([0, 1, 0]);
        foreach ((Metric traced, Metric eager) in All().Zip(All()))
        {
            Func<Tensor[], Tensor[]> step = inputs =>
            {
                Tensor score = inputs[0];
                traced.Update(traced is TopKAccuracy or Perplexity ? Tensor.Stack([1 - score, score], 1) : score, inputs[1]);
                return [score];
            };
            if (traced is RankingMetric)
            {
                FluentActions.Invoking(() => Graph.Trace(step, specs)).Should().Throw<TracingException>().WithMessage("*outside*");
                continue;
            }

            Graph graph = Graph.Trace(step, specs);
            traced.Reset();
            for (int i = 0; i < 2; i++)
            {
                graph.Run(scores, targets);
                eager.Update(eager is TopKAccuracy or Perplexity ? Tensor.Stack([1 - scores, scores], 1) : scores, targets);
            }

            traced.Compute().Should().Be(eager.Compute(), traced.Name).And.NotBe(double.NaN);
        }
    }

    [Fact]
    public void Ignored_labels_count_for_nothing()
    {
        Tensor logits = Tensor.From<float>([0, 1, 2, 0, 0, 3]).Reshape(3, 2), targets = Tensor.From<long>([1, -100, 0]);
        Fed(new Accuracy(), logits, targets).Should().Be(0.5);
        Fed(new Accuracy(ignoreIndex: null), logits, targets).Should().BeApproximately(1 / 3.0, 1e-12);
        Fed(new TopKAccuracy(1), logits, targets).Should().Be(0.5);
        double expected = Math.Exp((Math.Log(1 + Math.Exp(-1)) + Math.Log(1 + Math.Exp(3))) / 2);
        Fed(new Perplexity(), logits, targets).Should().BeApproximately(expected, 1e-6);
    }

    [Fact]
    public void Ties_and_nan_of_top_k_follow_argmax()
    {
        Tensor logits = Tensor.From<float>([1, 1, 1, float.NaN, 0, -1]).Reshape(2, 3);
        Fed(new TopKAccuracy(1), logits, Tensor.From<long>([0, 0])).Should().Be(0.5);
        Fed(new TopKAccuracy(2), logits, Tensor.From<long>([2, 1])).Should().Be(0.5);
        Fed(new TopKAccuracy(3), logits, Tensor.From<long>([2, 2])).Should().Be(1);
        Fed(new Auroc(), Tensor.From<float>([1, float.NaN]), Tensor.From<long>([0, 1])).Should().Be(double.NaN);
    }

    [Fact]
    public void Scores_may_have_more_axes_and_probabilities_two_classes()
    {
        Tensor pixels = Tensor.From<float>([0, 1, 1, 0, 1, 0, 0, 1]).Reshape(1, 2, 4), labels = Tensor.From<long>([1, 0, 0, 0]).Reshape(1, 4);
        Fed(new Accuracy(), pixels, labels).Should().Be(0.75);
        Fed(new Accuracy(), Tensor.From<float>([0.5f, 0.6f]), Tensor.From<float>([0, 1])).Should().Be(1);
        Average mean = new("loss");
        mean.Update(Tensor.From<float>([1, 2]));
        mean.Update(Tensor.From<float>([6]), Tensor.From<float>([2]));
        mean.Compute().Should().Be(3.75);
        mean.Name.Should().Be("loss");
    }

    [Fact]
    public void What_does_not_fit_is_refused_and_changes_nothing()
    {
        Tensor three = Tensor.Zeros([3], DType.Int64), two = Tensor.Zeros([2], DType.Int64), five = Tensor.From<long>([5, 0, 0]);
        foreach (Metric metric in All())
        {
            Feed(metric);
            double before = metric.Compute();
            FluentActions.Invoking(() => metric.Update(three.Cast(DType.Float32), two)).Should().Throw<ShapeMismatchException>(metric.Name);
            metric.Compute().Should().Be(before, metric.Name);
        }

        foreach (Metric metric in new Metric[] { new ConfusionMatrix(2), new F1Score(2) })
        {
            FluentActions.Invoking(() => metric.Update(five, three)).Should().Throw<ValueOutOfBoundsException>();
            FluentActions.Invoking(() => metric.Update(three, five)).Should().Throw<ValueOutOfBoundsException>();
            metric.Compute().Should().Be(double.NaN);
        }

        FluentActions.Invoking(() => new TopKAccuracy(0)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new F1Score(2, (Averaging)9)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new ConfusionMatrix(2).Restore(new ConfusionMatrix(3).State())).Should().Throw<ShapeMismatchException>();
    }

    private static Metric[] All() =>
    [
        new Accuracy(), new TopKAccuracy(1), new PrecisionScore(2), new RecallScore(2, Averaging.Micro), new F1Score(2, Averaging.Weighted),
        new ConfusionMatrix(2), new Auroc(), new AveragePrecision(), new MeanAbsoluteError(), new MeanSquaredError(), new R2Score(),
        new Perplexity(), new Average(),
    ];

    private static void Feed(Metric metric, float score = 0.3f)
    {
        Tensor scores = Tensor.From<float>([score, 0.8f, 0.4f, 0.1f]), targets = Tensor.From<long>([0, 1, 1, 0]);
        metric.Update(metric is TopKAccuracy or Perplexity ? Tensor.Stack([1 - scores, scores], 1) : scores, targets);
    }

    /// <summary>The metric of a whole batch, after a check that the same in parts is the same number.</summary>
    private static double Fed(Metric metric, Tensor predictions, Tensor targets)
    {
        int rows = targets.Shape[0];
        metric.Reset();
        metric.Update(predictions, targets);
        double whole = metric.Compute();
        metric.Reset();
        metric.Update(predictions[..(rows / 3)], targets[..(rows / 3)]);
        metric.Update(predictions[(rows / 3)..], targets[(rows / 3)..]);
        Near(metric.Compute(), whole, 1e-9);
        return whole;
    }

    private static void Near(double actual, double expected, double tolerance = 1e-12)
    {
        if (double.IsNaN(expected))
        {
            actual.Should().Be(double.NaN);
        }
        else
        {
            actual.Should().BeApproximately(expected, tolerance * Math.Max(1, Math.Abs(expected)));
        }
    }

    private static JsonElement Golden()
    {
        using Stream stream = typeof(MetricsTests).Assembly.GetManifestResourceStream("metrics.json")!;
        return JsonDocument.Parse(stream).RootElement;
    }

    private static TheoryData<string> Names(string kind) =>
        [.. s_golden.GetProperty(kind).EnumerateArray().Select(each => each.GetProperty("name").GetString()!)];

    private static JsonElement Case(string kind, string name) =>
        s_golden.GetProperty(kind).EnumerateArray().Single(each => each.GetProperty("name").GetString() == name);

    private static double[] Numbers(JsonElement golden, string key) => [.. golden.GetProperty(key).EnumerateArray().Select(each => each.GetDouble())];

    private static Tensor Longs(JsonElement golden, string key) => Tensor.From(Numbers(golden, key).Select(number => (long)number).ToArray());

    private static Tensor Floats(JsonElement golden, string key) => Tensor.From(Numbers(golden, key).Select(number => (float)number).ToArray());

    private static double Number(JsonElement golden, string key) =>
        golden.GetProperty(key) is { ValueKind: JsonValueKind.Number } number ? number.GetDouble() : double.NaN;
}
