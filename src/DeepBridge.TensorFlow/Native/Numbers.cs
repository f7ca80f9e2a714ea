using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace DeepBridge.TensorFlow.Native;

/// <summary>Numbers as bytes of any dtype.</summary>
internal static unsafe class Numbers
{
    /// <summary>A number in a dtype: a floating one saturates in an integer dtype, a whole one wraps.</summary>
    /// <param name="value">The value.</param>
    /// <param name="dtype">The dtype.</param>
    /// <returns>Its bytes.</returns>
    internal static byte[] Bytes(Scalar value, DType dtype)
    {
        double real = value.ToDouble();
        (long least, long most) = Range(dtype);
        long whole = value.Kind != DType.Float64 ? value.ToInt64() : Math.Clamp(long.CreateSaturating(real), least, most);
        return dtype switch
        {
            DType.Bool => [(byte)(real != 0 ? 1 : 0)],
            DType.Float16 => BitConverter.GetBytes((Half)real),
            DType.BFloat16 => MemoryMarshal.AsBytes<BFloat16>([(BFloat16)(float)real]).ToArray(),
            DType.Float32 => BitConverter.GetBytes((float)real),
            DType.Float64 => BitConverter.GetBytes(real),
            _ => BitConverter.GetBytes(whole)[..dtype.Size()],
        };
    }

    /// <summary>What an integer dtype holds.</summary>
    /// <param name="dtype">The dtype.</param>
    /// <returns>The least and the greatest number.</returns>
    internal static (long Least, long Most) Range(DType dtype) => dtype switch
    {
        DType.UInt8 => (byte.MinValue, byte.MaxValue),
        DType.Int8 => (sbyte.MinValue, sbyte.MaxValue),
        DType.Int16 => (short.MinValue, short.MaxValue),
        DType.Int32 => (int.MinValue, int.MaxValue),
        _ => (long.MinValue, long.MaxValue),
    };

    /// <summary>Extents as TensorFlow takes them.</summary>
    /// <param name="values">The extents.</param>
    /// <param name="wide">Room for as many.</param>
    internal static void Widen(ReadOnlySpan<int> values, long* wide) =>
        TensorPrimitives.ConvertTruncating(values, new Span<long>(wide, values.Length));
}
