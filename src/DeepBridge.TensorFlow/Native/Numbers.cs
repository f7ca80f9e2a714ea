using System.Runtime.InteropServices;

namespace DeepBridge.TensorFlow.Native;

/// <summary>Numbers as bytes of any dtype.</summary>
internal static unsafe class Numbers
{
    /// <summary>Writes a number in a dtype: a floating one saturates in an integer dtype, a whole one wraps.</summary>
    /// <param name="value">The value.</param>
    /// <param name="dtype">The dtype.</param>
    /// <param name="bytes">Room for 8 bytes.</param>
    /// <returns>How many were written.</returns>
    internal static int Write(Scalar value, DType dtype, Span<byte> bytes)
    {
        double real = value.ToDouble();
        bool floating = value.Kind == DType.Float64;
        switch (dtype)
        {
            case DType.Bool:
                bytes[0] = (byte)(real != 0 ? 1 : 0);
                break;
            case DType.UInt8:
                bytes[0] = floating ? byte.CreateSaturating(real) : (byte)value.ToInt64();
                break;
            case DType.Int8:
                bytes[0] = (byte)(floating ? sbyte.CreateSaturating(real) : (sbyte)value.ToInt64());
                break;
            case DType.Int16:
                MemoryMarshal.Write(bytes, floating ? short.CreateSaturating(real) : (short)value.ToInt64());
                break;
            case DType.Int32:
                MemoryMarshal.Write(bytes, floating ? int.CreateSaturating(real) : (int)value.ToInt64());
                break;
            case DType.Int64:
                MemoryMarshal.Write(bytes, floating ? long.CreateSaturating(real) : value.ToInt64());
                break;
            case DType.Float16:
                MemoryMarshal.Write(bytes, (Half)real);
                break;
            case DType.BFloat16:
                MemoryMarshal.Write(bytes, (BFloat16)(float)real);
                break;
            case DType.Float32:
                MemoryMarshal.Write(bytes, (float)real);
                break;
            default:
                MemoryMarshal.Write(bytes, real);
                break;
        }

        return dtype.Size();
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
