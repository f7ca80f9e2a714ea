using System.Text.Json.Nodes;
using DeepBridge.Checkpoints;
using DeepBridge.Data;
using DeepBridge.Optimizers;
using DeepBridge.Schedules;
using DeepBridge.Training;

namespace DeepBridge.Tests.Training;

public sealed class ResumeTests
{
    private static readonly TrainerOptions s_full = new()
    {
        Epochs = 4,
        Accumulate = 2,
        AverageDecay = 0.9,
        ClipNorm = 1,
        ValidateEverySteps = 3,
        Seed = 7,
    };

    /// <summary>16 steps of two batches, four an epoch: within an epoch, at its end, and in the next one.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(6)]
    [InlineData(9)]
    [InlineData(15)]
    public async Task A_run_stopped_at_a_step_and_resumed_equals_one_never_stopped_bitwise(int steps)
    {
        using TemporaryFolder folder = new();
        Bench whole = Make();
        TrainingResult expected = await whole.Fit(s_full, validate: true);
        TrainerOptions saving = s_full with { Checkpoints = new CheckpointStore(folder.Path) };
        await Make().Fit(saving with { MaxSteps = steps }, validate: true);

        Bench resumed = Make(seed: 99);
        TrainingResult result = await resumed.Fit(saving with { Resume = true }, validate: true);
        Bench.ShouldEqual(Without(resumed.Bits()), Without(whole.Bits()));
        result.Measures.Should().Equal(expected.Measures);
        result.Should().BeEquivalentTo(new { Reason = StopReason.Epochs, Epochs = 4, Steps = 16L });
        IEnumerable<(long, bool)> rest = expected.History.Where(report => report.Step > steps).Select(report => (report.Step, report.EndsEpoch));
        result.History.Select(report => (report.Step, report.EndsEpoch)).Should().Equal(rest);
    }

    [Fact]
    public async Task Cancelled_between_two_batches_of_one_step_it_saves_and_the_resumed_run_is_the_same()
    {
        using TemporaryFolder folder = new();
        Bench whole = Make(), cancelled = Make(), resumed = Make();
        TrainingResult expected = await whole.Fit(s_full with { MeasureTraining = true });
        TrainerOptions saving = s_full with { MeasureTraining = true, Checkpoints = new CheckpointStore(folder.Path) };
        ListLogger logger = new();
        using CancellationTokenSource source = new();
        int batches = 0;
        Func<Task> fit = () => Fit(cancelled, saving with { Logger = logger }, () =>
        {
            if (++batches == 12)
            {
                source.Cancel();
            }
        }, source.Token);
        await fit.Should().ThrowAsync<OperationCanceledException>();
        logger.Lines.Select(line => line.Event.Id).Should().Contain(7).And.Contain(5);
        new CheckpointStore(folder.Path).Latest()!.Step.Should().Be(6);

        TrainingResult result = await Fit(resumed, saving with { Resume = true }, () => batches++, default);
        batches.Should().Be(28, "no batch is seen twice");
        Bench.ShouldEqual(Without(resumed.Bits()), Without(whole.Bits()));
        result.Measures["loss"].Should().Be(expected.Measures["loss"]);

        static Task<TrainingResult> Fit(Bench bench, TrainerOptions options, Action seen, CancellationToken token) => new Trainer(options).FitAsync(
            bench.Model,
            bench.Train,
            batch =>
            {
                seen();
                return Loss.CrossEntropy(bench.Model.Call(batch.Inputs), batch.Labels);
            },
            bench.Optimizer,
            cancellationToken: token);
    }

    [Fact]
    public async Task Cancelled_in_the_validation_of_an_epoch_the_resumed_run_validates_it()
    {
        using TemporaryFolder folder = new();
        TrainerOptions options = new() { Epochs = 2, Checkpoints = new CheckpointStore(folder.Path), AverageDecay = 0.5 };
        Bench whole = new(), cancelled = new(), resumed = new();
        TrainingResult expected = await whole.Fit(options with { Checkpoints = null }, validate: true);
        using CancellationTokenSource source = new();
        Func<Task> fit = async () =>
        {
            using AmbientChange generator = cancelled.Generator.Use();
            await new Trainer(options).FitAsync(
                cancelled.Model,
                cancelled.Train,
                batch =>
                {
                    if (!cancelled.Model.IsTraining)
                    {
                        source.Cancel();
                    }

                    return Loss.CrossEntropy(cancelled.Model.Call(batch.Inputs), batch.Labels);
                },
                cancelled.Optimizer,
                cancelled.Test,
                cancellationToken: source.Token);
        };
        await fit.Should().ThrowAsync<OperationCanceledException>();
        TrainingResult result = await resumed.Fit(options with { Resume = true }, validate: true);
        result.History.Select(report => report.Measures["validation_loss"]).Should().Equal(
            expected.History.Select(report => report.Measures["validation_loss"]));
        Bench.ShouldEqual(resumed.Bits(), whole.Bits());
    }

    [Fact]
    public async Task A_token_that_is_cancelled_from_the_start_trains_nothing()
    {
        Bench bench = new();
        Dictionary<string, byte[]> before = bench.Bits();
        await FluentActions.Awaiting(() => bench.Fit(new TrainerOptions(), cancellationToken: new CancellationToken(true)))
            .Should().ThrowAsync<OperationCanceledException>();
        Bench.ShouldEqual(bench.Bits(), before);
    }

    [Fact]
    public async Task Checkpoints_come_as_often_as_asked_with_the_measures_of_their_report()
    {
        using TemporaryFolder folder = new();
        CheckpointStore store = new(folder.Path, new CheckpointRetention { Last = 20, BestBy = "validation_loss" });
        TrainingResult result = await new Bench().Fit(
            new TrainerOptions { Epochs = 3, Checkpoints = store, SaveEverySteps = 5, SaveEveryEpochs = 2 }, validate: true);
        store.List().Select(checkpoint => (checkpoint.Step, checkpoint.Epoch)).Should().Equal((5, 0), (10, 1), (14, 2), (15, 2), (20, 2), (21, 3));
        store.List()[^1].Scores.Should().Equal(result.Measures);
        store.List()[0].Scores.Should().BeEmpty();
        TrainingResult again = await new Bench().Fit(
            new TrainerOptions { Epochs = 3, Checkpoints = store, Resume = true }, validate: true);
        again.Should().BeEquivalentTo(new { Epochs = 3, Steps = 21L, Reason = StopReason.Epochs });
        again.History.Should().BeEmpty();
    }

    [Fact]
    public async Task A_checkpoint_of_somebody_else_is_a_typed_error()
    {
        using TemporaryFolder folder = new();
        CheckpointStore store = new(folder.Path);
        Bench bench = new();
        TrainingState state = new TrainingState().Add("model", bench.Model).Add("optimizer", bench.Optimizer).Add("generator", bench.Generator)
            .Add("totals", () => [("loss_sum", new Variable(Tensor.Zeros([], DType.Float64)))]);
        TrainerOptions options = new() { Checkpoints = store, Resume = true };
        string[] values =
        [
            "{}",
            """{"batch":0,"gathered":0,"examples":0,"validated_at":0,"train":{"seed":1,"epoch":0,"position":99}}""",
            """{"batch":99999999999,"gathered":0,"examples":0,"validated_at":0,"train":{"seed":1,"epoch":0,"position":0}}""",
        ];
        foreach (string json in values)
        {
            state.Step++;
            foreach ((string key, JsonNode? node) in JsonNode.Parse(json)!.AsObject())
            {
                state.Values[key] = node?.DeepClone();
            }

            store.Save(state);
            await FluentActions.Awaiting(() => bench.Fit(options)).Should().ThrowAsync<FileFormatException>();
        }
    }

    [Fact]
    public async Task Early_stopping_goes_on_waiting_and_keeps_its_best_weights_when_resumed()
    {
        using TemporaryFolder folder = new();
        TrainerOptions options = new() { Epochs = 9, Checkpoints = new CheckpointStore(folder.Path) };
        EarlyStopping Stopping() => new(patience: 2, minimumChange: 10, restoreBest: true);
        Bench whole = new(), first = new(), second = new();
        TrainingResult expected = await whole.Fit(options with { Callbacks = [Stopping()], Checkpoints = null });
        await first.Fit(options with { Callbacks = [Stopping()], MaxSteps = 17 });
        TrainingResult result = await second.Fit(options with { Callbacks = [Stopping()], Resume = true });
        (result.Epochs, result.Reason).Should().Be((expected.Epochs, StopReason.Callback));
        result.Epochs.Should().Be(4);
        Bench.ShouldEqual(second.Bits(), whole.Bits());
    }

    private static Bench Make(long seed = 0)
    {
        // The generator of the run is the options' own: what was drawn before must not matter.
        using AmbientChange generator = new RandomGenerator(seed).Use();
        Bench bench = new();
        bench.Optimizer = new AdamW(bench.Model, 1e-2) { Schedule = new WarmUp(3, new CosineSchedule(1e-2, 16)) };
        return bench;
    }

    private static Dictionary<string, byte[]> Without(Dictionary<string, byte[]> bits) =>
        bits.Where(pair => pair.Key != "generator").ToDictionary();
}
