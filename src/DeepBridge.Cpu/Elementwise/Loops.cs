using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DeepBridge.Cpu;

/// <summary>An elementwise function of one operand, written once for every width and dtype.</summary>
internal interface IUnary
{
    /// <summary>The function of a vector.</summary>
    static abstract TVector Apply<TLanes, TVector, T>(TVector x)
        where TLanes : ILanes<TVector, T>
        where TVector : unmanaged
        where T : unmanaged, INumber<T>;
}

/// <summary>An elementwise function of two operands, written once for every width and dtype.</summary>
internal interface IBinary
{
    /// <summary>Whether it gives masks, all bits or none, rather than values.</summary>
    static virtual bool IsComparison => false;

    /// <summary>The function of vectors.</summary>
    static abstract TVector Apply<TLanes, TVector, T>(TVector a, TVector b)
        where TLanes : ILanes<TVector, T>
        where TVector : unmanaged
        where T : unmanaged, INumber<T>;
}

/// <summary>
/// One loop over contiguous elements with the widest vectors that fit. The last vector overlaps the one before it; its
/// inputs are read first, so that an output may be written over an input.
/// </summary>
internal static class Loops
{
    /// <summary>y = f(x).</summary>
    internal static void Unary<TOp, T>(ref T x, ref T y, nint count)
        where TOp : IUnary
        where T : unmanaged, INumber<T>
    {
        if (Vector512.IsHardwareAccelerated && count >= Vector512<T>.Count)
        {
            Unary<TOp, Lanes512<T>, Vector512<T>, T>(ref x, ref y, count);
        }
        else if (Vector256.IsHardwareAccelerated && count >= Vector256<T>.Count)
        {
            Unary<TOp, Lanes256<T>, Vector256<T>, T>(ref x, ref y, count);
        }
        else if (count >= Vector128<T>.Count)
        {
            Unary<TOp, Lanes128<T>, Vector128<T>, T>(ref x, ref y, count);
        }
        else
        {
            Vector128<T> padded = Pad(ref x, 1, count);
            Unpad(TOp.Apply<Lanes128<T>, Vector128<T>, T>(padded), ref y, count);
        }
    }

    /// <summary>y = f(a, b); a step is 1, or 0 where one element serves for all.</summary>
    internal static void Binary<TOp, T>(ref T a, nint stepA, ref T b, nint stepB, ref T y, nint count)
        where TOp : IBinary
        where T : unmanaged, INumber<T> => Binary<TOp, T, T>(ref a, stepA, ref b, stepB, ref y, count);

    /// <summary>y = f(a, b) where f gives a mask; y is bool.</summary>
    internal static void Compare<TOp, T>(ref T a, nint stepA, ref T b, nint stepB, ref byte y, nint count)
        where TOp : IBinary
        where T : unmanaged, INumber<T> => Binary<TOp, T, byte>(ref a, stepA, ref b, stepB, ref y, count);

    /// <summary>y = f(a, b); the results are bools if f compares, else of the operands' type.</summary>
    internal static void Binary<TOp, T, TResult>(ref T a, nint stepA, ref T b, nint stepB, ref TResult y, nint count)
        where TOp : IBinary
        where T : unmanaged, INumber<T>
        where TResult : unmanaged
    {
        if (Vector512.IsHardwareAccelerated && count >= Vector512<T>.Count)
        {
            Binary<TOp, Lanes512<T>, Vector512<T>, T, TResult>(ref a, stepA, ref b, stepB, ref y, count);
        }
        else if (Vector256.IsHardwareAccelerated && count >= Vector256<T>.Count)
        {
            Binary<TOp, Lanes256<T>, Vector256<T>, T, TResult>(ref a, stepA, ref b, stepB, ref y, count);
        }
        else if (count >= Vector128<T>.Count)
        {
            Binary<TOp, Lanes128<T>, Vector128<T>, T, TResult>(ref a, stepA, ref b, stepB, ref y, count);
        }
        else
        {
            Vector128<T> result = TOp.Apply<Lanes128<T>, Vector128<T>, T>(Pad(ref a, stepA, count), Pad(ref b, stepB, count));
            if (!TOp.IsComparison)
            {
                Unpad(result, ref Unsafe.As<TResult, T>(ref y), count);
                return;
            }

            ulong bits = Vector128.ExtractMostSignificantBits(result);
            for (nint i = 0; i < count; i++)
            {
                Unsafe.Add(ref Unsafe.As<TResult, byte>(ref y), i) = (byte)((bits >> (int)i) & 1);
            }
        }
    }

    [MethodImpl(Hot.Loop)]
    internal static void Unary<TOp, TLanes, TVector, T>(ref T x, ref T y, nint count)
        where TOp : IUnary
        where TLanes : ILanes<TVector, T>
        where TVector : unmanaged
        where T : unmanaged, INumber<T>
    {
        nint last = count - TLanes.Count;
        TVector tail = TLanes.Load(ref x, last);
        for (nint i = 0; ; i += TLanes.Count)
        {
            // One copy of the function serves both the body and the tail: the long ones are large.
            nint at = Math.Min(i, last);
            TVector value = i < last ? TLanes.Load(ref x, i) : tail;
            TLanes.Store(TOp.Apply<TLanes, TVector, T>(value), ref y, at);
            if (i >= last)
            {
                return;
            }
        }
    }

    [MethodImpl(Hot.Loop)]
    private static void Binary<TOp, TLanes, TVector, T, TResult>(ref T a, nint stepA, ref T b, nint stepB, ref TResult y, nint count)
        where TOp : IBinary
        where TLanes : ILanes<TVector, T>
        where TVector : unmanaged
        where T : unmanaged, INumber<T>
        where TResult : unmanaged
    {
        nint last = count - TLanes.Count;
        TVector left = stepA == 0 ? TLanes.Splat(a) : TLanes.Load(ref a, last);
        TVector right = stepB == 0 ? TLanes.Splat(b) : TLanes.Load(ref b, last);
        TVector tail = TOp.Apply<TLanes, TVector, T>(left, right);
        for (nint i = 0; i < last; i += TLanes.Count)
        {
            left = stepA == 0 ? left : TLanes.Load(ref a, i);
            right = stepB == 0 ? right : TLanes.Load(ref b, i);
            Store<TOp, TLanes, TVector, T, TResult>(TOp.Apply<TLanes, TVector, T>(left, right), ref y, i);
        }

        Store<TOp, TLanes, TVector, T, TResult>(tail, ref y, last);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TOp, TLanes, TVector, T, TResult>(TVector value, ref TResult y, nint offset)
        where TOp : IBinary
        where TLanes : ILanes<TVector, T>
        where TVector : unmanaged
        where T : unmanaged
        where TResult : unmanaged
    {
        if (TOp.IsComparison)
        {
            StoreBits<TLanes, TVector, T>(TLanes.Bits(value), ref Unsafe.As<TResult, byte>(ref Unsafe.Add(ref y, offset)));
        }
        else
        {
            TLanes.Store(value, ref Unsafe.As<TResult, T>(ref y), offset);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreBits<TLanes, TVector, T>(ulong bits, ref byte y)
        where TLanes : ILanes<TVector, T>
        where TVector : unmanaged
        where T : unmanaged
    {
        if (TLanes.Count == 2)
        {
            Unsafe.WriteUnaligned(ref y, (ushort)Spread(bits));
        }
        else if (TLanes.Count == 4)
        {
            Unsafe.WriteUnaligned(ref y, (uint)Spread(bits));
        }
        else
        {
            for (int i = 0; i < TLanes.Count; i += 8)
            {
                Unsafe.WriteUnaligned(ref Unsafe.Add(ref y, i), Spread(bits >> i));
            }
        }
    }

    /// <summary>Eight bits as eight bytes of 0 or 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Spread(ulong bits) =>
        (((((bits & 0xff) * 0x0101010101010101) & 0x8040201008040201) + 0x7f7f7f7f7f7f7f7f) >> 7) & 0x0101010101010101;

    private static Vector128<T> Pad<T>(ref T x, nint step, nint count)
        where T : unmanaged
    {
        Vector128<T> padded = Vector128<T>.One;
        for (nint i = 0; i < count; i++)
        {
            Unsafe.Add(ref Unsafe.As<Vector128<T>, T>(ref padded), i) = Unsafe.Add(ref x, i * step);
        }

        return padded;
    }

    private static void Unpad<T>(Vector128<T> padded, ref T y, nint count)
        where T : unmanaged
    {
        for (nint i = 0; i < count; i++)
        {
            Unsafe.Add(ref y, i) = Unsafe.Add(ref Unsafe.As<Vector128<T>, T>(ref padded), i);
        }
    }
}
