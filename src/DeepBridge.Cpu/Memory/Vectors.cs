using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DeepBridge.Cpu;

/// <summary>Small pieces of vector code that the kernels share.</summary>
internal static unsafe class Vectors
{
    private static bool HasMasks => Avx2.IsSupported && Vector<byte>.Count == 32;

    /// <summary>The mask of the first elements of a vector.</summary>
    /// <param name="count">How many.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector<T> Mask<T>(int count)
        where T : unmanaged, INumber<T> =>
        Vector.LessThan(Vector<T>.Indices, new Vector<T>(T.CreateTruncating(count)));

    /// <summary>left · right + addend, fused where the machine can.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector<T> MultiplyAdd<T>(Vector<T> left, Vector<T> right, Vector<T> addend)
        where T : unmanaged, INumber<T> =>
        !Fusing.IsNative
            ? (left * right) + addend
            : typeof(T) == typeof(float)
            ? Vector.FusedMultiplyAdd(left.As<T, float>(), right.As<T, float>(), addend.As<T, float>()).As<float, T>()
            : typeof(T) == typeof(double)
                ? Vector.FusedMultiplyAdd(left.As<T, double>(), right.As<T, double>(), addend.As<T, double>()).As<double, T>()
                : (left * right) + addend;

    /// <summary>Loads up to a vector of 4- or 8-byte elements, touching nothing behind; the other elements are zero.</summary>
    /// <param name="from">The first element.</param>
    /// <param name="count">How many there are; more than a vector holds is a whole one.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector<T> Load<T>(T* from, int count)
        where T : unmanaged
    {
        if (count >= Vector<T>.Count)
        {
            return Vector.Load(from);
        }

        // Neither a call nor a local in memory: either would cost the loop around this its registers.
        if (HasMasks)
        {
            return Avx.MaskLoad((float*)from, Selected<T>(count)).AsVector().As<float, T>();
        }

        return LoadFew(from, count);
    }

    /// <summary>Stores up to a vector, touching nothing behind.</summary>
    /// <param name="value">The vector.</param>
    /// <param name="to">The first element.</param>
    /// <param name="count">How many are stored; more than a vector holds is a whole one.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Store<T>(Vector<T> value, T* to, int count)
        where T : unmanaged
    {
        if (count >= Vector<T>.Count)
        {
            Vector.Store(value, to);
            return;
        }

        if (HasMasks)
        {
            // A mask of 8 bytes is two of 4.
            Avx.MaskStore((float*)to, Selected<T>(count), value.AsVector256().AsSingle());
        }
        else
        {
            StoreFew(value, to, count);
        }
    }

    /// <summary>Copies a short run of elements between buffers that do not overlap.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Copy<T>(T* from, T* to, int count)
        where T : unmanaged
    {
        int last = count - Vector<T>.Count;
        if (last >= 0)
        {
            for (int i = 0; i < last; i += Vector<T>.Count)
            {
                Vector.Store(Vector.Load(from + i), to + i);
            }

            Vector.Store(Vector.Load(from + last), to + last);
            return;
        }

        for (int i = 0; i < count; i++)
        {
            to[i] = from[i];
        }
    }

    /// <summary>target += addend.</summary>
    [MethodImpl(Hot.Loop)]
    internal static void Add<T>(T* target, T* addend, int count)
        where T : unmanaged, INumber<T>
    {
        for (int i = 0; i < count; i += Vector<T>.Count)
        {
            Store(Load(target + i, count - i) + Load(addend + i, count - i), target + i, count - i);
        }
    }

    /// <summary>eˣ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector<T> Exp<T>(Vector<T> x)
        where T : unmanaged, INumber<T> => Apply<ExpKernel, T>(x);

    /// <summary>The natural logarithm.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector<T> Log<T>(Vector<T> x)
        where T : unmanaged => typeof(T) == typeof(float)
        ? Vector.Log(x.As<T, float>()).As<float, T>()
        : Vector.Log(x.As<T, double>()).As<double, T>();

    /// <summary>1 / (1 + e⁻ˣ).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector<T> Sigmoid<T>(Vector<T> x)
        where T : unmanaged, INumber<T> => Vector<T>.One / (Vector<T>.One + Exp(-x));

    /// <summary>The hyperbolic tangent.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector<T> Tanh<T>(Vector<T> x)
        where T : unmanaged, INumber<T> => Apply<TanhKernel, T>(x);

    /// <summary>The error function.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector<T> Erf<T>(Vector<T> x)
        where T : unmanaged, INumber<T> => Apply<ErfKernel, T>(x);

    /// <summary>log(1 + eˣ), exact far out and near 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector<T> Softplus<T>(Vector<T> x)
        where T : unmanaged, INumber<T>
    {
        Vector<T> tail = Exp(-Vector.Abs(x));
        return Vector.Max(x, Vector<T>.Zero) + Apply<Log1pKernel, T>(tail);
    }

    /// <summary>A vector of one repeated number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector<T> Splat<T>(double value)
        where T : unmanaged, INumber<T> => new(T.CreateTruncating(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<T> Apply<TOp, T>(Vector<T> x)
        where TOp : IUnary
        where T : unmanaged, INumber<T> =>
        Vector<byte>.Count == 64 ? TOp.Apply<Lanes512<T>, Vector512<T>, T>(x.AsVector512()).AsVector()
        : Vector<byte>.Count == 32 ? TOp.Apply<Lanes256<T>, Vector256<T>, T>(x.AsVector256()).AsVector()
        : TOp.Apply<Lanes128<T>, Vector128<T>, T>(x.AsVector128()).AsVector();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Selected<T>(int count)
        where T : unmanaged => sizeof(T) == 4
        ? Vector256.LessThan(Vector256<int>.Indices, Vector256.Create(count)).AsSingle()
        : Vector256.LessThan(Vector256<long>.Indices, Vector256.Create((long)count)).AsSingle();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector<T> LoadFew<T>(T* from, int count)
        where T : unmanaged
    {
        Vector<T> value = Vector<T>.Zero;
        Copy(from, (T*)&value, count);
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StoreFew<T>(Vector<T> value, T* to, int count)
        where T : unmanaged => Copy((T*)&value, to, count);
}
