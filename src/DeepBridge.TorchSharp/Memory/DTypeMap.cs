namespace DeepBridge.Torch;

/// <summary>Dtypes, extents and devices in TorchSharp's words.</summary>
internal static class DTypeMap
{
    /// <summary>The dtype as TorchSharp names it.</summary>
    /// <param name="dtype">The dtype.</param>
    internal static ScalarType ToTorch(this DType dtype) => dtype switch
    {
        DType.Bool => ScalarType.Bool,
        DType.UInt8 => ScalarType.Byte,
        DType.Int8 => ScalarType.Int8,
        DType.Int16 => ScalarType.Int16,
        DType.Int32 => ScalarType.Int32,
        DType.Int64 => ScalarType.Int64,
        DType.Float16 => ScalarType.Float16,
        DType.BFloat16 => ScalarType.BFloat16,
        DType.Float32 => ScalarType.Float32,
        _ => ScalarType.Float64,
    };

    /// <summary>The dtype that TorchSharp names so; null: DeepBridge has none like it.</summary>
    /// <param name="type">TorchSharp's name.</param>
    internal static DType? ToDType(this ScalarType type) => type switch
    {
        ScalarType.Bool => DType.Bool,
        ScalarType.Byte => DType.UInt8,
        ScalarType.Int8 => DType.Int8,
        ScalarType.Int16 => DType.Int16,
        ScalarType.Int32 => DType.Int32,
        ScalarType.Int64 => DType.Int64,
        ScalarType.Float16 => DType.Float16,
        ScalarType.BFloat16 => DType.BFloat16,
        ScalarType.Float32 => DType.Float32,
        ScalarType.Float64 => DType.Float64,
        _ => null,
    };

    /// <summary>Whether a dtype only stores what float32 computes.</summary>
    /// <param name="dtype">The dtype.</param>
    internal static bool IsHalf(this DType dtype) => dtype is DType.Float16 or DType.BFloat16;

    /// <summary>Entries as TorchSharp takes them.</summary>
    /// <param name="dims">The entries.</param>
    internal static long[] ToLongs(this Dims dims) => Longs(dims.AsSpan());

    /// <summary>Extents as TorchSharp takes them.</summary>
    /// <param name="shape">The shape.</param>
    internal static long[] ToLongs(this Shape shape) => Longs(shape.AsSpan());

    /// <summary>Entries as TorchSharp takes them.</summary>
    /// <param name="values">The entries.</param>
    internal static long[] Longs(ReadOnlySpan<int> values)
    {
        if (values.IsEmpty)
        {
            return [];
        }

        long[] longs = new long[values.Length];
        for (int i = 0; i < longs.Length; i++)
        {
            longs[i] = values[i];
        }

        return longs;
    }
}
