using System.Diagnostics;
using System.Text.Json;

namespace DeepBridge.Benchmarks;

/// <summary>What PyTorch needs for the same work, measured in the same run.</summary>
/// <param name="Description">Version, BLAS and threads.</param>
/// <param name="Nanoseconds">Medians by workload.</param>
internal sealed record Peer(string Description, IReadOnlyDictionary<string, double> Nanoseconds)
{
    /// <summary>Runs the script; null where there is no PyTorch.</summary>
    /// <param name="threads">How many threads it may use.</param>
    internal static Peer? Measure(int threads)
    {
        string script = Path.Combine(AppContext.BaseDirectory, "peer.py");
        string python = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
        using Process? process = Process.Start(new ProcessStartInfo(python, [script, $"{threads}"]) { RedirectStandardOutput = true, RedirectStandardError = true });
        string output = process!.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            return null;
        }

        using JsonDocument json = JsonDocument.Parse(output);
        JsonElement root = json.RootElement;
        Dictionary<string, double> results = root.GetProperty("results").EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value.GetDouble());
        return new Peer($"PyTorch {root.GetProperty("torch")}, {root.GetProperty("blas")}, threads {threads}", results);
    }

    /// <summary>The smaller of two measurements of each workload.</summary>
    /// <param name="first">One.</param>
    /// <param name="second">The other.</param>
    internal static Peer Better(Peer first, Peer second) => new(
        $"{first.Description}; {second.Description}",
        first.Nanoseconds.ToDictionary(entry => entry.Key, entry => Math.Min(entry.Value, second.Nanoseconds[entry.Key])));
}
