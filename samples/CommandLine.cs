using System.CommandLine;
using DeepBridge;
using DeepBridge.Checkpoints;

namespace Samples;

/// <summary>What the command lines of the samples have in common.</summary>
internal static class CommandLine
{
    /// <summary>Where to train.</summary>
    internal static Option<string> Device() => new("--device")
    {
        Description = "Where to train: cpu, or a device of a backend that was built in.",
        DefaultValueFactory = _ => DeepBridge.Device.Default.Name,
    };

    /// <summary>What everything random is drawn from.</summary>
    internal static Option<long> Seed() => new("--seed") { Description = "The seed of all that is drawn: weights, order, dropout.", DefaultValueFactory = _ => 0 };

    /// <summary>Whether steps are compiled.</summary>
    internal static Option<bool> Compile() => new("--compile") { Description = "Records the training step once and runs it as a compiled graph." };

    /// <summary>Where checkpoints go.</summary>
    internal static Option<DirectoryInfo?> Checkpoint() => new("--checkpoint") { Description = "The folder where checkpoints are saved while it trains." };

    /// <summary>Whether to go on.</summary>
    internal static Option<bool> Resume() => new("--resume") { Description = "Goes on from the newest checkpoint, if there is one." };

    /// <summary>The store of a folder.</summary>
    /// <param name="folder">The folder, or null.</param>
    /// <param name="resume">Whether to go on from what lies there.</param>
    /// <returns>The store, or null without a folder.</returns>
    /// <exception cref="InvalidInputException">There is nothing to resume from, or there are checkpoints and nobody said what to do with them.</exception>
    internal static CheckpointStore? Store(string? folder, bool resume)
    {
        if (folder is null)
        {
            return !resume ? null : throw new InvalidInputException("--resume needs --checkpoint.");
        }

        if (File.Exists(folder))
        {
            throw new InvalidInputException($"'{folder}' is a file; --checkpoint takes a folder.");
        }

        CheckpointStore store = new(folder);
        return resume || store.Latest() is null
            ? store
            : throw new InvalidInputException($"'{folder}' has checkpoints already: go on from them with --resume, or name another folder.");
    }

    /// <summary>Runs a command; what the user can put right ends with exit code 2 and one line on standard error.</summary>
    /// <param name="command">The command.</param>
    /// <param name="args">The arguments.</param>
    /// <returns>The exit code.</returns>
    internal static int Run(RootCommand command, string[] args)
    {
        ParseResult parsed = command.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            return Fail(parsed.Errors[0].Message);
        }

        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (Exception error) when (error is DeepBridgeException or IOException or UnauthorizedAccessException or InvalidInputException)
        {
            return Fail(error.Message);
        }
    }

    private static int Fail(string message)
    {
        Console.Error.WriteLine(message.ReplaceLineEndings(" "));
        return 2;
    }
}
