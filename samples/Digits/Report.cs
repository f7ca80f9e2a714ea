using Spectre.Console;

namespace Digits;

/// <summary>Shows what the model takes for what.</summary>
internal static class Report
{
    private static readonly bool s_terminal = !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive;
    private static readonly IAnsiConsole s_console = s_terminal
        ? AnsiConsole.Console
        : AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors });

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
