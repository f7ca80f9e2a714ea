using System.Buffers.Binary;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using DeepBridge.Metrics;
using DeepBridge.Optimizers;
using DeepBridge.Training;

namespace DeepBridge.Tests.Training;

public sealed class CallbackTests
{
    [Fact]
    public async Task Hooks_are_called_in_the_order_of_the_options_and_of_the_run()
    {
        List<string> calls = [];
        Hooks Named(string name) => new()
        {
            Start = run => calls.Add($"{name} start {run.Step}"),
            Step = run => calls.Add($"{name} step {run.Epoch}/{run.Batch}/{run.Step}"),
            Read = run => calls.Add($"{name} read {run.Step}"),
            Report = (run, report) => calls.Add($"{name} report {report.Epoch}/{report.Step}/{run.Epoch}"),
            End = run => calls.Add($"{name} end {run.Epoch} {run.Stopped}"),
        };
        await new Bench(size: 25).Fit(new TrainerOptions { Epochs = 1, Callbacks = [Named("a"), Named("b")] });
        calls.Should().Equal(
            "a start 0", "b start 0", "a step 0/1/1", "b step 0/1/1", "a step 0/2/2", "b step 0/2/2",
            "a read 2", "b read 2", "a report 1/2/0", "b report 1/2/0", "a end 1 Epochs", "b end 1 Epochs");
    }

    [Fact]
    public async Task Early_stopping_stops_and_gives_the_best_weights_back()
    {
        Bench bench = new(() => new Line());
        bench.Optimizer = new Sgd(bench.Model, 0.5);
        List<Dictionary<string, byte[]>> weights = [];
        EarlyStopping stopping = new("quality", patience: 2, highest: true, restoreBest: true);
        double[] quality = [1, 2, 5, 4, 5, 3, 9, 9];
        Queue<double> script = new(quality);
        TrainingResult result = await bench.Fit(new TrainerOptions
        {
            Epochs = 8,
            Callbacks =
            [
                new Hooks
                {
                    Report = (_, report) =>
                    {
                        ((Dictionary<string, double>)report.Measures)["quality"] = script.Dequeue();
                        weights.Add(bench.Bits());
                    },
                },
                stopping,
            ],
        });
        (result.Reason, result.Epochs, result.Detail).Should().Be((StopReason.Callback, 6, "quality has not improved on 5 for 3 reports"));
        stopping.Best.Should().Be(5);
        Bench.Bytes(bench.Model.Variables.First().Value.Detach()).Should().Equal(weights[2][bench.Model.NamedVariables().First().Key]);
    }

    [Fact]
    public async Task Early_stopping_begins_anew_with_the_next_run_also_of_another_model()
    {
        EarlyStopping stopping = new("quality", patience: 1, highest: true, restoreBest: true);
        async Task<TrainingResult> Fit(Bench bench, params double[] quality)
        {
            Queue<double> script = new(quality);
            Hooks judge = new() { Report = (_, report) => ((Dictionary<string, double>)report.Measures)["quality"] = script.Dequeue() };
            return await bench.Fit(new TrainerOptions { Epochs = quality.Length, Callbacks = [judge, stopping] });
        }

        await Fit(new Bench(() => new Line()), 9, 8, 7);
        stopping.Best.Should().Be(9);
        Bench other = new();
        TrainingResult result = await Fit(other, 1, 2, 1);
        (result.Reason, stopping.Best).Should().Be((StopReason.Epochs, 2));
        Bench alone = new();
        await alone.Fit(new TrainerOptions { Epochs = 2 });
        other.Model.NamedVariables().Select(named => Bench.Bytes(named.Variable.Value.Detach()))
            .Should().BeEquivalentTo(alone.Model.NamedVariables().Select(named => Bench.Bytes(named.Variable.Value.Detach())), options => options.WithStrictOrdering());
    }

    [Fact]
    public async Task A_run_that_a_callback_stops_ends_behind_that_step()
    {
        TrainingResult result = await new Bench().Fit(new TrainerOptions
        {
            Epochs = 5,
            Callbacks = [new Hooks { Step = run => { if (run.Step == 4) { run.Stop("enough"); } } }],
        });
        result.Should().BeEquivalentTo(new { Reason = StopReason.Callback, Detail = "enough", Epochs = 0, Steps = 4L });
    }

    [Fact]
    public async Task An_exception_of_a_callback_comes_out_and_the_end_is_told()
    {
        bool ended = false;
        Func<Task> fit = () => new Bench().Fit(new TrainerOptions
        {
            Callbacks = [new Hooks { Step = _ => throw new InvalidDataException("boom"), End = run => ended = run.Stopped is null }],
        });
        await fit.Should().ThrowAsync<InvalidDataException>();
        ended.Should().BeTrue();
    }

    [Fact]
    public async Task Metrics_are_measured_on_validation_and_by_option_on_training_without_mixing()
    {
        Bench bench = new(), plain = new();
        TrainerOptions options = new() { Epochs = 2, MeasureTraining = true, ValidateEverySteps = 3 };
        TrainingResult result, compiled;
        using (bench.Generator.Use())
        {
            result = await new Trainer(options).FitAsync(
                bench.Model, bench.Train, Loss.CrossEntropy, bench.Optimizer, bench.Test, [new Accuracy()]);
        }

        using (plain.Generator.Use())
        {
            compiled = await new Trainer(options with { Compile = true }).FitAsync(
                plain.Model, plain.Train, Loss.CrossEntropy, plain.Optimizer, plain.Test, [new Accuracy()]);
        }

        result.Measures.Keys.Should().Equal("loss", "accuracy", "validation_loss", "validation_accuracy");
        (result.Measures["accuracy"] * Bench.Rows).Should().BeApproximately(Math.Round(result.Measures["accuracy"] * Bench.Rows), 1e-9);
        (result.Measures["validation_accuracy"] * 20).Should().BeApproximately(Math.Round(result.Measures["validation_accuracy"] * 20), 1e-9);
        compiled.Measures.Should().Equal(result.Measures);
        IReadOnlyDictionary<string, double> measured = await new Trainer().EvaluateAsync(
            bench.Model, bench.Test, Loss.CrossEntropy, [new Accuracy()]);
        measured["accuracy"].Should().Be(result.Measures["validation_accuracy"]);
    }

    [Fact]
    public async Task Metrics_without_a_prediction_are_an_error_that_says_what_to_return()
    {
        Bench bench = new();
        Func<Task> evaluate = () => new Trainer().EvaluateAsync(
            bench.Model, bench.Test, batch => Loss.CrossEntropy(bench.Model.Call(batch.Inputs), batch.Labels), [new Accuracy()]);
        await evaluate.Should().ThrowAsync<ArgumentException>().WithMessage("*StepOutput(loss, prediction, target)*");
    }

    [Fact]
    public async Task Progress_rates_and_watched_measures_arrive()
    {
        Reports progress = new();
        LearningRateMonitor rates = new();
        List<double> watched = [];
        TrainingResult result = await new Bench(size: 25).Fit(
            new TrainerOptions
            {
                Epochs = 2,
                ReadInterval = TimeSpan.Zero,
                Callbacks = [new ProgressCallback(progress), rates, new Watch(null, watched.Add)],
            },
            validate: true);
        progress.Seen.Select(seen => (seen.Epoch, seen.Batch, seen.Batches, seen.Report is not null)).Should().Equal(
            (1, 1, 2, false), (1, 2, 2, false), (1, 2, 2, true), (2, 1, 2, false), (2, 2, 2, false), (2, 2, 2, true));
        rates.Rates.Select(rate => (rate.Step, Math.Round(rate.Rate, 6))).Should().Equal((1, 0.01), (2, 0.01), (3, 0.01), (4, 0.01));
        watched.Should().Equal(result.History.Select(report => report.Measures["validation_loss"]));
    }

    [Fact]
    public async Task The_csv_file_has_a_line_for_each_report_and_grows_when_resumed()
    {
        using TemporaryFolder folder = new();
        string path = Path.Combine(folder.File("not-there-yet"), "log.csv");
        TrainerOptions options = new() { Checkpoints = new(folder.File("checkpoints")), Callbacks = [new CsvLog(path)], Clock = new ManualClock() };
        TrainingResult first = await new Bench().Fit(options with { Epochs = 2 }, validate: true);

        // Killed behind a report that no checkpoint knows of, and in the middle of the next.
        File.AppendAllText(path, "3,21,0,0.01,1.5,2.5\n4,28,0,0.01");
        await new Bench().Fit(options with { Epochs = 3, Resume = true }, validate: true);
        string[] lines = File.ReadAllLines(path);
        lines[0].Should().Be("epoch,step,seconds,learning_rate,loss,validation_loss");
        lines.Skip(1).Select(line => string.Join(',', line.Split(',')[..3])).Should().Equal("1,7,0", "2,14,0", "3,21,0");
        double.Parse(lines[2].Split(',')[5], CultureInfo.InvariantCulture).Should().Be(first.Measures["validation_loss"]);
        await new Bench().Fit(options with { Epochs = 1, Checkpoints = null });
        File.ReadAllLines(path).Should().HaveCount(2, "a new run starts a new file");
    }

    [Fact]
    public void Checksums_are_those_of_the_standard()
    {
        // RFC 3720, B.4: 32 bytes of zeros, of ones, and ascending; masked as a TFRecord's are.
        byte[][] data = [new byte[32], [.. Enumerable.Repeat((byte)0xff, 32)], [.. Enumerable.Range(0, 32).Select(i => (byte)i)]];
        uint[] expected = [0x8a9136aa, 0x62a8ab43, 0x46dd794e];
        data.Select(bytes => EventFile.MaskedCrc(bytes)).Should().Equal(expected.Select(crc => unchecked(((crc >> 15) | (crc << 17)) + 0xa282ead8)));
    }

    [Fact]
    public async Task Event_files_read_back_as_what_was_written()
    {
        using TemporaryFolder folder = new();
        Bench bench = new();
        TrainingResult result = await bench.Fit(
            new TrainerOptions { Epochs = 2, Callbacks = [new TensorBoardLog(folder.Path, histograms: true)], Clock = new ManualClock() }, validate: true);
        List<Dictionary<int, List<object>>> events = [.. Records(Directory.GetFiles(folder.Path).Single()).Select(Fields)];
        Encoding.UTF8.GetString((byte[])events[0][3][0]).Should().Be("brain.Event:2");
        BitConverter.UInt64BitsToDouble((ulong)events[0][1][0]).Should().Be(20_000 * 86400.0);
        var summaries = events.Skip(1).Select(e =>
        {
            Dictionary<int, List<object>> value = Fields((byte[])Fields((byte[])e[5][0])[1][0]);
            return (Tag: Encoding.UTF8.GetString((byte[])value[1][0]), Step: (ulong)e[2][0], Value: value);
        }).ToList();
        foreach (TrainingReport report in result.History)
        {
            object bits = summaries.Single(s => s.Tag == "report/validation_loss" && s.Step == (ulong)report.Step).Value[2][0];
            BitConverter.UInt32BitsToSingle((uint)bits).Should().Be((float)report.Measures["validation_loss"]);
        }

        summaries.Select(s => s.Tag).Should().Contain("step/loss").And.Contain("step/learning_rate").And.Contain("step/examples_per_second");
        Dictionary<int, List<object>> histogram = Fields((byte[])summaries.Last(s => s.Tag == "weights/hidden.weight").Value[5][0]);
        double[] weights = bench.Model.NamedVariables().First(named => named.Key == "hidden.weight").Variable.Value.Detach().Cast(DType.Float64).ToArray<double>();
        Doubles(histogram[1][0]).Should().Equal(weights.Min());
        Doubles(histogram[2][0]).Should().Equal(weights.Max());
        Doubles(histogram[3][0]).Should().Equal(weights.Length);
        double[] limits = Doubles(histogram[6][0]), counts = Doubles(histogram[7][0]);
        limits.Should().BeInAscendingOrder().And.HaveSameCount(counts);
        limits[^1].Should().Be(weights.Max());
        counts.Sum().Should().Be(weights.Length);
        double below = 0;
        for (int i = 0; i < limits.Length; i++)
        {
            below += counts[i];
            below.Should().BeApproximately(weights.Count(weight => weight < limits[i]), 1);
        }
    }

    [Fact]
    public async Task Logs_activities_and_meters_tell_of_the_run()
    {
        ListLogger logger = new();
        List<string> activities = [];
        Dictionary<string, double> measured = [];
        using ActivityListener activity = new()
        {
            ShouldListenTo = source => source.Name == "DeepBridge",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = stopped => activities.Add(stopped.OperationName),
        };
        ActivitySource.AddActivityListener(activity);
        using MeterListener meter = new() { InstrumentPublished = (instrument, listener) => { if (instrument.Meter.Name == "DeepBridge") { listener.EnableMeasurementEvents(instrument); } } };
        meter.SetMeasurementEventCallback<long>((instrument, value, _, _) => measured[instrument.Name] = measured.GetValueOrDefault(instrument.Name) + value);
        meter.SetMeasurementEventCallback<double>((instrument, value, _, _) => measured[instrument.Name] = value);
        meter.Start();
        TrainingResult result = await new Bench().Fit(new TrainerOptions { Logger = logger }, validate: true);
        activities.Should().Equal("validate", "epoch", "fit");
        measured.Should().Contain("deepbridge.training.steps", 7).And.Contain("deepbridge.training.examples", Bench.Rows);
        measured["deepbridge.training.loss"].Should().Be(result.Measures["loss"]);
        measured.Should().ContainKeys("deepbridge.training.steps_per_second", "deepbridge.training.examples_per_second");
        logger.Lines.Select(line => line.Event.Id).Should().Equal(1, 3, 4, 6);
        logger.Lines[0].Text.Should().Be("Training Net on cpu: 1 epochs of 7 batches, 83 parameters");
        logger.Lines[2].Text.Should().StartWith("Epoch 1, step 7: loss ").And.Contain(", validation_loss ");
    }

    /// <summary>The records of a file, whose lengths and data must have the right checksums.</summary>
    private static IEnumerable<byte[]> Records(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        for (int at = 0; at < file.Length;)
        {
            int length = (int)BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(at));
            BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 8)).Should().Be(EventFile.MaskedCrc(file.AsSpan(at, 8)));
            byte[] data = file[(at + 12)..(at + 12 + length)];
            BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 12 + length)).Should().Be(EventFile.MaskedCrc(data));
            yield return data;
            at += 16 + length;
        }
    }

    /// <summary>The fields of a protobuf message.</summary>
    private static Dictionary<int, List<object>> Fields(byte[] message)
    {
        Dictionary<int, List<object>> fields = [];
        int at = 0;
        while (at < message.Length)
        {
            ulong key = Varint();
            object value = (key & 7) switch
            {
                0 => Varint(),
                1 => BinaryPrimitives.ReadUInt64LittleEndian(Take(8)),
                5 => BinaryPrimitives.ReadUInt32LittleEndian(Take(4)),
                2 => Take((int)Varint()),
                _ => throw new InvalidDataException($"wire type {key & 7}"),
            };
            (fields.TryGetValue((int)(key >> 3), out List<object>? list) ? list : fields[(int)(key >> 3)] = []).Add(value);
        }

        return fields;

        byte[] Take(int count) => message[at..(at += count)];

        ulong Varint()
        {
            ulong value = 0;
            for (int shift = 0; ; shift += 7)
            {
                byte b = message[at++];
                value |= (ulong)(b & 0x7f) << shift;
                if (b < 0x80)
                {
                    return value;
                }
            }
        }
    }

    private static double[] Doubles(object field) => field is ulong bits
        ? [BitConverter.UInt64BitsToDouble(bits)]
        : System.Runtime.InteropServices.MemoryMarshal.Cast<byte, double>((byte[])field).ToArray();

    private sealed class Reports : IProgress<TrainingProgress>
    {
        public List<TrainingProgress> Seen { get; } = [];

        public void Report(TrainingProgress value) => Seen.Add(value);
    }
}
