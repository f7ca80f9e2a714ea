using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DeepBridge.Cpu;

/// <summary>512-bit vectors.</summary>
/// <typeparam name="T">The element type.</typeparam>
internal readonly unsafe struct Lanes512<T> : ILanes<Vector512<T>, T>
    where T : unmanaged
{
    public static int Count => Vector512<T>.Count;

    public static int MaxRows => 14;

#if NET10_0_OR_GREATER
    public static bool HasMasks => Avx512F.IsSupported;
#else
    public static bool HasMasks => false;
#endif

    public static Vector512<T> Indices => Vector512<T>.Indices;

    public static Vector512<T> Load(T* source) => Vector512.Load(source);

    public static Vector512<T> Load(ref T source, nint offset) => Vector512.LoadUnsafe(ref source, (nuint)offset);

    public static void Store(T* target, Vector512<T> value) => value.Store(target);

    public static void Store(Vector512<T> value, ref T target, nint offset) => value.StoreUnsafe(ref target, (nuint)offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> LoadMasked(T* source, Vector512<T> mask)
    {
#if NET10_0_OR_GREATER
        if (HasMasks)
        {
            return Avx512F.MaskLoad((float*)source, mask.AsSingle(), Vector512<float>.Zero).As<float, T>();
        }
#endif
        return Tails.Load<Lanes512<T>, Vector512<T>, T>(source, mask);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreMasked(T* target, Vector512<T> mask, Vector512<T> value)
    {
#if NET10_0_OR_GREATER
        if (HasMasks)
        {
            // A mask of 8 bytes is two of 4.
            Avx512F.MaskStore((float*)target, mask.AsSingle(), value.AsSingle());
            return;
        }
#endif
        Tails.Store<Lanes512<T>, Vector512<T>, T>(target, mask, value);
    }

    public static Vector512<T> Splat(T value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Constant(double value) => typeof(T) == typeof(float)
        ? Vector512.Create((float)value).As<float, T>()
        : Vector512.Create(value).As<double, T>();

    public static Vector512<T> Add(Vector512<T> a, Vector512<T> b) => a + b;

    public static Vector512<T> Subtract(Vector512<T> a, Vector512<T> b) => a - b;

    public static Vector512<T> Multiply(Vector512<T> a, Vector512<T> b) => a * b;

    public static Vector512<T> Divide(Vector512<T> a, Vector512<T> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> MultiplyAdd(Vector512<T> a, Vector512<T> b, Vector512<T> c) =>
        !Fusing.IsNative ? (a * b) + c
        : typeof(T) == typeof(float) ? Vector512.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>()
        : typeof(T) == typeof(double) ? Vector512.FusedMultiplyAdd(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>()
        : (a * b) + c;

    public static Vector512<T> Negate(Vector512<T> x) => -x;

    public static Vector512<T> Abs(Vector512<T> x) => Vector512.Abs(x);

    public static Vector512<T> Sqrt(Vector512<T> x) => Vector512.Sqrt(x);

    public static Vector512<T> Max(Vector512<T> a, Vector512<T> b) => Vector512.Max(a, b);

    public static Vector512<T> Min(Vector512<T> a, Vector512<T> b) => Vector512.Min(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Floor(Vector512<T> x) =>
        typeof(T) == typeof(float) ? Vector512.Floor(x.AsSingle()).As<float, T>()
        : typeof(T) == typeof(double) ? Vector512.Floor(x.AsDouble()).As<double, T>() : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Round(Vector512<T> x) =>
        typeof(T) == typeof(float) ? Vector512.Round(x.AsSingle()).As<float, T>()
        : typeof(T) == typeof(double) ? Vector512.Round(x.AsDouble()).As<double, T>() : x;

    public static Vector512<T> Equal(Vector512<T> a, Vector512<T> b) => Vector512.Equals(a, b);

    public static Vector512<T> Less(Vector512<T> a, Vector512<T> b) => Vector512.LessThan(a, b);

    public static Vector512<T> LessOrEqual(Vector512<T> a, Vector512<T> b) => Vector512.LessThanOrEqual(a, b);

    public static Vector512<T> And(Vector512<T> a, Vector512<T> b) => a & b;

    public static Vector512<T> Or(Vector512<T> a, Vector512<T> b) => a | b;

    public static Vector512<T> Xor(Vector512<T> a, Vector512<T> b) => a ^ b;

    public static Vector512<T> Select(Vector512<T> mask, Vector512<T> yes, Vector512<T> no) => Vector512.ConditionalSelect(mask, yes, no);

    public static ulong Bits(Vector512<T> mask) => Vector512.ExtractMostSignificantBits(mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> ShiftLeft(Vector512<T> x, [ConstantExpected] int count) => typeof(T) == typeof(float)
        ? Vector512.ShiftLeft(x.AsUInt32(), count).As<uint, T>()
        : Vector512.ShiftLeft(x.AsUInt64(), count).As<ulong, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Log(Vector512<T> x) => typeof(T) == typeof(float)
        ? Vector512.Log(x.AsSingle()).As<float, T>()
        : Vector512.Log(x.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Sin(Vector512<T> x) => typeof(T) == typeof(float)
        ? Vector512.Sin(x.AsSingle()).As<float, T>()
        : Vector512.Sin(x.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Cos(Vector512<T> x) => typeof(T) == typeof(float)
        ? Vector512.Cos(x.AsSingle()).As<float, T>()
        : Vector512.Cos(x.AsDouble()).As<double, T>();

    public static T Sum(Vector512<T> x) => Vector512.Sum(x);
}
