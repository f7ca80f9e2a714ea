using System.Globalization;
using DeepBridge.Training;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace DeepBridge.Extensions.Terminal;

/// <summary>
/// Shows how far training is: a bar with epoch, loss, examples a second and the time that is left in an interactive
/// terminal, a line for each report elsewhere.
/// </summary>
/// <param name="console">Where it is shown; null: the program's own.</param>
public sealed class TerminalProgress(IAnsiConsole? console = null) : Callback
{
    private readonly IAnsiConsole _console = console ?? Own();
    private TaskCompletionSource? _done;
    private Task? _display;
    private ProgressTask? _bar;

    /// <inheritdoc/>
    public override void OnStart(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (!_console.Profile.Capabilities.Interactive)
        {
            return;
        }

        // The bar draws itself on a thread of its own until it is told that all is done.
        _done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource<ProgressTask> ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _display = Task.Run(() => _console.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .StartAsync(async context =>
            {
                ready.SetResult(context.AddTask("training", maxValue: (double)run.Epochs * run.Batches));
                await _done.Task.ConfigureAwait(false);
            }));
        Task.WhenAny(ready.Task, _display).GetAwaiter().GetResult();
        _bar = ready.Task.IsCompletedSuccessfully ? ready.Task.Result : null;
    }

    /// <inheritdoc/>
    public override void OnRead(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (_bar is not null)
        {
            _bar.Description = Markup.Escape(string.Create(
                CultureInfo.InvariantCulture, $"epoch {run.Epoch + 1}/{run.Epochs}  loss {run.Loss:F4}  {run.ExamplesPerSecond:F0}/s"));
            _bar.Value = ((double)run.Epoch * run.Batches) + run.Batch;
        }
    }

    /// <inheritdoc/>
    public override void OnReport(TrainingRun run, TrainingReport report)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(report);
        string measures = string.Join("  ", report.Measures.Select(measure => string.Create(CultureInfo.InvariantCulture, $"{measure.Key} {measure.Value:F4}")));
        string step = report.EndsEpoch ? string.Empty : string.Create(CultureInfo.InvariantCulture, $"  step {report.Step}");

        // Written as it is: a line must not be wrapped to a width that nobody sees.
        _console.Write(new Line(string.Create(CultureInfo.InvariantCulture, $"epoch {report.Epoch}/{run.Epochs}{step}  {measures}")));
    }

    /// <inheritdoc/>
    public override void OnEnd(TrainingRun run)
    {
        _done?.TrySetResult();
        _display?.GetAwaiter().GetResult();
        (_done, _display, _bar) = (null, null, null);
    }

    private static IAnsiConsole Own() => Console.IsOutputRedirected
        ? AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Interactive = InteractionSupport.No })
        : AnsiConsole.Console;

    private sealed class Line(string text) : Renderable
    {
        /// <inheritdoc/>
        protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth) => [new Segment(text), Segment.LineBreak];
    }
}
