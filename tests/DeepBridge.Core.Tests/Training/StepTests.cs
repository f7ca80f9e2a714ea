using DeepBridge.Data;
using DeepBridge.Layers;
using DeepBridge.Optimizers;
using DeepBridge.Training;
using Microsoft.Extensions.Logging;

namespace DeepBridge.Tests.Training;

public sealed class StepTests
{
    [Fact]
    public async Task Accumulated_batches_step_as_one_large_batch()
    {
        // 50 rows: four batches of 10 and a step for the last one alone, against batches of 40 and 10.
        Bench small = new(() => new Line(), shuffle: false, size: 10), large = new(() => new Line(), shuffle: false, size: 40);
        TrainingResult accumulated = await small.Fit(new TrainerOptions { Accumulate = 4, Epochs = 3 });
        TrainingResult whole = await large.Fit(new TrainerOptions { Epochs = 3 });
        (accumulated.Steps, whole.Steps).Should().Be((6, 6));
        ShouldBeClose(small, large);
    }

    [Fact]
    public async Task Accumulated_batches_of_different_size_count_by_their_examples()
    {
        Bench small = new(() => new Line(), shuffle: false, size: 30), large = new(() => new Line(), shuffle: false, size: 50);
        await small.Fit(new TrainerOptions { Accumulate = 2 });
        await large.Fit(new TrainerOptions());
        ShouldBeClose(small, large);
    }

    [Fact]
    public async Task Gradients_are_clipped_by_value_and_then_by_norm()
    {
        Bench fitted = new(() => new Line()), byHand = new(() => new Line());
        fitted.Optimizer = new Sgd(fitted.Model, 1);
        byHand.Optimizer = new Sgd(byHand.Model, 1);
        await fitted.Fit(new TrainerOptions { MaxSteps = 3, ClipValue = 0.05, ClipNorm = 0.06 });
        foreach ((Tensor inputs, Tensor labels) in byHand.Train.Take(3))
        {
            Tensor loss = Loss.CrossEntropy(byHand.Model.Call(inputs), labels);
            Gradients gradients = Gradients.Of(loss, byHand.Model.Parameters);
            byHand.Optimizer.Step(gradients.ClipValue(0.05).ClipNorm(0.06));
        }

        ShouldBeClose(fitted, byHand);
    }

    [Fact]
    public async Task Averages_follow_their_formula_and_validation_and_the_end_use_them()
    {
        const double Decay = 0.75;
        Bench bench = new(() => new Line());
        Variable weight = bench.Model.NamedVariables().First().Variable;
        double[] average = Values(weight);
        double[]? last = null;
        TrainingResult result = await bench.Fit(
            new TrainerOptions
            {
                AverageDecay = Decay,
                EndWithAverages = true,
                Callbacks =
                [
                    new Hooks
                    {
                        Step = _ =>
                        {
                            double[] now = Values(weight);
                            for (int i = 0; i < now.Length; i++)
                            {
                                average[i] = (Decay * average[i]) + ((1 - Decay) * now[i]);
                            }
                        },
                        Report = (_, _) => last = Values(weight),
                    },
                ],
            },
            validate: true);
        double[] ended = Values(weight);
        ended.Should().Equal(average, (left, right) => Math.Abs(left - right) < 1e-6);
        last.Should().NotEqual(ended, "reports come with the trained weights in place");
        IReadOnlyDictionary<string, double> measured = await new Trainer().EvaluateAsync(
            bench.Model, bench.Test, Loss.CrossEntropy);
        measured["loss"].Should().Be(result.Measures["validation_loss"]);
    }

    [Fact]
    public async Task A_failed_step_names_itself_and_changes_nothing()
    {
        Bench bench = new();
        Dictionary<string, byte[]>? before = null;
        int batches = 0;
        ListLogger logger = new();
        Func<Task> fit = async () =>
        {
            using AmbientChange generator = bench.Generator.Use();
            await new Trainer(new TrainerOptions { Epochs = 3, Logger = logger }).FitAsync(
                bench.Model,
                bench.Train,
                batch =>
                {
                    before = bench.Bits();
                    Tensor loss = Loss.CrossEntropy(bench.Model.Call(batch.Inputs), batch.Labels);
                    return batches++ == 9 ? throw new InvalidDataException("boom") : loss;
                },
                bench.Optimizer);
        };
        TrainingException error = (await fit.Should().ThrowAsync<TrainingException>()).Which;
        error.Message.Should().Be("Epoch 2, step 10, training on batch 3: boom");
        (error.Epoch, error.Step).Should().Be((2, 10));
        error.InnerException.Should().BeOfType<InvalidDataException>();
        Bench.ShouldEqual(bench.Bits(), before!);
        logger.Lines.Should().ContainSingle(line => line.Level == LogLevel.Error && line.Event.Id == 8);
    }

    [Fact]
    public async Task A_failed_validation_puts_weights_and_modes_back()
    {
        Bench bench = new(() => new Line());
        double[]? trained = null, validated = null;
        TrainerOptions options = new() { AverageDecay = 0.5, Callbacks = [new Hooks { Step = _ => trained = Values(bench.Model.Variables.First()) }] };
        Func<Task> fit = async () => await new Trainer(options).FitAsync(
            bench.Model,
            bench.Train,
            batch =>
            {
                if (!bench.Model.IsTraining)
                {
                    validated = Values(bench.Model.Variables.First());
                    throw new InvalidDataException("boom");
                }

                return Loss.CrossEntropy(bench.Model.Call(batch.Inputs), batch.Labels);
            },
            bench.Optimizer,
            bench.Test);
        (await fit.Should().ThrowAsync<TrainingException>()).WithMessage("Epoch 1, step 8, validating: boom");
        bench.Model.IsTraining.Should().BeTrue();
        validated.Should().NotEqual(trained, "the averages stood in the weights' place");
        Values(bench.Model.Variables.First()).Should().Equal(trained);
    }

    [Fact]
    public async Task A_batch_of_another_device_says_where_it_is_or_is_moved()
    {
        Bench bench = new(() => new Line());
        using AmbientChange device = Device.Use(OtherBackend.Device);
        TrainingResult result = await bench.Fit(new TrainerOptions());
        result.Steps.Should().Be(7, "data and model lie on cpu, whatever the default device is");
        DataLoader<int, (Tensor Inputs, Tensor Labels)> apart = new(
            Dataset.Of<int>([1, 2, 3]),
            _ => _ => (Tensor.From<float>(new float[8], [2, 4], OtherBackend.Device), Tensor.From<long>([0, 1], [2], "cpu")),
            new DataLoaderOptions { BatchSize = 1 });
        result = await new Trainer().FitAsync(bench.Model, apart, Loss.CrossEntropy, bench.Optimizer);
        result.Steps.Should().Be(3, "each tensor of a batch is moved, whatever the others are");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_compiled_run_equals_an_eager_one_and_says_what_it_did(int accumulate)
    {
        Bench eager = new(), compiled = new();
        ListLogger logger = new();
        TrainerOptions options = new() { Epochs = 2, ClipNorm = 1, AverageDecay = 0.9, Accumulate = accumulate, EndWithAverages = true };
        await eager.Fit(options);
        await compiled.Fit(options with { Compile = true, Logger = logger });
        Bench.ShouldEqual(compiled.Bits(), eager.Bits());
        logger.Lines.Count(line => line.Event.Id == 11).Should().Be(accumulate);
        logger.Lines.Count(line => line.Event.Id == 12).Should().Be(2);
    }

    [Fact]
    public async Task A_mode_that_changes_between_two_steps_is_seen_by_a_compiled_step_too()
    {
        Bench eager = new(), compiled = new();
        ListLogger logger = new();
        TrainerOptions Settled() => new()
        {
            Callbacks = [new Hooks { Step = run => (run.Step == 3 ? run.Model.NamedModules().Select(named => named.Module).OfType<Dropout>() : []).ToList().ForEach(dropout => dropout.Eval()) }],
        };
        await eager.Fit(Settled());
        await compiled.Fit(Settled() with { Compile = true, Logger = logger });
        Bench.ShouldEqual(compiled.Bits(), eager.Bits());
        logger.Lines.Count(line => line.Event.Id == 11).Should().Be(2);
    }

    private static double[] Values(Variable variable)
    {
        using TensorScope scope = new("values");
        return variable.Value.Cast(DType.Float64).ToArray<double>();
    }

    private static void ShouldBeClose(Bench left, Bench right)
    {
        foreach (((string key, Variable one), (_, Variable other)) in left.Model.NamedVariables().Zip(right.Model.NamedVariables()))
        {
            Values(one).Should().Equal(Values(other), (a, b) => Math.Abs(a - b) < 1e-5, key);
        }
    }
}
