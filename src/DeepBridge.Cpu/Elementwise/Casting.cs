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
        switch (source.Spec.DType)
        {
            case DType.Bool or DType.UInt8:
                From(x.Span<byte>(), y);
                break;
            case DType.Int8:
                From(x.Span<sbyte>(), y);
                break;
            case DType.Int16:
                From(x.Span<short>(), y);
                break;
            case DType.Int32:
                From(x.Span<int>(), y);
                break;
            case DType.Int64:
                From(x.Span<long>(), y);
                break;
            case DType.Float16 when spec.DType != DType.Bool:
                From(x.Span<Half>(), y);
                break;
            case DType.Float32:
                From(x.Span<float>(), y);
                break;
            case DType.Float64:
                From(x.Span<double>(), y);
                break;
            case DType.BFloat16 when spec.DType == DType.Float32:
                Widen(x.Span<BFloat16>(), y.Span<float>());
                break;
            default:
                CpuTensor wide = Cast(x, spec.As(DType.Float32));
                From(wide.Span<float>(), y);
                wide.Release();
                break;
        }

        Dense.Done(x, source);
        return y;
    }

    private static void From<T>(ReadOnlySpan<T> x, CpuTensor y)
        where T : unmanaged, INumber<T>
    {
        switch (y.Spec.DType)
        {
            case DType.Bool:
                T zero = T.Zero;
                Loops.Compare<NotEqualKernel, T>(ref MemoryMarshal.GetReference(x), 1, ref zero, 0, ref y.First<byte>(), x.Length);
                break;
            case DType.UInt8:
                Convert(x, y.Span<byte>());
                break;
            case DType.Int8:
                Convert(x, y.Span<sbyte>());
                break;
            case DType.Int16:
                Convert(x, y.Span<short>());
                break;
            case DType.Int32:
                Convert(x, y.Span<int>());
                break;
            case DType.Int64:
                Convert(x, y.Span<long>());
                break;
            case DType.Float16:
                Convert(x, y.Span<Half>());
                break;
            case DType.BFloat16:
                Narrow(x, y);
                break;
            case DType.Float32:
                Convert(x, y.Span<float>());
                break;
            default:
                Convert(x, y.Span<double>());
                break;
        }
    }

    private static void Convert<TFrom, TTo>(ReadOnlySpan<TFrom> x, Span<TTo> y)
        where TFrom : unmanaged, INumber<TFrom>
        where TTo : unmanaged, INumber<TTo>
    {
        bool floating = typeof(TFrom) == typeof(float) || typeof(TFrom) == typeof(double) || typeof(TFrom) == typeof(Half);
        if (typeof(TFrom) == typeof(float) && typeof(TTo) == typeof(int))
        {
            ToInt32(MemoryMarshal.Cast<TFrom, float>(x), MemoryMarshal.Cast<TTo, int>(y));
        }
        else if (floating)
        {
            TensorPrimitives.ConvertSaturating(x, y);
        }
        else
        {
            TensorPrimitives.ConvertTruncating(x, y);
        }
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

    private static void Narrow<T>(ReadOnlySpan<T> x, CpuTensor y)
        where T : unmanaged, INumber<T>
    {
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
    }

    /// <summary>The upper halves, to nearest and ties to even; NaN stays NaN.</summary>
    private static Vector<uint> Round(Vector<uint> bits)
    {
        Vector<uint> rounded = (bits + new Vector<uint>(0x7fff) + ((bits >> 16) & Vector<uint>.One)) >> 16;
        Vector<uint> isNaN = Vector.GreaterThan(bits & new Vector<uint>(0x7fffffff), new Vector<uint>(0x7f800000));
        return Vector.ConditionalSelect(isNaN, (bits >> 16) | new Vector<uint>(0x40), rounded);
    }

    private static void Widen(ReadOnlySpan<BFloat16> x, Span<float> y)
    {
        ReadOnlySpan<ushort> narrow = MemoryMarshal.Cast<BFloat16, ushort>(x);
        Span<uint> wide = MemoryMarshal.Cast<float, uint>(y);
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
    }
}
