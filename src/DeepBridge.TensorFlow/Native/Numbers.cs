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
        long whole = value.Kind != DType.Float64 ? value.ToInt64() : dtype switch
        {
            DType.UInt8 => byte.CreateSaturating(real),
            DType.Int8 => sbyte.CreateSaturating(real),
            DType.Int16 => short.CreateSaturating(real),
            DType.Int32 => int.CreateSaturating(real),
            _ => long.CreateSaturating(real),
        };
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

    /// <summary>Extents as TensorFlow takes them.</summary>
    /// <param name="values">The extents.</param>
    /// <param name="wide">Room for as many.</param>
    internal static void Widen(ReadOnlySpan<int> values, long* wide)
    {
        for (int i = 0; i < values.Length; i++)
        {
            wide[i] = values[i];
        }
    }
}
