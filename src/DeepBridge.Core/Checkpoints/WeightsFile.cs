namespace DeepBridge.Checkpoints;

/// <summary>Tensors by key in a file, or several: the keys and specs are known at once, a tensor is read when asked for.</summary>
public abstract class WeightsFile : IDisposable
{
    private static readonly string[] s_names = ["model.safetensors.index.json", "model.safetensors", "pytorch_model.bin.index.json", "pytorch_model.bin"];

    private protected WeightsFile()
    {
    }

    /// <summary>Shape and dtype of each tensor by key.</summary>
    public abstract IReadOnlyDictionary<string, TensorSpec> Specs { get; }

    /// <summary>
    /// Opens what holds weights, told by its content and not by its name: a safetensors file, a file that PyTorch wrote, an
    /// index of several such as Hugging Face writes, or a folder with one of these under its usual name.
    /// </summary>
    /// <param name="path">The file or folder.</param>
    /// <returns>The open file.</returns>
    /// <exception cref="FileFormatException">It is none of these, or damaged, or a file of an index is missing.</exception>
    /// <exception cref="IOException">It is not there or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    public static WeightsFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!Directory.Exists(path))
        {
            return IsIndex(Start(path)) ? new ShardedWeights(path) : OpenFile(path);
        }

        return s_names.Select(name => Path.Combine(path, name)).FirstOrDefault(File.Exists) is { } found
            ? Open(found)
            : throw new FileFormatException($"The folder '{path}' has none of {string.Join(", ", s_names)}.");
    }

    /// <summary>Copies one tensor to a device.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="device">The device; null: the default device.</param>
    /// <returns>The tensor, of the file's dtype.</returns>
    /// <exception cref="KeyNotFoundException">There is no such tensor.</exception>
    /// <exception cref="FileFormatException">The tensor is damaged, or too large.</exception>
    /// <exception cref="ObjectDisposedException">The file is closed.</exception>
    public abstract Tensor Read(string key, Device? device = null);

    /// <summary>Closes the file; tensors that were read stay.</summary>
    public abstract void Dispose();

    /// <summary>Throws for what only the elements show, so that a load that has begun does not stop half-way.</summary>
    /// <param name="key">The tensor that will be read.</param>
    internal abstract void Verify(string key);

    /// <summary>Opens one file that is no index.</summary>
    private protected static WeightsFile OpenFile(string path)
    {
        byte[] start = Start(path);
        if (IsSafetensors(start) || !(start is [0x80, ..] || start.AsSpan().StartsWith("PK\u0003\u0004"u8) || start.AsSpan(257).StartsWith("ustar"u8)))
        {
            return SafetensorsFile.Open(path);
        }

        return start[0] == 'P' ? new PyTorchFile(path) : throw new FileFormatException(
            $"'{path}' was written by a PyTorch before 1.6, or with the format of then. Load it in PyTorch and torch.save it again, or save it as safetensors.");
    }

    /// <summary>A name as a message shows it: a file that nobody vouches for may have made it very long.</summary>
    internal static string Shorten(string name) => name.Length <= 200 ? name : name[..200] + "…";

    // The length of the header, below 2³², and its first brace.
    private static bool IsSafetensors(byte[] start) => start.AsSpan(4).StartsWith("\0\0\0\0{"u8);

    private static bool IsIndex(byte[] start) => start.AsSpan().TrimStart(" \t\r\n"u8).StartsWith("{"u8) && !IsSafetensors(start);

    private static byte[] Start(string path)
    {
        byte[] start = new byte[512];
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1);
        stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        return start;
    }
}
