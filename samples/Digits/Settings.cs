using Samples;

namespace Digits;

/// <summary>What the command line says.</summary>
internal sealed record Settings(
    string Device, int Epochs, long Seed, string Model, string? Save, string? Load, string? Predict, bool Compile, string? Checkpoint, bool Resume)
{
    /// <summary>Enough for the convolutional network to settle.</summary>
    internal const int DefaultEpochs = 20;

    /// <summary>Checks what can be checked before anything is computed.</summary>
    /// <exception cref="InvalidInputException">Something cannot be.</exception>
    internal void Check()
    {
        if (Epochs < 0)
        {
            throw new InvalidInputException($"--epochs must not be negative, got {Epochs}.");
        }

        if (Model is not ("mlp" or "cnn"))
        {
            throw new InvalidInputException($"--model is mlp or cnn, got '{Model}'.");
        }

        if (Load is not null && Checkpoint is not null)
        {
            throw new InvalidInputException("--load skips training, so there is nothing for --checkpoint.");
        }

        foreach (string? file in new[] { Load, Predict })
        {
            if (file is not null && !File.Exists(file))
            {
                throw new InvalidInputException($"There is no file '{file}'.");
            }
        }

        if (Save is not null && (Directory.Exists(Save) || !Directory.Exists(Path.GetDirectoryName(Save))))
        {
            throw new InvalidInputException($"'{Save}' cannot be written: it is a folder, or its folder does not exist.");
        }
    }
}
