using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DeepBridge.Cpu;

/// <summary>256-bit vectors.</summary>
/// <typeparam name="T">The element type.</typeparam>
internal readonly unsafe struct Lanes256<T> : ILanes<Vector256<T>, T>
    where T : unmanaged
{
    public static int Count => Vector256<T>.Count;

    public static int MaxRows => 6;

    public static bool HasMasks => Avx.IsSupported;

    public static Vector256<T> Indices => Vector256<T>.Indices;

    public static Vector256<T> Load(T* source) => Vector256.Load(source);

    public static Vector256<T> Load(ref T source, nint offset) => Vector256.LoadUnsafe(ref source, (nuint)offset);

    public static void Store(T* target, Vector256<T> value) => value.Store(target);

    public static void Store(Vector256<T> value, ref T target, nint offset) => value.StoreUnsafe(ref target, (nuint)offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> LoadMasked(T* source, Vector256<T> mask) =>
        HasMasks
        ? Avx.MaskLoad((float*)source, mask.AsSingle()).As<float, T>()
        : Tails.Load<Lanes256<T>, Vector256<T>, T>(source, mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreMasked(T* target, Vector256<T> mask, Vector256<T> value)
    {
        if (HasMasks)
        {
            // A mask of 8 bytes is two of 4.
            Avx.MaskStore((float*)target, mask.AsSingle(), value.AsSingle());
        }
        else
        {
            Tails.Store<Lanes256<T>, Vector256<T>, T>(target, mask, value);
        }
    }

    public static Vector256<T> Splat(T value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Constant(double value) => typeof(T) == typeof(float)
        ? Vector256.Create((float)value).As<float, T>()
        : Vector256.Create(value).As<double, T>();

    public static Vector256<T> Add(Vector256<T> a, Vector256<T> b) => a + b;

    public static Vector256<T> Subtract(Vector256<T> a, Vector256<T> b) => a - b;

    public static Vector256<T> Multiply(Vector256<T> a, Vector256<T> b) => a * b;

    public static Vector256<T> Divide(Vector256<T> a, Vector256<T> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> MultiplyAdd(Vector256<T> a, Vector256<T> b, Vector256<T> c) =>
        !Fusing.IsNative ? (a * b) + c
        : typeof(T) == typeof(float) ? Vector256.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>()
        : typeof(T) == typeof(double) ? Vector256.FusedMultiplyAdd(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>()
        : (a * b) + c;

    public static Vector256<T> Negate(Vector256<T> x) => -x;

    public static Vector256<T> Abs(Vector256<T> x) => Vector256.Abs(x);

    public static Vector256<T> Sqrt(Vector256<T> x) => Vector256.Sqrt(x);

    public static Vector256<T> Max(Vector256<T> a, Vector256<T> b) => Vector256.Max(a, b);

    public static Vector256<T> Min(Vector256<T> a, Vector256<T> b) => Vector256.Min(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Floor(Vector256<T> x) =>
        typeof(T) == typeof(float) ? Vector256.Floor(x.AsSingle()).As<float, T>()
        : typeof(T) == typeof(double) ? Vector256.Floor(x.AsDouble()).As<double, T>() : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Round(Vector256<T> x) =>
        typeof(T) == typeof(float) ? Vector256.Round(x.AsSingle()).As<float, T>()
        : typeof(T) == typeof(double) ? Vector256.Round(x.AsDouble()).As<double, T>() : x;

    public static Vector256<T> Equal(Vector256<T> a, Vector256<T> b) => Vector256.Equals(a, b);

    public static Vector256<T> Less(Vector256<T> a, Vector256<T> b) => Vector256.LessThan(a, b);

    public static Vector256<T> LessOrEqual(Vector256<T> a, Vector256<T> b) => Vector256.LessThanOrEqual(a, b);

    public static Vector256<T> And(Vector256<T> a, Vector256<T> b) => a & b;

    public static Vector256<T> Or(Vector256<T> a, Vector256<T> b) => a | b;

    public static Vector256<T> Xor(Vector256<T> a, Vector256<T> b) => a ^ b;

    public static Vector256<T> Select(Vector256<T> mask, Vector256<T> yes, Vector256<T> no) => Vector256.ConditionalSelect(mask, yes, no);

    public static ulong Bits(Vector256<T> mask) => Vector256.ExtractMostSignificantBits(mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> ShiftLeft(Vector256<T> x, [ConstantExpected] int count) => typeof(T) == typeof(float)
        ? Vector256.ShiftLeft(x.AsUInt32(), count).As<uint, T>()
        : Vector256.ShiftLeft(x.AsUInt64(), count).As<ulong, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Log(Vector256<T> x) => typeof(T) == typeof(float)
        ? Vector256.Log(x.AsSingle()).As<float, T>()
        : Vector256.Log(x.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Sin(Vector256<T> x) => typeof(T) == typeof(float)
        ? Vector256.Sin(x.AsSingle()).As<float, T>()
        : Vector256.Sin(x.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Cos(Vector256<T> x) => typeof(T) == typeof(float)
        ? Vector256.Cos(x.AsSingle()).As<float, T>()
        : Vector256.Cos(x.AsDouble()).As<double, T>();

    public static T Sum(Vector256<T> x) => Vector256.Sum(x);
}
