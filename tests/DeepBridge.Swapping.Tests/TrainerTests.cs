using DeepBridge.Checkpoints;
using DeepBridge.Data;
using DeepBridge.Layers;
using DeepBridge.Metrics;
using DeepBridge.Optimizers;
using DeepBridge.Training;

namespace DeepBridge.Swapping.Tests;

/// <summary>The trainer on every backend: the same run, eager and compiled, and one that a checkpoint carries across.</summary>
public sealed class TrainerTests
{
    private static readonly TrainerOptions s_options = new()
    {
        Epochs = 2,
        Accumulate = 2,
        AverageDecay = 0.9,
        ClipValue = 0.5,
        ClipNorm = 1,
        MeasureTraining = true,
        StopOnNonFinite = true,
        Seed = 3,
    };

    public static TheoryData<string> Devices => Backends.Others;

    [Theory]
    [MemberData(nameof(Devices))]
    public async Task A_run_with_everything_measures_what_it_measures_on_cpu(string device)
    {
        Backends.Require(device);
        TrainingResult expected = await Fit("cpu", s_options), eager = await Fit(device, s_options);
        TrainingResult compiled = await Fit(device, s_options with { Compile = true });
        ShouldAgree(eager, expected);
        ShouldAgree(compiled, expected);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public async Task A_checkpoint_of_cpu_is_resumed_in_the_middle_of_an_epoch(string device)
    {
        Backends.Require(device);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("deepbridge-");
        try
        {
            TrainingResult expected = await Fit("cpu", s_options);
            TrainerOptions saving = s_options with { Checkpoints = new CheckpointStore(folder.FullName) };
            await Fit("cpu", saving with { MaxSteps = 4 });
            TrainingResult resumed = await Fit(device, saving with { Resume = true });
            resumed.Steps.Should().Be(expected.Steps);
            ShouldAgree(resumed, expected);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public async Task A_run_that_moves_in_the_middle_of_an_epoch_goes_on_as_it_would_have(string device)
    {
        Backends.Require(device);
        TrainingResult expected = await Fit("cpu", s_options);
        foreach (bool compile in new[] { false, true })
        {
            List<string> seen = [];
            Moves moves = new(4, device, seen);
            ShouldAgree(await Fit("cpu", s_options with { Compile = compile, Callbacks = [moves] }), expected);
            seen.Should().Equal("cpu", "cpu", "cpu", device, device, device);
        }
    }

    private static async Task<TrainingResult> Fit(string device, TrainerOptions options)
    {
        using AmbientChange use = Device.Use(device);
        using AmbientChange generator = new RandomGenerator(5).Use();
        Tensor inputs = Tensor.Normal([44, 4]), labels = inputs.ArgMax(-1);

        // No bias before the norm: its gradient is rounding alone, and Adam makes whole steps of that, elsewhere on each backend.
        Sequential model = [new Linear(4, 8, bias: false), new BatchNorm(8), new Gelu(), new Dropout(0.2), new Linear(8, 4)];
        Batches train = new(inputs, labels, 8, shuffle: true), test = new(inputs[..20], labels[..20], 10);
        return await new Trainer(options).FitAsync(model, train, Loss.CrossEntropy, new AdamW(model, 1e-2), test, [new Accuracy()]);
    }

    private static void ShouldAgree(TrainingResult actual, TrainingResult expected)
    {
        actual.Measures.Keys.Should().Equal(expected.Measures.Keys);
        foreach ((string name, double value) in expected.Measures)
        {
            // Six steps of a model without kinks: rounding has not come far, and no label has changed sides.
            actual.Measures[name].Should().BeApproximately(value, 1e-4, name);
        }
    }

    /// <summary>Moves the model behind a step, and notes where it is before each.</summary>
    private sealed class Moves(long step, Device target, List<string> seen) : Callback
    {
        public override void OnStep(TrainingRun run)
        {
            seen.Add(run.Model.Variables.Select(variable => variable.Device.Name).Distinct().Single());
            if (run.Step == step - 1)
            {
                run.Model.To(target);
            }
        }
    }
}
