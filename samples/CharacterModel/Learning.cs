using System.Text.Json.Nodes;
using DeepBridge.Data;
using DeepBridge.Training;
using Samples;
using Spectre.Console;

namespace CharacterModel;

/// <summary>Shows what the model writes as it learns, and keeps the vocabulary beside the weights.</summary>
/// <param name="vocabulary">The characters.</param>
/// <param name="writer">The model's writer.</param>
internal sealed class Learning(CharacterVocabulary vocabulary, Writer writer) : Callback
{
    /// <summary>The name that a checkpoint knows this by.</summary>
    internal const string Name = "learning";

    private const int Every = 250, Length = 160;

    /// <summary>Steps made in this process.</summary>
    internal int Steps { get; private set; }

    /// <inheritdoc/>
    public override void OnStep(TrainingRun run)
    {
        Steps++;
        if (run.Step % Every == 0)
        {
            string text = $"--- step {run.Step}{Environment.NewLine}{writer.Write("\n", Length).TrimStart()}{Environment.NewLine}---";
            if (Console.IsOutputRedirected)
            {
                Console.WriteLine(text);
            }
            else
            {
                AnsiConsole.WriteLine(text);
            }
        }
    }

    /// <inheritdoc/>
    public override JsonObject Save() => new() { ["characters"] = vocabulary.Characters };

    /// <inheritdoc/>
    public override void Load(JsonObject values)
    {
        if (Characters(values) != vocabulary.Characters)
        {
            throw new InvalidInputException("The checkpoint learned from a text of other characters.");
        }
    }

    /// <summary>The characters that were saved.</summary>
    /// <param name="values">What <see cref="Save"/> gave.</param>
    /// <exception cref="InvalidInputException">The checkpoint is not of this program.</exception>
    internal static string Characters(JsonNode? values) =>
        values?["characters"] is JsonValue value && value.TryGetValue(out string? characters) && characters.Length > 0
            ? characters
            : throw new InvalidInputException("The checkpoint has no characters: it is of another program.");
}
