using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace DeepBridge.Torch.Tests;

/// <summary>
/// Runs a scenario in a process of its own, since what it guards against can end the process: this assembly is started again,
/// and finds the scenario's name in a variable before any test framework is there.
/// </summary>
internal static class Child
{
    private const string Variable = "DEEPBRIDGE_TORCH_SCENARIO";

    private static readonly Dictionary<string, Action> s_scenarios = new(StringComparer.Ordinal)
    {
        [nameof(Scenarios.MistakesAreTyped)] = Scenarios.MistakesAreTyped,
        [nameof(Scenarios.ContinuousCollection)] = Scenarios.ContinuousCollection,
        [nameof(Scenarios.Division)] = Scenarios.Division,
        [nameof(Scenarios.NobodyReleases)] = Scenarios.NobodyReleases,
        [nameof(Scenarios.NoMemoryLeft)] = Scenarios.NoMemoryLeft,
        [nameof(Scenarios.WithoutNatives)] = Scenarios.WithoutNatives,
        [nameof(Scenarios.WithoutCuda)] = Scenarios.WithoutCuda,
        [nameof(Scenarios.Options)] = Scenarios.Options,
        [nameof(Scenarios.Deferred)] = Scenarios.Deferred,
        [nameof(Loops.Mlp)] = Loops.Mlp,
        [nameof(Loops.Cnn)] = Loops.Cnn,
    };

    /// <summary>Runs a scenario.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="folder">Where this assembly lies; null: where it runs.</param>
    /// <returns>Its exit code, 0 where all held, and what it wrote.</returns>
    internal static (int Code, string Text) Run(string name, string? folder = null)
    {
        string assembly = Path.Combine(folder ?? AppContext.BaseDirectory, Path.GetFileName(typeof(Child).Assembly.Location));
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(assembly);
        start.Environment[Variable] = name;

        // What is compiled again while a loop runs takes memory that is not the loop's.
        start.Environment["DOTNET_TieredCompilation"] = "0";
        if (folder is not null)
        {
            // TorchSharp would look into the cache of packages, where natives of another version may lie.
            start.Environment["NUGET_PACKAGES"] = folder;
            start.Environment["LD_LIBRARY_PATH"] = folder;
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        process.WaitForExit(1_200_000).Should().BeTrue("a scenario ends by itself");
        return (process.ExitCode, output.Result + errors.Result);
    }

    [ModuleInitializer]
    internal static void RunScenario()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } name)
        {
            return;
        }

        try
        {
            s_scenarios[name]();
            Console.WriteLine($"{name} held");
            Environment.Exit(0);
        }
        catch (Exception error)
        {
            Console.WriteLine(error);
            Environment.Exit(1);
        }
    }
}
