using System.Runtime.InteropServices;

namespace DeepBridge.Testing;

/// <summary>Elements of any dtype as doubles (the floating ones) or longs (the others), and back.</summary>
internal static class Elements
{
    /// <summary>The nearest value of a floating dtype.</summary>
    internal static double Round(double value, DType dtype) => dtype switch
    {
        DType.Float16 => (double)(Half)value,
        DType.BFloat16 => (float)(BFloat16)(float)value,
        DType.Float32 => (float)value,
        _ => value,
    };

    /// <summary>An integer wrapped into a dtype.</summary>
    internal static long Wrap(long value, DType dtype) => dtype switch
    {
        DType.Bool => value != 0 ? 1 : 0,
        DType.UInt8 => (byte)value,
        DType.Int8 => (sbyte)value,
        DType.Int16 => (short)value,
        DType.Int32 => (int)value,
        _ => value,
    };

    /// <summary>A floating value cast to an integer dtype or bool: truncated and saturated, NaN to 0.</summary>
    internal static long Truncate(double value, DType dtype)
    {
        (long least, long greatest) = dtype switch
        {
            DType.UInt8 => (byte.MinValue, byte.MaxValue),
            DType.Int8 => (sbyte.MinValue, sbyte.MaxValue),
            DType.Int16 => (short.MinValue, short.MaxValue),
            DType.Int32 => (int.MinValue, int.MaxValue),
            _ => (long.MinValue, long.MaxValue),
        };
        return dtype == DType.Bool ? (value != 0 ? 1 : 0)
            : double.IsNaN(value) ? 0
            : value <= least ? least
            : value >= greatest ? greatest
            : (long)value;
    }

    /// <summary>Bytes of a floating dtype as doubles.</summary>
    internal static double[] Reals(ReadOnlySpan<byte> bytes, DType dtype) => dtype switch
    {
        DType.Float16 => Read(bytes, (Half value) => (double)value),
        DType.BFloat16 => Read(bytes, (BFloat16 value) => (double)(float)value),
        DType.Float32 => Read(bytes, (float value) => (double)value),
        _ => Read(bytes, (double value) => value),
    };

    /// <summary>Bytes of an integer dtype, or bool, as longs.</summary>
    internal static long[] Wholes(ReadOnlySpan<byte> bytes, DType dtype) => dtype switch
    {
        DType.Bool or DType.UInt8 => Read(bytes, (byte value) => (long)value),
        DType.Int8 => Read(bytes, (sbyte value) => (long)value),
        DType.Int16 => Read(bytes, (short value) => (long)value),
        DType.Int32 => Read(bytes, (int value) => (long)value),
        _ => Read(bytes, (long value) => value),
    };

    /// <summary>Doubles, rounded, as bytes of a floating dtype.</summary>
    internal static byte[] Bytes(double[] reals, DType dtype) => dtype switch
    {
        DType.Float16 => Write(reals, value => (Half)value),
        DType.BFloat16 => Write(reals, value => (BFloat16)(float)value),
        DType.Float32 => Write(reals, value => (float)value),
        _ => Write(reals, value => value),
    };

    /// <summary>Longs, wrapped, as bytes of an integer dtype or bool.</summary>
    internal static byte[] Bytes(long[] wholes, DType dtype) => dtype.Size() switch
    {
        1 => Write(wholes, value => (byte)Wrap(value, dtype)),
        2 => Write(wholes, value => (short)value),
        4 => Write(wholes, value => (int)value),
        _ => Write(wholes, value => value),
    };

    private static TTo[] Read<TFrom, TTo>(ReadOnlySpan<byte> bytes, Converter<TFrom, TTo> convert)
        where TFrom : unmanaged => Array.ConvertAll(MemoryMarshal.Cast<byte, TFrom>(bytes).ToArray(), convert);

    private static byte[] Write<TFrom, TTo>(TFrom[] elements, Converter<TFrom, TTo> convert)
        where TTo : unmanaged => MemoryMarshal.AsBytes(Array.ConvertAll(elements, convert).AsSpan()).ToArray();
}
