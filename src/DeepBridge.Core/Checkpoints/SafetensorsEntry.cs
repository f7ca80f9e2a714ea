namespace DeepBridge.Checkpoints;

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Name">Its key.</param>
/// <param name="Spec">Shape and dtype.</param>
/// <param name="Offset">Where its elements begin, in bytes after the header.</param>
public sealed record SafetensorsEntry(string Name, TensorSpec Spec, long Offset)
{
    /// <summary>Where its elements end, in bytes after the header.</summary>
    internal long End => Offset + Spec.Bytes;
}

/// <summary>The dtypes of the format.</summary>
internal static class SafetensorsDTypes
{
    // The order of the reference implementation's enumeration, by which it sorts tensors.
    private static readonly (string Name, DType DType)[] s_all =
    [
        ("BOOL", DType.Bool), ("U8", DType.UInt8), ("I8", DType.Int8), ("I16", DType.Int16), ("F16", DType.Float16),
        ("BF16", DType.BFloat16), ("I32", DType.Int32), ("F32", DType.Float32), ("F64", DType.Float64), ("I64", DType.Int64),
    ];

    /// <summary>All names, for error messages.</summary>
    internal static string Names => string.Join(", ", s_all.Select(pair => pair.Name));

    /// <summary>The place in the reference implementation's order.</summary>
    internal static int RankOf(DType dtype) => Array.FindIndex(s_all, pair => pair.DType == dtype);

    internal static string NameOf(DType dtype) => s_all[RankOf(dtype)].Name;

    internal static DType? Find(string name)
    {
        foreach ((string candidate, DType dtype) in s_all)
        {
            if (candidate == name)
            {
                return dtype;
            }
        }

        return null;
    }
}
