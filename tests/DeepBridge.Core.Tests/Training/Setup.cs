using DeepBridge.Data;
using DeepBridge.Layers;
using DeepBridge.Optimizers;
using DeepBridge.Training;
using Microsoft.Extensions.Logging;

namespace DeepBridge.Tests.Training;

/// <summary>A small classifier with everything that has state: batch norm's statistics, and dropout's draws.</summary>
internal sealed partial class Net : Module<Tensor, Tensor>
{
    private readonly Linear _hidden = new(4, 8);
    private readonly BatchNorm _norm = new(8);
    private readonly Dropout _dropout = new(0.25);
    private readonly Linear _output = new(8, 3);

    protected override Tensor Forward(Tensor x) => _output.Call(_dropout.Call(_norm.Call(_hidden.Call(x)).Relu()));
}

/// <summary>A linear model: nothing but parameters.</summary>
internal sealed partial class Line : Module<Tensor, Tensor>
{
    private readonly Linear _layer = new(4, 3);

    protected override Tensor Forward(Tensor x) => _layer.Call(x);
}

/// <summary>A run in the making: model, data and optimizer of one seed, so that two of them are alike.</summary>
internal sealed class Bench
{
    public const int Rows = 50;

    public Bench(Func<Module<Tensor, Tensor>>? make = null, bool shuffle = true, int size = 8)
    {
        Generator = new RandomGenerator(11);
        using AmbientChange generator = Generator.Use();
        Tensor inputs = Tensor.Normal([Rows, 4]), labels = inputs.ArgMax(-1).Minimum(2);
        Model = make?.Invoke() ?? new Net();
        Train = new Batches(inputs, labels, size, shuffle);
        Test = new Batches(inputs[..20], labels[..20], 8);
        Optimizer = new Adam(Model, 1e-2);
    }

    public RandomGenerator Generator { get; }

    public Module<Tensor, Tensor> Model { get; }

    public Batches Train { get; }

    public Batches Test { get; }

    public Optimizer Optimizer { get; set; }

    public async Task<TrainingResult> Fit(TrainerOptions options, bool validate = false, CancellationToken cancellationToken = default)
    {
        using AmbientChange generator = Generator.Use();
        return await new Trainer(options).FitAsync(
            Model, Train, Loss.CrossEntropy, Optimizer, validate ? Test : null, cancellationToken: cancellationToken);
    }

    /// <summary>The bits of all that a run changes.</summary>
    public Dictionary<string, byte[]> Bits()
    {
        using TensorScope scope = new("bits");
        return Model.NamedVariables().Concat(Optimizer.NamedVariables()).Append(("generator", Generator.State)).ToDictionary(
            named => named.Item1, named => Bytes(named.Item2.Value.Detach()));
    }

    public static byte[] Bytes(Tensor value) => value.DType switch
    {
        DType.Float32 => System.Runtime.InteropServices.MemoryMarshal.AsBytes(value.ToArray<float>().AsSpan()).ToArray(),
        DType.Float64 => System.Runtime.InteropServices.MemoryMarshal.AsBytes(value.ToArray<double>().AsSpan()).ToArray(),
        _ => System.Runtime.InteropServices.MemoryMarshal.AsBytes(value.ToArray<long>().AsSpan()).ToArray(),
    };

    public static void ShouldEqual(Dictionary<string, byte[]> left, Dictionary<string, byte[]> right)
    {
        left.Keys.Should().BeEquivalentTo(right.Keys);
        foreach ((string key, byte[] bytes) in left)
        {
            bytes.Should().Equal(right[key], key);
        }
    }
}

/// <summary>A clock that a test moves.</summary>
internal sealed class ManualClock : TimeProvider
{
    public TimeSpan Now { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Now.Ticks;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddDays(20_000) + Now;
}

/// <summary>Does at each hook what a test says.</summary>
internal sealed class Hooks : Callback
{
    public Action<TrainingRun>? Start { get; init; }

    public Action<TrainingRun>? Step { get; init; }

    public Action<TrainingRun>? Read { get; init; }

    public Action<TrainingRun, TrainingReport>? Report { get; init; }

    public Action<TrainingRun>? End { get; init; }

    public override void OnStart(TrainingRun run) => Start?.Invoke(run);

    public override void OnStep(TrainingRun run) => Step?.Invoke(run);

    public override void OnRead(TrainingRun run) => Read?.Invoke(run);

    public override void OnReport(TrainingRun run, TrainingReport report) => Report?.Invoke(run, report);

    public override void OnEnd(TrainingRun run) => End?.Invoke(run);
}

/// <summary>Keeps what is logged.</summary>
internal sealed class ListLogger : ILogger
{
    public List<(EventId Event, LogLevel Level, string Text)> Lines { get; } = [];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Lines.Add((eventId, logLevel, formatter(state, exception)));
}

/// <summary>A folder that goes with this object.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("deepbridge-");

    public string Path => _folder.FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => _folder.Delete(recursive: true);
}
