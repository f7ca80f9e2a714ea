using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace DeepBridge.Cpu;

/// <summary>
/// The same values in another dtype: floating to integer truncates, saturates and makes 0 of NaN; an integer wraps.
/// </summary>
internal static class Casting
{
    /// <summary>Casts.</summary>
    /// <param name="source">The values, in any layout.</param>
    /// <param name="spec">Their shape in the other dtype.</param>
    /// <returns>New data, or a view where the dtype is the same; one count.</returns>
    internal static CpuTensor Cast(CpuTensor source, TensorSpec spec)
    {
        if (source.Spec.DType == spec.DType)
        {
            return (CpuTensor)source.Retain();
        }

        CpuTensor x = Dense.Of(source), y = CpuTensor.Allocate(spec, source.Device);
        _ = source.Spec.DType switch
        {
            DType.Bool or DType.UInt8 => From<byte>(x, y),
            DType.Int8 => From<sbyte>(x, y),
            DType.Int16 => From<short>(x, y),
            DType.Int32 => From<int>(x, y),
            DType.Int64 => From<long>(x, y),
            DType.Float16 when spec.DType != DType.Bool => From<Half>(x, y),
            DType.Float32 => From<float>(x, y),
            DType.Float64 => From<double>(x, y),
            DType.BFloat16 when spec.DType == DType.Float32 => Widen(x, y),
            _ => FromWide(x, y),
        };
        Dense.Done(x, source);
        return y;
    }

    private static CpuTensor FromWide(CpuTensor x, CpuTensor y)
    {
        CpuTensor wide = Cast(x, y.Spec.As(DType.Float32));
        From<float>(wide, y);
        wide.Release();
        return y;
    }

    private static CpuTensor From<T>(CpuTensor x, CpuTensor y)
        where T : unmanaged, INumber<T> => y.Spec.DType switch
        {
            DType.Bool => Test<T>(x, y),
            DType.UInt8 => Convert<T, byte>(x, y),
            DType.Int8 => Convert<T, sbyte>(x, y),
            DType.Int16 => Convert<T, short>(x, y),
            DType.Int32 => Convert<T, int>(x, y),
            DType.Int64 => Convert<T, long>(x, y),
            DType.Float16 => Convert<T, Half>(x, y),
            DType.BFloat16 => Narrow<T>(x, y),
            DType.Float32 => Convert<T, float>(x, y),
            _ => Convert<T, double>(x, y),
        };

    private static CpuTensor Test<T>(CpuTensor x, CpuTensor y)
        where T : unmanaged, INumber<T>
    {
        T zero = T.Zero;
        Loops.Compare<NotEqualKernel, T>(ref x.First<T>(), 1, ref zero, 0, ref y.First<byte>(), x.Count);
        return y;
    }

    private static CpuTensor Convert<TFrom, TTo>(CpuTensor x, CpuTensor y)
        where TFrom : unmanaged, INumber<TFrom>
        where TTo : unmanaged, INumber<TTo>
    {
        bool floating = typeof(TFrom) == typeof(float) || typeof(TFrom) == typeof(double) || typeof(TFrom) == typeof(Half);
        if (typeof(TFrom) == typeof(float) && typeof(TTo) == typeof(int))
        {
            ToInt32(x.Span<float>(), y.Span<int>());
        }
        else if (floating)
        {
            TensorPrimitives.ConvertSaturating<TFrom, TTo>(x.Span<TFrom>(), y.Span<TTo>());
        }
        else
        {
            TensorPrimitives.ConvertTruncating<TFrom, TTo>(x.Span<TFrom>(), y.Span<TTo>());
        }

        return y;
    }

    private static void ToInt32(ReadOnlySpan<float> x, Span<int> y)
    {
        int i = 0;
        for (; i <= x.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector.ConvertToInt32(new Vector<float>(x[i..])).CopyTo(y[i..]);
        }

        for (; i < x.Length; i++)
        {
            y[i] = (int)x[i];
        }
    }

    private static CpuTensor Narrow<T>(CpuTensor source, CpuTensor y)
        where T : unmanaged, INumber<T>
    {
        ReadOnlySpan<T> x = source.Span<T>();
        Span<ushort> narrow = y.Span<ushort>();
        int i = 0;
        if (typeof(T) == typeof(float))
        {
            ReadOnlySpan<uint> bits = MemoryMarshal.Cast<T, uint>(x);
            for (; i <= narrow.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
            {
                Vector.Narrow(Round(new Vector<uint>(bits[i..])), Round(new Vector<uint>(bits[(i + Vector<uint>.Count)..]))).CopyTo(narrow[i..]);
            }
        }

        for (; i < narrow.Length; i++)
        {
            narrow[i] = ((BFloat16)float.CreateTruncating(x[i])).Bits;
        }

        return y;
    }

    /// <summary>The upper halves, to nearest and ties to even; NaN stays NaN.</summary>
    private static Vector<uint> Round(Vector<uint> bits)
    {
        Vector<uint> rounded = (bits + new Vector<uint>(0x7fff) + ((bits >> 16) & Vector<uint>.One)) >> 16;
        Vector<uint> isNaN = Vector.GreaterThan(bits & new Vector<uint>(0x7fffffff), new Vector<uint>(0x7f800000));
        return Vector.ConditionalSelect(isNaN, (bits >> 16) | new Vector<uint>(0x40), rounded);
    }

    private static CpuTensor Widen(CpuTensor x, CpuTensor y)
    {
        ReadOnlySpan<ushort> narrow = x.Span<ushort>();
        Span<uint> wide = y.Span<uint>();
        int i = 0;
        for (; i <= narrow.Length - Vector<ushort>.Count; i += Vector<ushort>.Count)
        {
            Vector.Widen(new Vector<ushort>(narrow[i..]), out Vector<uint> low, out Vector<uint> high);
            (low << 16).CopyTo(wide[i..]);
            (high << 16).CopyTo(wide[(i + Vector<uint>.Count)..]);
        }

        for (; i < narrow.Length; i++)
        {
            wide[i] = (uint)narrow[i] << 16;
        }

        return y;
    }
}
