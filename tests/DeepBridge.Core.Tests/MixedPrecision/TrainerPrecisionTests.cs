using DeepBridge.Checkpoints;
using DeepBridge.Data;
using DeepBridge.Layers;
using DeepBridge.Optimizers;
using DeepBridge.Tests.Training;
using DeepBridge.Training;

namespace DeepBridge.Tests.MixedPrecision;

/// <summary>The trainer in 16 bits.</summary>
public sealed partial class TrainerPrecisionTests
{
    [Theory]
    [MemberData(nameof(Devices.Low), MemberType = typeof(Devices))]
    public async Task It_learns_digits(string device, Precision precision)
    {
        using AmbientChange place = Device.Use(device);
        using TensorScope scope = new();
        using AmbientChange generator = new RandomGenerator(3).Use();
        Tensor prototypes = Tensor.Normal([10, 1, 8, 8]), labels = (Tensor.Uniform([400]) * 10).Floor().Minimum(9).Cast(DType.Int64);
        Tensor images = prototypes.Gather(labels, 0) + (Tensor.Normal([400, 1, 8, 8]) * 0.7);
        Digits model = new();
        TrainerOptions options = new() { Epochs = 4, Precision = precision, ClipNorm = 1, Compile = precision == Precision.BFloat16 };
        TrainingResult result = await new Trainer(options).FitAsync(
            model,
            new Batches(images[..300], labels[..300], 20, shuffle: true),
            (output, target) => Loss.CrossEntropy(output, target),
            new Adam(model, 5e-3),
            new Batches(images[300..], labels[300..], 50));
        result.Measures["validation_loss"].Should().BeLessThan(0.3);
        Tensor logits = await new Trainer(options).PredictAsync(model, Batches.Of(images[300..], 50));
        logits.DType.Should().Be(precision.DType());
        logits.ArgMax(-1).ToArray<long>().Zip(labels[300..].ToArray<long>()).Count(pair => pair.First == pair.Second).Should().BeGreaterThan(95);
        model.Parameters.Should().OnlyContain(parameter => parameter.DType == DType.Float32);
    }

    [Fact]
    public async Task An_overflow_skips_the_step_and_halves_the_scale()
    {
        Bench bench = new(() => new Line());
        LossScaler scaler = new(Math.Pow(2, 40));
        TrainerOptions options = new() { Precision = Precision.Float16, LossScaler = scaler, AverageDecay = 0.9, ClipValue = 1, Epochs = 20 };
        Dictionary<string, byte[]> before = bench.Bits();
        await bench.Fit(options with { MaxSteps = 1 });
        Dictionary<string, byte[]> after = bench.Bits();
        before.Remove("generator");
        after.Remove("generator");
        Bench.ShouldEqual(after, before);
        scaler.Scale.Value.Item().Should().Be(Math.Pow(2, 39));
        TrainingResult result = await bench.Fit(options);
        long skipped = scaler.SkippedSteps.Value.Item<long>();
        skipped.Should().BeInRange(15, 40);
        scaler.Scale.Value.Item().Should().Be(Math.Pow(2, 40 - skipped));
        bench.Optimizer.StepCount.Value.Item<long>().Should().Be(result.Steps + 1 - skipped);
        result.Measures["loss"].Should().BeLessThan(1);
    }

    [Theory]
    [InlineData(Precision.Float32)]
    [InlineData(Precision.BFloat16)]
    public async Task A_loss_scale_that_nothing_would_use_is_an_error(Precision precision)
    {
        Bench bench = new(() => new Line());
        Func<Task> fit = () => bench.Fit(new TrainerOptions { Precision = precision, LossScaler = new LossScaler() });
        (await fit.Should().ThrowAsync<InvalidAttributeException>()).WithMessage($"*LossScaler must be used with Precision Float16, got {precision}*");
    }

    [Theory]
    [InlineData(Precision.BFloat16, 1)]
    [InlineData(Precision.Float16, 1)]
    [InlineData(Precision.Float16, 2)]
    public async Task Eager_and_compiled_runs_are_the_same(Precision precision, int accumulate)
    {
        Bench eager = new(), compiled = new();
        LossScaler one = new(Math.Pow(2, 20)), other = new(Math.Pow(2, 20));
        TrainerOptions options = new() { Epochs = 3, ClipNorm = 1, AverageDecay = 0.9, Accumulate = accumulate, Precision = precision };
        ListLogger logger = new();
        bool scales = precision == Precision.Float16;
        await eager.Fit(options with { LossScaler = scales ? one : null });
        await compiled.Fit(options with { LossScaler = scales ? other : null, Compile = true, Logger = logger });
        Bench.ShouldEqual(compiled.Bits(), eager.Bits());
        Devices.Bytes(other.NamedVariables().Select(named => named.Variable)).Should()
            .BeEquivalentTo(Devices.Bytes(one.NamedVariables().Select(named => named.Variable)), with => with.WithStrictOrdering());
        one.SkippedSteps.Value.Item<long>().Should().BeInRange(precision == Precision.Float16 ? 1 : 0, precision == Precision.Float16 ? 20 : 0);
        logger.Lines.Count(line => line.Event.Id == 11).Should().Be(accumulate, "the step is traced once");
    }

    [Theory]
    [InlineData(2)]
    [InlineData(7)]
    public async Task A_run_stopped_and_resumed_has_the_scale_of_one_never_stopped(int steps)
    {
        using TemporaryFolder folder = new();
        TrainerOptions options = new() { Epochs = 2, Seed = 7, Precision = Precision.Float16, Accumulate = 2 };
        LossScaler whole = new(Math.Pow(2, 22), growthInterval: 3), resumed = new(1, growthInterval: 3);
        Bench expected = new(() => new Line()), actual = new(() => new Line());
        await expected.Fit(options with { LossScaler = whole });
        TrainerOptions saving = options with { Checkpoints = new CheckpointStore(folder.Path) };
        await new Bench(() => new Line()).Fit(saving with { LossScaler = new(Math.Pow(2, 22), growthInterval: 3), MaxSteps = steps });
        await actual.Fit(saving with { LossScaler = resumed, Resume = true });
        Dictionary<string, byte[]> left = actual.Bits(), right = expected.Bits();
        left.Remove("generator");
        right.Remove("generator");
        Bench.ShouldEqual(left, right);
        whole.SkippedSteps.Value.Item<long>().Should().BePositive();
        Devices.Bytes(resumed.NamedVariables().Select(named => named.Variable)).Should()
            .BeEquivalentTo(Devices.Bytes(whole.NamedVariables().Select(named => named.Variable)), with => with.WithStrictOrdering());
    }

    [Fact]
    public async Task A_device_that_cannot_is_refused_before_the_first_step()
    {
        Bench bench = new(() => new Line());
        byte[][] before = Devices.Bytes(bench.Model.Variables);
        bench.Model.To(OtherBackend.Device);
        (await bench.Invoking(one => one.Fit(new TrainerOptions { Precision = Precision.BFloat16 })).Should().ThrowAsync<UnsupportedOpException>())
            .WithMessage("other cannot train in bfloat16: *MatMul*");
        bench.Model.To("cpu");
        Devices.Bytes(bench.Model.Variables).Should().BeEquivalentTo(before, options => options.WithStrictOrdering());
    }

    private sealed partial class Digits : Module<Tensor, Tensor>
    {
        private readonly Conv2d _conv = new(1, 8, 3);
        private readonly BatchNorm _norm = new(8);
        private readonly Linear _head = new(72, 10);

        protected override Tensor Forward(Tensor x) => _head.Call(_norm.Call(_conv.Call(x)).Relu().MaxPool([2, 2]).Flatten(1));
    }
}
