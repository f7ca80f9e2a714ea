using System.Diagnostics;

namespace DeepBridge.TensorFlow.Tests;

/// <summary>Runs one class of this assembly in a process of its own, which it may end, and whose TensorFlow is set up otherwise.</summary>
internal static class Child
{
    /// <summary>Runs a class and requires that all its tests pass.</summary>
    /// <param name="name">The class.</param>
    /// <param name="isExplicit">Whether its tests run only where they are asked for.</param>
    /// <param name="environment">Variables.</param>
    /// <returns>What it wrote.</returns>
    internal static string Run(string name, bool isExplicit, params (string Name, string? Value)[] environment)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        string assembly = typeof(Child).Assembly.Location;
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet" || !File.Exists(Path.ChangeExtension(assembly, null)))
        {
            start.FileName = "dotnet";
            start.ArgumentList.Add(assembly);
        }
        else
        {
            start.FileName = Path.ChangeExtension(assembly, null);
        }

        foreach (string argument in new[] { "-class", name, "-explicit", isExplicit ? "only" : "off", "-noColor" })
        {
            start.ArgumentList.Add(argument);
        }

        foreach ((string variable, string? value) in environment)
        {
            start.Environment[variable] = value;
        }

        using Process child = Process.Start(start)!;
        Task<string> error = child.StandardError.ReadToEndAsync();
        string output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        child.ExitCode.Should().Be(0, $"{name} passes in its own process:\n{Tail(output)}\n{Tail(error.Result)}");
        output.Should().MatchRegex(@"Total: [1-9]\d*, Errors: 0, Failed: 0");
        return output;
    }

    private static string Tail(string text) => text.Length > 4000 ? text[^4000..] : text;
}
