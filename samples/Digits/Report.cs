using System.Globalization;
using Spectre.Console;

namespace Digits;

/// <summary>Shows progress: a bar in a terminal, a line an epoch elsewhere.</summary>
internal sealed class Report : IDisposable
{
    private static readonly bool s_terminal = !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive;
    private static readonly IAnsiConsole s_console = s_terminal
        ? AnsiConsole.Console
        : AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors });

    private readonly int _epochs;
    private readonly ManualResetEventSlim _done = new();
    private readonly Task? _display;
    private ProgressTask? _bar;

    /// <summary>Opens the display.</summary>
    /// <param name="epochs">How many epochs are to come.</param>
    internal Report(int epochs)
    {
        _epochs = epochs;
        if (!s_terminal || epochs == 0)
        {
            return;
        }

        using ManualResetEventSlim ready = new();
        _display = Task.Run(() => s_console.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn()).Start(context =>
        {
            _bar = context.AddTask("training", maxValue: epochs);
            ready.Set();
            _done.Wait();
        }));
        ready.Wait();
    }

    /// <summary>Shows the end of an epoch.</summary>
    /// <param name="epoch">Its number, from 1.</param>
    /// <param name="loss">The mean training loss.</param>
    /// <param name="accuracy">The accuracy on the test rows.</param>
    internal void Epoch(int epoch, double loss, double accuracy)
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"epoch {epoch}/{_epochs}  loss {loss:F4}  accuracy {accuracy:F4}");
        if (_bar is null)
        {
            Console.WriteLine(text);
            return;
        }

        _bar.Description = text;
        _bar.Value = epoch;
    }

    /// <summary>Closes the display.</summary>
    public void Dispose()
    {
        _done.Set();
        _display?.Wait();
        _done.Dispose();
    }

    /// <summary>Prints how often each digit was taken for each.</summary>
    /// <param name="predicted">What the model said.</param>
    /// <param name="expected">What is right.</param>
    internal static void Confusion(ReadOnlySpan<long> predicted, ReadOnlySpan<long> expected)
    {
        int[,] counts = new int[10, 10];
        for (int i = 0; i < predicted.Length; i++)
        {
            counts[expected[i], predicted[i]]++;
        }

        Table table = new Table().Title("rows: the digit, columns: what it was taken for").Border(s_terminal ? TableBorder.Rounded : TableBorder.Ascii);
        table.AddColumn(new TableColumn(string.Empty));
        for (int digit = 0; digit < 10; digit++)
        {
            table.AddColumn(new TableColumn($"{digit}").RightAligned());
        }

        for (int digit = 0; digit < 10; digit++)
        {
            int row = digit;
            table.AddRow([$"{row}", .. Enumerable.Range(0, 10).Select(column => Cell(counts[row, column], row == column))]);
        }

        s_console.Write(table);
    }

    private static string Cell(int count, bool right) => count == 0 ? "." : right ? $"[green]{count}[/]" : $"[red]{count}[/]";
}
