using Samples;

namespace CharacterModel;

/// <summary>What the command line says.</summary>
internal sealed record Settings(
    string? Text, string Device, int Steps, long Seed, bool Compile, string? Checkpoint, bool Resume, int? Generate, string? Prompt)
{
    /// <summary>What the learning rate's schedule is made for.</summary>
    internal const int DefaultSteps = 2000;

    /// <summary>Checks what can be checked before anything is computed.</summary>
    /// <exception cref="InvalidInputException">Something cannot be.</exception>
    internal void Check()
    {
        Require(Steps >= 1, $"--steps must be at least 1, got {Steps}.");
        Require(Generate is null or >= 1, $"--generate must be at least 1, got {Generate}.");
        Require(Generate is null || Checkpoint is not null, "--generate needs the --checkpoint of a trained model.");
        Require(Generate is null || !Resume, "--generate does not train, so there is nothing to --resume.");
        Require(Prompt is null || Generate is not null, "--prompt needs --generate.");
        Require(Prompt is null or { Length: > 0 }, "--prompt must not be empty.");
        Require(Text is null || File.Exists(Text), $"There is no file '{Text}'.");
    }

    private static void Require(bool holds, string message)
    {
        if (!holds)
        {
            throw new InvalidInputException(message);
        }
    }
}
