using System.Text.Json;

namespace DeepBridge.Checkpoints;

/// <summary>Several files and an index that says where each tensor is, as Hugging Face writes large models.</summary>
internal sealed class ShardedWeights : WeightsFile
{
    private const int MaxBytes = 100_000_000;

    private readonly string _path;
    private readonly Dictionary<string, WeightsFile> _shards = [];
    private readonly Dictionary<string, WeightsFile> _homes = [];
    private readonly Dictionary<string, TensorSpec> _specs = [];

    internal ShardedWeights(string path)
    {
        _path = path;
        try
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            using JsonDocument index = stream.Length <= MaxBytes ? JsonDocument.Parse(stream) : throw Bad($"it has more than {MaxBytes} bytes.");
            if (index.RootElement.ValueKind != JsonValueKind.Object || !index.RootElement.TryGetProperty("weight_map", out JsonElement map)
                || map.ValueKind != JsonValueKind.Object)
            {
                throw Bad("it has no object 'weight_map'.");
            }

            foreach (JsonProperty pair in map.EnumerateObject())
            {
                string file = pair.Value.ValueKind == JsonValueKind.String ? pair.Value.GetString()! : throw Bad("a file's name is no text.");
                WeightsFile shard = _shards.TryGetValue(file, out WeightsFile? open) ? open : _shards[file] = OpenShard(file);
                if (!shard.Specs.TryGetValue(pair.Name, out TensorSpec? spec) || !_specs.TryAdd(pair.Name, spec))
                {
                    throw Bad($"tensor '{Shorten(pair.Name)}' is not in '{Shorten(file)}', or is named twice.");
                }

                _homes[pair.Name] = shard;
            }
        }
        catch (Exception error)
        {
            Dispose();
            throw error is JsonException or InvalidOperationException ? Bad(error.Message, error) : error;
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, TensorSpec> Specs => _specs;

    /// <inheritdoc/>
    public override Tensor Read(string key, Device? device = null) =>
        _homes.TryGetValue(key, out WeightsFile? shard) ? shard.Read(key, device) : throw new KeyNotFoundException($"'{_path}' has no tensor '{key}'.");

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (WeightsFile shard in _shards.Values)
        {
            shard.Dispose();
        }
    }

    /// <inheritdoc/>
    internal override void Verify(string key) => _homes[key].Verify(key);

    private FileFormatException Bad(string what, Exception? inner = null) => new($"'{_path}' is not a valid index: {what}", inner);

    private WeightsFile OpenShard(string name)
    {
        // A name with a folder in it could lead anywhere on this machine.
        if (name is "" or "." or ".." || name.AsSpan().ContainsAny("/\\:\0"))
        {
            throw Bad($"'{Shorten(name)}' is no plain file name.");
        }

        string path = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(_path))!, name);
        return File.Exists(path) ? OpenFile(path) : throw Bad($"its file '{Shorten(name)}' is missing.");
    }
}
