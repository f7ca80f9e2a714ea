using DeepBridge.Checkpoints;

namespace DeepBridge.Testing;

/// <summary>What PyTorch computed, and how DeepBridge computes it.</summary>
/// <param name="Name">The case in the golden file.</param>
/// <param name="Ops">The ops that it judges.</param>
/// <param name="Function">From the inputs to the outputs.</param>
public sealed record Golden(string Name, IReadOnlyList<Type> Ops, Func<Tensor[], Tensor[]> Function);

/// <summary>The golden files that the assembly carries; <c>eng/goldens/make_goldens.py</c> makes them.</summary>
internal static class GoldenFiles
{
    internal static readonly Lazy<SafetensorsFile> Ops = new(() => Open("ops"));
    internal static readonly Lazy<SafetensorsFile> Layers = new(() => Open("layers"));
    internal static readonly Lazy<SafetensorsFile> Optimizers = new(() => Open("optimizers"));
    internal static readonly Lazy<SafetensorsFile> Schedules = new(() => Open("schedules"));

    /// <summary>The names of the cases in a file.</summary>
    internal static HashSet<string> Cases(SafetensorsFile file) => [.. file.Entries.Keys.Select(key => key[..key.IndexOf('/', StringComparison.Ordinal)])];

    /// <summary>The tensors case/in0, case/in1, ….</summary>
    internal static Tensor[] Read(SafetensorsFile file, string name, string kind, Device device)
    {
        List<Tensor> tensors = [];
        while (file.Entries.ContainsKey($"{name}/{kind}{tensors.Count}"))
        {
            tensors.Add(file.Read($"{name}/{kind}{tensors.Count}", device));
        }

        return [.. tensors];
    }

    private static SafetensorsFile Open(string name)
    {
        string path = Path.Combine(Path.GetTempPath(), $"deepbridge-{name}-{Guid.NewGuid():N}.safetensors");
        using (Stream resource = typeof(GoldenFiles).Assembly.GetManifestResourceStream($"{name}.safetensors")!)
        using (FileStream copy = File.Create(path))
        {
            resource.CopyTo(copy);
        }

        SafetensorsFile file = SafetensorsFile.Open(path);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => File.Delete(path);
        return file;
    }
}
