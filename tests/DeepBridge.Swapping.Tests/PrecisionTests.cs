using DeepBridge.Optimizers;
using DeepBridge.Training;

namespace DeepBridge.Swapping.Tests;

/// <summary>Mixed precision in the trainer and in loops written by hand, on every device.</summary>
public sealed class PrecisionTests(ITestOutputHelper output)
{
    public static TheoryData<string, Precision> Low
    {
        get
        {
            TheoryData<string, Precision> data = [];
            foreach (string device in Devices.Select(row => row.Data))
            {
                data.Add(device, Precision.BFloat16);
                data.Add(device, Precision.Float16);
            }

            return data;
        }
    }

    public static TheoryData<string> Devices => ["cpu", .. Backends.Engines.Select(row => row.Data).Where(name => name != "none")];

    [Theory]
    [MemberData(nameof(Low))]
    public async Task The_trainer_learns_as_in_float32(string device, Precision precision)
    {
        TrainerOptions options = new() { Epochs = 8, ClipNorm = 1 };
        using Job wide = new(device);
        TrainingResult expected = await wide.Fit(options);
        using Job eager = new(device);
        TrainingResult low = await eager.Fit(options with { Precision = precision });
        using Job compiled = new(device);
        TrainingResult traced = await compiled.Fit(options with { Precision = precision, Compile = true });
        foreach (string measure in new[] { "loss", "validation_loss" })
        {
            double reference = expected.Measures[measure];
            output.WriteLine($"{device} {precision} {measure}: {reference:F5}, {low.Measures[measure] / reference - 1:E1} eager, {traced.Measures[measure] / reference - 1:E1} compiled");
            low.Measures[measure].Should().BeApproximately(reference, Bound(precision) * reference, measure);
            traced.Measures[measure].Should().BeApproximately(reference, Bound(precision) * reference, measure);
        }

        expected.Measures["validation_loss"].Should().BeLessThan(1.2, "untrained it is 2.3");
        eager.Model.Parameters.Should().OnlyContain(parameter => parameter.DType == DType.Float32);
    }

    /// <summary>By hand the same steps as the trainer's.</summary>
    [Theory]
    [MemberData(nameof(Low))]
    public async Task A_loop_by_hand_makes_the_trainer_s_steps(string device, Precision precision)
    {
        using Job hand = new(device);
        LossScaler scaler = new(Math.Pow(2, 10)), other = new(Math.Pow(2, 10));
        foreach ((Tensor inputs, Tensor labels) in hand.Train)
        {
            Tensor loss;
            using (Autocast.Use(precision))
            {
                loss = Loss.CrossEntropy(hand.Model.Call(inputs), labels);
            }

            loss.DType.Should().Be(DType.Float32);
            if (precision == Precision.Float16)
            {
                scaler.Step(hand.Optimizer, scaler.GradientsOf(loss, hand.Model.Parameters).ClipNorm(1));
            }
            else
            {
                hand.Optimizer.Step(Gradients.Of(loss, hand.Model.Parameters).ClipNorm(1));
            }
        }

        using Job trained = new(device);
        await trained.Fit(new TrainerOptions { ClipNorm = 1, Precision = precision, LossScaler = precision == Precision.Float16 ? other : null });
        hand.Weights().Should().Equal(trained.Weights(), (a, b) => Math.Abs(a - b) < 1e-6f);
    }

    /// <summary>The scale goes up after good steps and down at an overflow, whose step changes nothing and is counted.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void The_scale_grows_and_shrinks_by_the_rule(string device)
    {
        using Job job = new(device);
        LossScaler scaler = new(Math.Pow(2, 30), growthInterval: 3);
        (int grown, int skipped, long good) = (0, 0, 0);
        for (int epoch = 0; epoch < 8; epoch++)
        {
            foreach ((Tensor inputs, Tensor labels) in job.Train)
            {
                double scale = scaler.Scale.Value.Item();
                long steps = job.Optimizer.StepCount.Value.Item<long>();
                float[] before = job.Weights();
                Tensor loss;
                using (Autocast.Use(Precision.Float16))
                {
                    loss = Loss.CrossEntropy(job.Model.Call(inputs), labels);
                }

                scaler.Step(job.Optimizer, scaler.GradientsOf(loss, job.Model.Parameters));
                bool stepped = job.Optimizer.StepCount.Value.Item<long>() == steps + 1;
                good = stepped ? good + 1 : 0;
                bool grows = good == 3;
                scaler.Scale.Value.Item().Should().Be(scale * (stepped ? grows ? 2 : 1 : 0.5));
                good = grows ? 0 : good;
                (grown, skipped) = (grown + (grows ? 1 : 0), skipped + (stepped ? 0 : 1));
                scaler.SkippedSteps.Value.Item<long>().Should().Be(skipped);
                scaler.GoodSteps.Value.Item<long>().Should().Be(good);
                job.Weights().SequenceEqual(before).Should().Be(!stepped);
            }
        }

        output.WriteLine($"{device}: grown {grown} times, {skipped} steps skipped, scale {scaler.Scale.Value.Item()}");
        grown.Should().BePositive();
        skipped.Should().BePositive();
    }

    /// <summary>The trainer counts what was skipped, eager and compiled.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public async Task The_trainer_counts_skipped_steps(string device)
    {
        foreach (bool compile in new[] { false, true })
        {
            using Job job = new(device);
            LossScaler scaler = new(Math.Pow(2, 30));
            TrainingResult result = await job.Fit(new TrainerOptions { Epochs = 4, Precision = Precision.Float16, LossScaler = scaler, Compile = compile });
            long skipped = scaler.SkippedSteps.Value.Item<long>();
            skipped.Should().BeInRange(1, result.Steps - 1);
            scaler.Scale.Value.Item().Should().Be(Math.Pow(2, 30 - skipped));
            job.Optimizer.StepCount.Value.Item<long>().Should().Be(result.Steps - skipped);
        }
    }

    /// <summary>
    /// By what part of its value a loss after 40 steps may differ: one unit in the last place of the precision, whose roundings
    /// average out over sums and steps. Measured on three backends: at most 1.3E-3 in bfloat16, 7.4E-5 in float16.
    /// </summary>
    internal static double Bound(Precision precision) => precision switch
    {
        Precision.BFloat16 => Math.Pow(2, -8),
        Precision.Float16 => Math.Pow(2, -11),
        _ => 1e-5,
    };
}
