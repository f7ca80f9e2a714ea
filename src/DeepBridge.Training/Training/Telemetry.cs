using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace DeepBridge.Training;

/// <summary>What tools outside can listen to: an activity source and a meter, both named <c>DeepBridge</c>.</summary>
internal static class Telemetry
{
    internal static readonly ActivitySource Source = new("DeepBridge");
    private static readonly Meter s_meter = new("DeepBridge");
    private static readonly Counter<long> s_steps = s_meter.CreateCounter<long>("deepbridge.training.steps", "{step}", "Optimizer steps made.");
    private static readonly Counter<long> s_examples = s_meter.CreateCounter<long>("deepbridge.training.examples", "{example}", "Examples trained on.");
    private static readonly Gauge<double> s_stepRate = s_meter.CreateGauge<double>("deepbridge.training.steps_per_second", "{step}/s");
    private static readonly Gauge<double> s_exampleRate = s_meter.CreateGauge<double>("deepbridge.training.examples_per_second", "{example}/s");
    private static readonly Gauge<double> s_loss = s_meter.CreateGauge<double>("deepbridge.training.loss", description: "The mean loss since the read before.");

    /// <summary>Tells what was read.</summary>
    internal static void Read(TrainingRun run, long steps, long examples)
    {
        s_steps.Add(steps);
        s_examples.Add(examples);
        s_stepRate.Record(run.StepsPerSecond);
        s_exampleRate.Record(run.ExamplesPerSecond);
        s_loss.Record(run.Loss);
    }
}

/// <summary>The events of a run.</summary>
internal static partial class TrainingLog
{
    [LoggerMessage(1, LogLevel.Information, "Training {Model} on {Device}: {Epochs} epochs of {Batches} batches, {Parameters} parameters")]
    internal static partial void Started(ILogger logger, string model, string device, int epochs, int batches, long parameters);

    [LoggerMessage(2, LogLevel.Information, "Resumed at epoch {Epoch}, step {Step} from {Path}")]
    internal static partial void Resumed(ILogger logger, int epoch, long step, string path);

    [LoggerMessage(3, LogLevel.Debug, "Epoch {Epoch}, step {Step}: loss {Loss}, {ExamplesPerSecond} examples per second")]
    internal static partial void Read(ILogger logger, int epoch, long step, double loss, double examplesPerSecond);

    /// <summary>What was measured.</summary>
    internal static void Report(ILogger logger, TrainingReport report)
    {
        if (logger.IsEnabled(LogLevel.Information))
        {
            Report(logger, report.Epoch, report.Step, string.Join(", ", report.Measures.Select(measure =>
                string.Create(CultureInfo.InvariantCulture, $"{measure.Key} {measure.Value:G5}"))));
        }
    }

    [LoggerMessage(4, LogLevel.Information, "Epoch {Epoch}, step {Step}: {Measures}")]
    private static partial void Report(ILogger logger, int epoch, long step, string measures);

    [LoggerMessage(5, LogLevel.Information, "Saved {Path}")]
    internal static partial void Saved(ILogger logger, string path);

    [LoggerMessage(6, LogLevel.Information, "Training ended after epoch {Epoch}, step {Step}: {Reason} {Detail}")]
    internal static partial void Ended(ILogger logger, int epoch, long step, StopReason reason, string? detail);

    [LoggerMessage(7, LogLevel.Warning, "Training was cancelled in epoch {Epoch} after step {Step}")]
    internal static partial void Cancelled(ILogger logger, int epoch, long step);

    [LoggerMessage(8, LogLevel.Error, "Training failed in epoch {Epoch} after step {Step}")]
    internal static partial void Failed(ILogger logger, Exception error, int epoch, long step);

    [LoggerMessage(9, LogLevel.Warning, "The loss is {Loss} at step {Step}; StopOnNonFinite finds the op that made it so")]
    internal static partial void NonFinite(ILogger logger, double loss, long step);

    [LoggerMessage(10, LogLevel.Warning, "Passed over a damaged checkpoint, {Path}: {Error}")]
    internal static partial void Damaged(ILogger logger, string path, string error);

    [LoggerMessage(11, LogLevel.Information, "Traced the step for {Batch}")]
    internal static partial void Traced(ILogger logger, string batch);

    [LoggerMessage(12, LogLevel.Information, "The last batch, {Batch}, is of another shape: it is run eagerly")]
    internal static partial void Eager(ILogger logger, string batch);
}
