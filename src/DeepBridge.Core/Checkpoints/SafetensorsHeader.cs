using System.Text.Json;
using System.Text.Unicode;

namespace DeepBridge.Checkpoints;

/// <summary>
/// Reads the header of a safetensors file that nobody vouches for. Time and memory are linear in the header's length,
/// which is bounded.
/// </summary>
internal sealed class SafetensorsHeader
{
    /// <summary>The reference implementation's bound.</summary>
    internal const int MaxBytes = 100_000_000;

    /// <summary>The entry that is no tensor.</summary>
    internal const string MetadataKey = "__metadata__";

    private const int MaxRank = 64;

    private readonly Dictionary<string, string> _metadata = [];
    private readonly Dictionary<string, SafetensorsEntry> _entries = [];
    private readonly List<int> _dims = [];

    private SafetensorsHeader()
    {
    }

    internal IReadOnlyDictionary<string, string> Metadata => _metadata;

    internal IReadOnlyDictionary<string, SafetensorsEntry> Entries => _entries;

    /// <summary>Reads and checks a header.</summary>
    /// <param name="json">The header.</param>
    /// <param name="dataBytes">How many bytes follow it.</param>
    /// <returns>The header.</returns>
    /// <exception cref="FileFormatException">It is not one, or does not fit what follows.</exception>
    internal static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long dataBytes)
    {
        if (json.IsEmpty || json[0] != (byte)'{')
        {
            throw new FileFormatException("The header does not begin with '{'.");
        }

        if (!Utf8.IsValid(json))
        {
            throw new FileFormatException("The header is not valid UTF-8.");
        }

        SafetensorsHeader header = new();
        try
        {
            Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = 4 });
            header.Read(ref reader);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // A lone surrogate in a string is an InvalidOperationException.
            throw new FileFormatException($"The header is not the JSON of a safetensors file: {error.Message}", error);
        }

        header.RequireCover(dataBytes);
        return header;
    }

    private static FileFormatException Bad(string name, string what) => new($"Tensor '{WeightsFile.Shorten(name)}': {what}");

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type, string name, string what)
    {
        if (!reader.Read() || reader.TokenType != type)
        {
            throw Bad(name, $"{what} is not {type switch
            {
                JsonTokenType.StartObject => "an object",
                JsonTokenType.StartArray => "a list",
                JsonTokenType.String => "a string",
                _ => "a number",
            }}.");
        }
    }

    private void Read(ref Utf8JsonReader reader)
    {
        reader.Read();
        bool hasMetadata = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            if (name == MetadataKey)
            {
                if (hasMetadata)
                {
                    throw new FileFormatException("The header has two entries '__metadata__'.");
                }

                hasMetadata = true;
                ReadMetadata(ref reader);
            }
            else if (!_entries.TryAdd(name, ReadEntry(ref reader, name)))
            {
                throw Bad(name, "the header lists it twice.");
            }
        }

        // What follows the closing brace may be spaces; the reader throws for anything else.
        reader.Read();
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        Expect(ref reader, JsonTokenType.StartObject, MetadataKey, "the value");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            Expect(ref reader, JsonTokenType.String, MetadataKey, $"the value of '{WeightsFile.Shorten(key)}'");
            if (!_metadata.TryAdd(key, reader.GetString()!))
            {
                throw Bad(MetadataKey, $"'{WeightsFile.Shorten(key)}' is there twice.");
            }
        }
    }

    private SafetensorsEntry ReadEntry(ref Utf8JsonReader reader, string name)
    {
        Expect(ref reader, JsonTokenType.StartObject, name, "the entry");
        DType? dtype = null;
        Shape? shape = null;
        (long Begin, long End)? offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("dtype"u8) && dtype is null)
            {
                dtype = ReadDType(ref reader, name);
            }
            else if (reader.ValueTextEquals("shape"u8) && shape is null)
            {
                shape = ReadShape(ref reader, name);
            }
            else if (reader.ValueTextEquals("data_offsets"u8) && offsets is null)
            {
                offsets = ReadOffsets(ref reader, name);
            }
            else
            {
                throw Bad(name, $"the field '{WeightsFile.Shorten(reader.GetString()!)}' is unknown or there twice.");
            }
        }

        if (dtype is null || shape is null || offsets is null)
        {
            throw Bad(name, "an entry needs the fields dtype, shape and data_offsets.");
        }

        TensorSpec spec = new(shape.Value, dtype.Value);
        (long begin, long end) = offsets.Value;
        Int128 needed = (Int128)spec.Count * dtype.Value.Size();
        return begin <= end && end - begin == needed ? new SafetensorsEntry(name, spec, begin) : throw Bad(
            name, $"the offsets {begin} to {end} are not the {needed} bytes of {spec}.");
    }

    private static DType ReadDType(ref Utf8JsonReader reader, string name)
    {
        Expect(ref reader, JsonTokenType.String, name, "the dtype");
        string text = reader.GetString()!;
        return SafetensorsDTypes.Find(text) ?? throw Bad(
            name, $"the dtype '{WeightsFile.Shorten(text)}' is not supported; supported are {SafetensorsDTypes.Names}.");
    }

    private Shape ReadShape(ref Utf8JsonReader reader, string name)
    {
        Expect(ref reader, JsonTokenType.StartArray, name, "the shape");
        _dims.Clear();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out int dim) || dim < 0)
            {
                throw Bad(name, $"a dimension is not a whole number from 0 to {int.MaxValue}.");
            }

            if (_dims.Count == MaxRank)
            {
                throw Bad(name, $"the shape has more than {MaxRank} dimensions.");
            }

            _dims.Add(dim);
        }

        try
        {
            return Shape.Create([.. _dims]);
        }
        catch (ArgumentOutOfRangeException error)
        {
            throw new FileFormatException($"Tensor '{WeightsFile.Shorten(name)}': {error.Message}", error);
        }
    }

    private static (long Begin, long End) ReadOffsets(ref Utf8JsonReader reader, string name)
    {
        Expect(ref reader, JsonTokenType.StartArray, name, "data_offsets");
        long begin = ReadOffset(ref reader, name), end = ReadOffset(ref reader, name);
        return reader.Read() && reader.TokenType == JsonTokenType.EndArray
            ? (begin, end)
            : throw Bad(name, "data_offsets has more than two numbers.");
    }

    private static long ReadOffset(ref Utf8JsonReader reader, string name)
    {
        Expect(ref reader, JsonTokenType.Number, name, "an offset");
        return reader.TryGetInt64(out long offset) && offset >= 0 ? offset : throw Bad(name, "an offset is not a whole number from 0 on.");
    }

    /// <summary>The tensors must lie one after the other, without gaps and overlaps, up to the end of the file.</summary>
    private void RequireCover(long dataBytes)
    {
        long end = 0;
        foreach (SafetensorsEntry entry in _entries.Values.OrderBy(entry => entry.Offset).ThenBy(entry => entry.End))
        {
            if (entry.Offset != end)
            {
                throw Bad(entry.Name, $"it begins at byte {entry.Offset} of the data, but the tensor before it ends at {end}.");
            }

            end = entry.End;
        }

        if (end != dataBytes)
        {
            throw new FileFormatException($"The tensors end at byte {end} of the data, but {dataBytes} bytes follow the header.");
        }
    }
}
