using System.Globalization;
using DeepBridge.Extensions.Terminal;
using DeepBridge.Training;
using Spectre.Console;

namespace DeepBridge.Tests.Training;

public sealed class TerminalTests
{
    [Fact]
    public async Task Without_a_terminal_each_report_is_a_line()
    {
        using StringWriter text = new(CultureInfo.InvariantCulture);
        TrainingResult result = await Fit(text, interactive: false);
        string[] lines = text.ToString().ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Should().Equal(result.History.Select(report => string.Create(
            CultureInfo.InvariantCulture,
            $"epoch {report.Epoch}/2{(report.EndsEpoch ? "" : $"  step {report.Step}")}  loss {report.Measures["loss"]:F4}  validation_loss {report.Measures["validation_loss"]:F4}")));
    }

    [Fact]
    public async Task In_a_terminal_a_bar_fills()
    {
        using StringWriter text = new(CultureInfo.InvariantCulture);
        await Fit(text, interactive: true);
        text.ToString().Should().Contain("100%").And.Contain("epoch 2/2  loss ");
    }

    private static Task<TrainingResult> Fit(StringWriter text, bool interactive)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = interactive ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = interactive ? InteractionSupport.Yes : InteractionSupport.No,
            Out = new AnsiConsoleOutput(text),
        });
        console.Profile.Width = 200;
        return new Bench().Fit(new TrainerOptions { Epochs = 2, ValidateEverySteps = 10, Callbacks = [new TerminalProgress(console)] }, validate: true);
    }
}
