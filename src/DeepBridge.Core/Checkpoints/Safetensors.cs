using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace DeepBridge.Checkpoints;

/// <summary>
/// Writes tensors as the reference implementation does, byte by byte: by dtype and name, the header filled up with
/// spaces to a multiple of eight bytes. <see cref="SafetensorsFile"/> reads them.
/// </summary>
public static class Safetensors
{
    private static readonly UTF8Encoding s_utf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>
    /// Writes a file, or replaces one. The tensors go to a temporary file beside it, which takes the target's name when
    /// it lies on the disk: a write that fails leaves the old file whole.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">The tensors by name.</param>
    /// <param name="metadata">What the file says of itself, such as <c>format</c>: <c>pt</c>; null: nothing.</param>
    /// <exception cref="ArgumentException">
    /// A name is <c>__metadata__</c> or no valid Unicode, or the header has more than 100 MB.
    /// </exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="TracingException">A graph is being traced: the tensors have no values yet.</exception>
    public static void Save(
        string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        AtomicFile.Write(path, stream => Write(tensors, metadata, stream.Write));
    }

    /// <summary>Writes the bytes of a file.</summary>
    /// <param name="tensors">The tensors by name.</param>
    /// <param name="metadata">What the file says of itself, or null.</param>
    /// <param name="write">Takes the bytes, piece by piece.</param>
    internal static void Write(
        IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string>? metadata, Action<ReadOnlySpan<byte>> write)
    {
        if (tensors.ContainsKey(SafetensorsHeader.MetadataKey))
        {
            throw new ArgumentException($"No tensor may be called '{SafetensorsHeader.MetadataKey}': the format keeps that name.", nameof(tensors));
        }

        Item[] items = [.. tensors.Select(pair => new Item(pair.Key, Encode(pair.Key), pair.Value))];
        Array.Sort(items);
        byte[] header = Header(items, metadata);
        Span<byte> length = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        write(length);
        write(header);
        foreach (Item item in items)
        {
            item.Tensor.ReadBytes(write);
        }
    }

    private static byte[] Header(Item[] items, IReadOnlyDictionary<string, string>? metadata)
    {
        StringBuilder text = new("{");
        if (metadata is not null)
        {
            text.Append($"\"{SafetensorsHeader.MetadataKey}\":{{");
            string comma = string.Empty;
            foreach ((string key, string value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                Quote(text.Append(comma), key).Append(':');
                Quote(text, value);
                comma = ",";
            }

            text.Append('}');
        }

        long offset = 0;
        foreach (Item item in items)
        {
            TensorSpec spec = item.Tensor.Spec;
            Quote(text.Append(text.Length > 1 ? "," : string.Empty), item.Name);
            text.Append(CultureInfo.InvariantCulture, $":{{\"dtype\":\"{SafetensorsDTypes.NameOf(spec.DType)}\",\"shape\":[")
                .AppendJoin(',', spec.Shape.AsSpan().ToArray())
                .Append(CultureInfo.InvariantCulture, $"],\"data_offsets\":[{offset},{offset + spec.Bytes}]}}");
            offset += spec.Bytes;
        }

        byte[] json = Encode(text.Append('}').ToString());
        byte[] header = new byte[(json.Length + 7) / 8 * 8];
        header.AsSpan().Fill((byte)' ');
        json.CopyTo(header, 0);
        return header.Length <= SafetensorsHeader.MaxBytes ? header : throw new ArgumentException(
            $"The header has {header.Length} bytes; {SafetensorsHeader.MaxBytes} is the most.", nameof(items));
    }

    private static byte[] Encode(string text)
    {
        try
        {
            return s_utf8.GetBytes(text);
        }
        catch (EncoderFallbackException error)
        {
            throw new ArgumentException("A name or a value is not valid Unicode.", nameof(text), error);
        }
    }

    /// <summary>Writes a JSON string as the reference implementation does, which escapes only what it must.</summary>
    private static StringBuilder Quote(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (char c in value)
        {
            _ = c switch
            {
                '"' => text.Append("\\\""),
                '\\' => text.Append("\\\\"),
                '\b' => text.Append("\\b"),
                '\f' => text.Append("\\f"),
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                '\t' => text.Append("\\t"),
                < ' ' => text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => text.Append(c),
            };
        }

        return text.Append('"');
    }

    private sealed record Item(string Name, byte[] Utf8, Tensor Tensor) : IComparable<Item>
    {
        public int CompareTo(Item? other)
        {
            int byType = SafetensorsDTypes.RankOf(other!.Tensor.DType).CompareTo(SafetensorsDTypes.RankOf(Tensor.DType));
            return byType != 0 ? byType : Utf8.AsSpan().SequenceCompareTo(other.Utf8);
        }
    }
}
