using DeepBridge.Data;
using DeepBridge.Memory;
using DeepBridge.Optimizers;
using DeepBridge.Training;

namespace DeepBridge.Tests.Training;

public sealed class FitTests
{
    [Fact]
    public async Task Fit_makes_the_steps_of_the_hand_written_loop_bitwise()
    {
        Bench fitted = new(), byHand = new();
        TrainingResult result = await fitted.Fit(new TrainerOptions { Epochs = 2 });
        using (byHand.Generator.Use())
        {
            for (int epoch = 0; epoch < 2; epoch++)
            {
                foreach ((Tensor inputs, Tensor labels) in byHand.Train)
                {
                    Tensor loss = Loss.CrossEntropy(byHand.Model.Call(inputs), labels);
                    byHand.Optimizer.Step(Gradients.Of(loss, byHand.Model.Parameters));
                }
            }
        }

        Bench.ShouldEqual(fitted.Bits(), byHand.Bits());
        result.Should().BeEquivalentTo(new { Reason = StopReason.Epochs, Epochs = 2, Steps = 14L });
        result.History.Select(report => report.Epoch).Should().Equal(1, 2);
    }

    [Fact]
    public async Task The_reported_loss_is_the_mean_over_the_examples_also_with_a_short_last_batch()
    {
        Bench bench = new(() => new Line(), shuffle: false);
        bench.Optimizer = new Sgd(bench.Model, 0);
        TrainingResult result = await bench.Fit(new TrainerOptions(), validate: true);
        using TensorScope scope = new();
        double expected = Loss.CrossEntropy(bench.Model.Call(Whole(bench.Train, 0)), Whole(bench.Train, 1)).Item();
        result.Measures["loss"].Should().BeApproximately(expected, 1e-6);
        IReadOnlyDictionary<string, double> measured = await new Trainer().EvaluateAsync(
            bench.Model, bench.Test, Loss.CrossEntropy);
        measured["loss"].Should().Be(result.Measures["validation_loss"]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task The_count_of_live_tensors_is_the_same_after_every_step(int accumulate)
    {
        Bench bench = new(size: 5);
        List<long> counts = [];
        await bench.Fit(new TrainerOptions
        {
            Epochs = 4,
            Accumulate = accumulate,
            AverageDecay = 0.9,
            ClipNorm = 1,
            ReadInterval = TimeSpan.Zero,
            Callbacks = [new Hooks { Step = _ => counts.Add(LiveTensors.Count) }],
        });
        counts.Skip(5).Distinct().Should().ContainSingle();
        counts.Should().HaveCount(40 / accumulate);
    }

    [Fact]
    public async Task A_model_of_any_shape_is_trained_by_a_function_of_the_batch()
    {
        Bench bench = new(() => new Line());
        using Tensor rows = Tensor.Normal([12, 4]);
        int called = 0;
        TrainingResult result = await new Trainer(new TrainerOptions { Epochs = 3 }).FitAsync(
            bench.Model,
            Batches.Of(rows, 5),
            batch =>
            {
                called++;
                return bench.Model.Call(batch).Pow(2).Mean();
            },
            bench.Optimizer);
        called.Should().Be(9);
        result.Steps.Should().Be(9);
        result.History[^1].Measures["loss"].Should().BeLessThan(result.History[0].Measures["loss"]);
    }

    [Fact]
    public async Task Smoke_runs_two_batches_of_each_and_saves_nothing()
    {
        using TemporaryFolder folder = new();
        Bench bench = new();
        int validated = 0, trained = 0;
        TrainingResult result = await new Trainer(new TrainerOptions { Epochs = 9, Smoke = true, Checkpoints = new(folder.Path) }).FitAsync(
            bench.Model,
            bench.Train,
            batch =>
            {
                _ = bench.Model.IsTraining ? trained++ : validated++;
                return Loss.CrossEntropy(bench.Model.Call(batch.Inputs), batch.Labels);
            },
            bench.Optimizer,
            bench.Test);
        (trained, validated).Should().Be((2, 2));
        result.Should().BeEquivalentTo(new { Reason = StopReason.Epochs, Epochs = 1, Steps = 2L });
        result.Measures.Should().ContainKeys("loss", "validation_loss");
        Directory.EnumerateFileSystemEntries(folder.Path).Should().BeEmpty();
    }

    [Fact]
    public async Task Limits_of_steps_and_of_time_end_training_within_an_epoch()
    {
        TrainingResult steps = await new Bench().Fit(new TrainerOptions { Epochs = 5, MaxSteps = 10 });
        steps.Should().BeEquivalentTo(new { Reason = StopReason.Steps, Epochs = 1, Steps = 10L });
        ManualClock clock = new();
        TrainingResult time = await new Bench().Fit(new TrainerOptions
        {
            Epochs = 5,
            MaxTime = TimeSpan.FromSeconds(3),
            Clock = clock,
            Callbacks = [new Hooks { Step = _ => clock.Now += TimeSpan.FromSeconds(1) }],
        });
        time.Should().BeEquivalentTo(new { Reason = StopReason.Time, Epochs = 0, Steps = 3L, Elapsed = TimeSpan.FromSeconds(3) });
    }

    [Fact]
    public async Task A_limit_at_the_end_of_an_epoch_still_reports_it()
    {
        TrainingResult result = await new Bench().Fit(new TrainerOptions { Epochs = 5, MaxSteps = 7 }, validate: true);
        result.Should().BeEquivalentTo(new { Reason = StopReason.Steps, Epochs = 1, Steps = 7L });
        result.Measures.Should().ContainKey("validation_loss");
    }

    [Fact]
    public async Task The_device_is_read_a_few_times_a_second_and_the_rates_are_those_between_two_reads()
    {
        ManualClock clock = new();
        List<(long Step, double Steps, double Examples)> reads = [];
        await new Bench(size: 10).Fit(new TrainerOptions
        {
            Epochs = 2,
            Clock = clock,
            ReadInterval = TimeSpan.FromSeconds(1),
            Callbacks =
            [
                new Hooks { Step = _ => clock.Now += TimeSpan.FromSeconds(0.5) },
                new Hooks { Read = run => reads.Add((run.Step, run.StepsPerSecond, run.ExamplesPerSecond)) },
            ],
        });
        reads.Should().Equal((2, 2, 20), (4, 2, 20), (5, 2, 20), (7, 2, 20), (9, 2, 20), (10, 2, 20));
    }

    [Fact]
    public async Task Validation_comes_as_often_as_asked_and_leaves_the_modes_as_they_were()
    {
        Bench bench = new();
        bench.Model.Children().First(child => child.Name == "norm").Module.Eval();
        TrainingResult result = await bench.Fit(new TrainerOptions { Epochs = 2, ValidateEveryEpochs = 2, ValidateEverySteps = 3 }, validate: true);
        result.History.Select(report => (report.Step, report.EndsEpoch, report.Measures.ContainsKey("validation_loss"))).Should().Equal(
            (3, false, true), (6, false, true), (7, true, false), (9, false, true), (12, false, true), (14, true, true));
        bench.Model.IsTraining.Should().BeTrue();
        bench.Model.Children().Select(child => child.Module.IsTraining).Should().Equal(true, false, true, true);
    }

    [Fact]
    public async Task Predictions_lie_one_behind_another_and_belong_to_the_caller()
    {
        Bench bench = new();
        using Tensor rows = Tensor.Normal([7, 4]);
        Tensor predicted;
        long before;
        using (TensorScope scope = new("test"))
        {
            before = LiveTensors.Count;
            predicted = await new Trainer().PredictAsync(bench.Model, Batches.Of(rows, 3));
            predicted.Shape.Should().Be(Shape.Create([7, 3]));
            bench.Model.IsTraining.Should().BeTrue();
            LiveTensors.Count.Should().Be(before + 1);
            bench.Model.Eval();
            predicted.ToArray<float>().Should().Equal(bench.Model.Call(rows).ToArray<float>(), (left, right) => Math.Abs(left - right) < 1e-6);
        }

        predicted.IsReleased.Should().BeTrue();
        List<int> sizes = [];
        await new Trainer().PredictAsync(bench.Model, Batches.Of(rows, 3), output => sizes.Add(output.Shape[0]));
        sizes.Should().Equal(3, 3, 1);
    }

    [Fact]
    public async Task Options_out_of_range_and_empty_data_are_refused_before_anything_is_computed()
    {
        (TrainerOptions Options, string Name)[] wrong =
        [
            (new() { Epochs = -1 }, "Epochs"), (new() { Accumulate = 0 }, "Accumulate"), (new() { AverageDecay = 1 }, "AverageDecay"),
            (new() { ClipNorm = 0 }, "ClipNorm"), (new() { Resume = true }, "Resume"), (new() { EndWithAverages = true }, "EndWithAverages"),
        ];
        foreach ((TrainerOptions options, string name) in wrong)
        {
            await FluentActions.Awaiting(() => new Bench().Fit(options)).Should().ThrowAsync<InvalidAttributeException>().WithMessage($"*{name}*");
        }

        Bench bench = new();
        using Tensor few = Tensor.Zeros([2, 4]);
        Batches<Tensor> none = Batches.Of(few, 3, dropLast: true), some = Batches.Of(few, 2);
        Task Fit(Batches<Tensor> train, Batches<Tensor> validation) =>
            new Trainer().FitAsync(bench.Model, train, batch => bench.Model.Call(batch).Sum(), bench.Optimizer, validation);
        await FluentActions.Awaiting(() => Fit(none, some)).Should().ThrowAsync<ArgumentException>().WithMessage("*training*no batches*");
        await FluentActions.Awaiting(() => Fit(some, none)).Should().ThrowAsync<ArgumentException>().WithMessage("*validation*no batches*");
        await FluentActions.Awaiting(() => new Trainer().EvaluateAsync(bench.Model, none, batch => bench.Model.Call(batch).Sum()))
            .Should().ThrowAsync<ArgumentException>().WithMessage("*no data*");
    }

    [Fact]
    public async Task What_cannot_walk_a_batch_is_refused_by_name_before_the_first_step()
    {
        Bench bench = new();
        Dictionary<string, byte[]> before = bench.Bits();
        int steps = 0;
        DataLoader<int, Box> boxes = new(Dataset.Of<int>([1, 2, 3]), samples => device => new Box(Tensor.Ones([samples.Count + 1, 4], device: device)), new DataLoaderOptions { BatchSize = 1 });
        Task Fit(TrainerOptions options) => new Trainer(options).FitAsync(
            bench.Model,
            boxes,
            box =>
            {
                steps++;
                return bench.Model.Call(box.Content).Sum();
            },
            bench.Optimizer);
        (await FluentActions.Awaiting(() => Fit(new() { Compile = true })).Should().ThrowAsync<InvalidAttributeException>()).WithMessage("*Compile*Box*");
        (await FluentActions.Awaiting(() => Fit(new() { StopOnNonFinite = true })).Should().ThrowAsync<InvalidAttributeException>()).WithMessage("*StopOnNonFinite*Box*");
        Bench.ShouldEqual(bench.Bits(), before);
        steps.Should().Be(0);
        await Fit(new());
        steps.Should().Be(3);
    }

    private sealed record Box(Tensor Content);

    private static Tensor Whole(Batches batches, int part)
    {
        List<Tensor> parts = [];
        foreach ((Tensor inputs, Tensor labels) in batches)
        {
            parts.Add(TensorScope.Current!.Keep(part == 0 ? inputs : labels));
        }

        return Tensor.Concat([.. parts]);
    }
}
