using Samples;

namespace Mnist;

/// <summary>What the command line says.</summary>
internal sealed record Settings(
    string? Data, string Device, int Epochs, int? Steps, long Seed, int Workers, bool Compile, string? Checkpoint, bool Resume)
{
    /// <summary>Checks what can be checked before anything is computed.</summary>
    /// <exception cref="InvalidInputException">Something cannot be.</exception>
    internal void Check()
    {
        Require(Epochs >= 0, $"--epochs must not be negative, got {Epochs}.");
        Require(Steps is null or >= 1, $"--steps must be at least 1, got {Steps}.");
        Require(Workers >= 0, $"--workers must not be negative, got {Workers}.");
        Require(Data is null || Directory.Exists(Data), $"There is no folder '{Data}'.");
    }

    private static void Require(bool holds, string message)
    {
        if (!holds)
        {
            throw new InvalidInputException(message);
        }
    }
}
