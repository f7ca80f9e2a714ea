using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace DeepBridge.Checkpoints;

/// <summary>The page that lies beside the tensors of a checkpoint and says what they are.</summary>
/// <param name="Format">The version of this layout.</param>
/// <param name="DeepBridge">The version of the library that wrote it.</param>
/// <param name="Step">Steps made.</param>
/// <param name="Epoch">Epochs finished.</param>
/// <param name="Created">When it was written.</param>
/// <param name="Scores">What the run measured, by name.</param>
/// <param name="Values">The small values.</param>
/// <param name="Sections">The file of each section.</param>
/// <param name="Sha256">The hash of this page, written with an empty one: a changed number does not pass unseen.</param>
internal sealed record CheckpointManifest(
    int Format,
    string DeepBridge,
    long Step,
    long Epoch,
    DateTimeOffset Created,
    Dictionary<string, double> Scores,
    JsonObject Values,
    Dictionary<string, SectionFile> Sections,
    string Sha256)
{
    internal const string FileName = "manifest.json";

    internal const int Version = 1;

    private const int MaxBytes = 1 << 26;

    /// <summary>Reads and checks a page that nobody vouches for.</summary>
    /// <param name="path">Its file.</param>
    /// <returns>The page.</returns>
    /// <exception cref="FileFormatException">It is not there, damaged, or of a later version.</exception>
    internal static CheckpointManifest Read(string path)
    {
        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            if (stream.Length > MaxBytes)
            {
                throw new FileFormatException($"'{path}' has {stream.Length} bytes; {MaxBytes} is the most.");
            }

            CheckpointManifest manifest = JsonSerializer.Deserialize(stream, ManifestContext.Default.CheckpointManifest)
                ?? throw new FileFormatException($"'{path}' is empty.");
            if (manifest.Format != Version)
            {
                throw new FileFormatException(
                    $"'{path}' has format {manifest.Format}, written by DeepBridge {manifest.DeepBridge}; this version reads format {Version}.");
            }

            return manifest.Seal().Sha256 == manifest.Sha256 && manifest.Sections.Keys.All(TrainingState.IsName)
                ? manifest
                : throw new FileFormatException($"'{path}' is damaged: it is not what was written.");
        }
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            throw new FileFormatException($"'{path}' is not the manifest of a checkpoint: {error.Message}", error);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new FileFormatException($"'{path}' is missing: the folder is no checkpoint, or damaged.", error);
        }
    }

    /// <summary>The page with its hash.</summary>
    internal CheckpointManifest Seal() => this with { Sha256 = Convert.ToHexStringLower(SHA256.HashData((this with { Sha256 = "" }).ToBytes())) };

    /// <summary>The page as it is written.</summary>
    internal byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, ManifestContext.Default.CheckpointManifest);
}

/// <summary>The size and the hash of one file.</summary>
/// <param name="Bytes">The size.</param>
/// <param name="Sha256">The hash, in lower-case hexadecimal digits.</param>
internal sealed record SectionFile(long Bytes, string Sha256);

/// <summary>How the page is written, without reflection.</summary>
[JsonSourceGenerationOptions(
#if NET10_0_OR_GREATER
    AllowDuplicateProperties = false,
#endif
    WriteIndented = true,
    NewLine = "\n",
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(CheckpointManifest))]
internal sealed partial class ManifestContext : JsonSerializerContext;
