using DeepBridge.Data;
using DeepBridge.Layers;
using DeepBridge.Metrics;
using DeepBridge.Optimizers;
using DeepBridge.Schedules;
using DeepBridge.Training;
using Digits;
using Microsoft.Extensions.Logging;

namespace DeepBridge.Swapping.Tests;

/// <summary>A model without kinks that learns digits, with dropout, clipping and a schedule; the last batch of an epoch is short.</summary>
internal sealed class Job : IDisposable
{
    internal const int BatchSize = 24, Rows = 100, Tested = 150;
    private static readonly DigitsFile s_digits = DigitsFile.Read(DigitsFile.Carried, labelled: true);
    private readonly AmbientChange _device;
    private readonly AmbientChange _use;

    /// <summary>Makes it on a device; the same seed makes the same everywhere.</summary>
    internal Job(string device)
    {
        Backends.Require(device);
        _device = Device.Use(device);
        _use = new RandomGenerator(5).Use();

        // No bias before a norm: its gradient is rounding alone, and Adam makes whole steps of that.
        Model = [new Conv2d(1, 8, 3, bias: false), new BatchNorm(8), new Gelu(), new AveragePool([2, 2]), new Flatten(), new Dropout(0.1), new Linear(72, 10)];
        Optimizer = new Adam(Model, 1e-2) { Schedule = new WarmUp(5, new CosineSchedule(1e-2, 40)) };
        Train = new Batches(s_digits.Images(..Rows), s_digits.Digits(..Rows), BatchSize, shuffle: true);
        Test = new Batches(s_digits.Images(Rows..(Rows + Tested)), s_digits.Digits(Rows..(Rows + Tested)), 50);
    }

    internal Sequential Model { get; }

    internal Adam Optimizer { get; }

    internal Batches Train { get; }

    internal Batches Test { get; }

    /// <summary>Trains.</summary>
    internal Task<TrainingResult> Fit(TrainerOptions options) =>
        new Trainer(options).FitAsync(Model, Train, Loss.CrossEntropy, Optimizer, Test, [new Accuracy()], TestContext.Current.CancellationToken);

    /// <summary>All parameters, one behind another.</summary>
    internal float[] Weights()
    {
        using TensorScope scope = new(nameof(Weights));
        return [.. Model.Parameters.SelectMany(parameter => parameter.Value.ToArray<float>())];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _use.Dispose();
        _device.Dispose();
    }
}

/// <summary>Counts what is logged, by its number.</summary>
internal sealed class Counting : ILogger
{
    private readonly List<int> _events = [];

    /// <summary>How often a step was traced.</summary>
    internal int Traced => _events.Count(number => number == 11);

    /// <summary>How often a last batch was run eagerly.</summary>
    internal int RunEagerly => _events.Count(number => number == 12);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => _events.Add(eventId.Id);
}
