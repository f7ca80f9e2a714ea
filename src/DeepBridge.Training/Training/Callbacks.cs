using System.Globalization;

namespace DeepBridge.Training;

/// <summary>How far a run is, for an application that shows it.</summary>
/// <param name="Epoch">The epoch, from 1.</param>
/// <param name="Epochs">Epochs that are to be made.</param>
/// <param name="Batch">Batches of this epoch that were trained on.</param>
/// <param name="Batches">Batches of an epoch.</param>
/// <param name="Step">Steps made since the start of the run.</param>
/// <param name="Loss">The mean loss since the progress before.</param>
/// <param name="LearningRate">The learning rate.</param>
/// <param name="ExamplesPerSecond">Examples a second since the progress before.</param>
/// <param name="Elapsed">Time since the call.</param>
/// <param name="Report">What an epoch, or a validation within it, has just measured; mostly null.</param>
public sealed record TrainingProgress(
    int Epoch,
    int Epochs,
    int Batch,
    int Batches,
    long Step,
    double Loss,
    double LearningRate,
    double ExamplesPerSecond,
    TimeSpan Elapsed,
    TrainingReport? Report);

/// <summary>Hands progress on, a few times a second and at each report.</summary>
/// <param name="progress">Who takes it; a <see cref="Progress{T}"/> made on a user interface's thread brings it there.</param>
public sealed class ProgressCallback(IProgress<TrainingProgress> progress) : Callback
{
    /// <inheritdoc/>
    public override void OnRead(TrainingRun run) => Report(run, null);

    /// <inheritdoc/>
    public override void OnReport(TrainingRun run, TrainingReport report) => Report(run, report);

    private void Report(TrainingRun run, TrainingReport? report)
    {
        ArgumentNullException.ThrowIfNull(run);
        progress.Report(new TrainingProgress(
            run.Epoch + 1, run.Epochs, run.Batch, run.Batches, run.Step, run.Loss, run.LearningRate, run.ExamplesPerSecond, run.Elapsed, report));
    }
}

/// <summary>Hands a measure of each report that has it to a function: a plateau schedule's, or one's own.</summary>
/// <param name="measure">The measure; null: <c>validation_loss</c>, or <c>loss</c> where there is no validation.</param>
/// <param name="take">Takes its value, such as <c>plateau.Report</c>.</param>
public sealed class Watch(string? measure, Action<double> take) : Callback
{
    /// <inheritdoc/>
    public override void OnReport(TrainingRun run, TrainingReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        if (report.TryFind(measure, out _, out double value))
        {
            take(value);
        }
    }
}

/// <summary>Remembers the learning rate at each read.</summary>
public sealed class LearningRateMonitor : Callback
{
    private readonly List<(long Step, double Rate)> _rates = [];

    /// <summary>Steps made, and the learning rate of the last of them.</summary>
    public IReadOnlyList<(long Step, double Rate)> Rates => _rates;

    /// <inheritdoc/>
    public override void OnRead(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        _rates.Add((run.Step, run.LearningRate));
    }
}

/// <summary>
/// Writes a line for each report into a CSV file: epoch, step, seconds, learning rate, and the measures of the first report.
/// A resumed run goes on behind the lines of the steps that it has behind it.
/// </summary>
/// <param name="path">The file; its folder is made where it is missing.</param>
public sealed class CsvLog(string path) : Callback
{
    private const string Fixed = "epoch,step,seconds,learning_rate";
    private string[]? _columns;

    /// <inheritdoc/>
    public override void OnStart(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        string[] lines = run.Step > 0 && File.Exists(path) ? File.ReadAllLines(path) : [];
        _columns = lines is [string header, ..] && header.StartsWith(Fixed, StringComparison.Ordinal) ? header.Split(',')[4..] : null;
        if (_columns is not null)
        {
            // What a run that was killed reported behind its last checkpoint comes again; its last line may be torn.
            File.WriteAllText(path, string.Concat(lines.Where((line, i) => i == 0 || IsBefore(line, run.Step)).Select(line => line + "\n")));
        }
    }

    /// <inheritdoc/>
    public override void OnReport(TrainingRun run, TrainingReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        if (_columns is null)
        {
            _columns = [.. report.Measures.Keys];
            File.WriteAllText(path, $"{string.Join(',', [Fixed, .. _columns.Select(Quote)])}\n");
        }

        string[] cells =
        [
            Text(report.Epoch), Text(report.Step), Text(Math.Round(report.Elapsed.TotalSeconds, 3)), Text(report.LearningRate),
            .. _columns.Select(column => report.Measures.TryGetValue(column, out double value) ? Text(value) : string.Empty),
        ];
        File.AppendAllText(path, $"{string.Join(',', cells)}\n");
    }

    private bool IsBefore(string line, long step) => line.Split(',') is { } cells && cells.Length == 4 + _columns!.Length
        && long.TryParse(cells[1], NumberStyles.None, CultureInfo.InvariantCulture, out long reported) && reported <= step;

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);

    private static string Quote(string name) => name.AsSpan().IndexOfAny(",\"\n\r") < 0 ? name : $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
