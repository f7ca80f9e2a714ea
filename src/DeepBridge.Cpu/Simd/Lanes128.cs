using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DeepBridge.Cpu;

/// <summary>128-bit vectors.</summary>
/// <typeparam name="T">The element type.</typeparam>
internal readonly unsafe struct Lanes128<T> : ILanes<Vector128<T>, T>
    where T : unmanaged
{
    public static int Count => Vector128<T>.Count;

    public static int MaxRows => 6;

    public static bool HasMasks => Avx.IsSupported;

    public static Vector128<T> Indices => Vector128<T>.Indices;

    public static Vector128<T> Load(T* source) => Vector128.Load(source);

    public static Vector128<T> Load(ref T source, nint offset) => Vector128.LoadUnsafe(ref source, (nuint)offset);

    public static void Store(T* target, Vector128<T> value) => value.Store(target);

    public static void Store(Vector128<T> value, ref T target, nint offset) => value.StoreUnsafe(ref target, (nuint)offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> LoadMasked(T* source, Vector128<T> mask) =>
        HasMasks
        ? Avx.MaskLoad((float*)source, mask.AsSingle()).As<float, T>()
        : Tails.Load<Lanes128<T>, Vector128<T>, T>(source, mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreMasked(T* target, Vector128<T> mask, Vector128<T> value)
    {
        if (HasMasks)
        {
            // A mask of 8 bytes is two of 4.
            Avx.MaskStore((float*)target, mask.AsSingle(), value.AsSingle());
        }
        else
        {
            Tails.Store<Lanes128<T>, Vector128<T>, T>(target, mask, value);
        }
    }

    public static Vector128<T> Splat(T value) => Vector128.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Constant(double value) => typeof(T) == typeof(float)
        ? Vector128.Create((float)value).As<float, T>()
        : Vector128.Create(value).As<double, T>();

    public static Vector128<T> Add(Vector128<T> a, Vector128<T> b) => a + b;

    public static Vector128<T> Subtract(Vector128<T> a, Vector128<T> b) => a - b;

    public static Vector128<T> Multiply(Vector128<T> a, Vector128<T> b) => a * b;

    public static Vector128<T> Divide(Vector128<T> a, Vector128<T> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> MultiplyAdd(Vector128<T> a, Vector128<T> b, Vector128<T> c) =>
        !Fusing.IsNative ? (a * b) + c
        : typeof(T) == typeof(float) ? Vector128.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>()
        : typeof(T) == typeof(double) ? Vector128.FusedMultiplyAdd(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>()
        : (a * b) + c;

    public static Vector128<T> Negate(Vector128<T> x) => -x;

    public static Vector128<T> Abs(Vector128<T> x) => Vector128.Abs(x);

    public static Vector128<T> Sqrt(Vector128<T> x) => Vector128.Sqrt(x);

    public static Vector128<T> Max(Vector128<T> a, Vector128<T> b) => Vector128.Max(a, b);

    public static Vector128<T> Min(Vector128<T> a, Vector128<T> b) => Vector128.Min(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Floor(Vector128<T> x) =>
        typeof(T) == typeof(float) ? Vector128.Floor(x.AsSingle()).As<float, T>()
        : typeof(T) == typeof(double) ? Vector128.Floor(x.AsDouble()).As<double, T>() : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Round(Vector128<T> x) =>
        typeof(T) == typeof(float) ? Vector128.Round(x.AsSingle()).As<float, T>()
        : typeof(T) == typeof(double) ? Vector128.Round(x.AsDouble()).As<double, T>() : x;

    public static Vector128<T> Equal(Vector128<T> a, Vector128<T> b) => Vector128.Equals(a, b);

    public static Vector128<T> Less(Vector128<T> a, Vector128<T> b) => Vector128.LessThan(a, b);

    public static Vector128<T> LessOrEqual(Vector128<T> a, Vector128<T> b) => Vector128.LessThanOrEqual(a, b);

    public static Vector128<T> And(Vector128<T> a, Vector128<T> b) => a & b;

    public static Vector128<T> Or(Vector128<T> a, Vector128<T> b) => a | b;

    public static Vector128<T> Xor(Vector128<T> a, Vector128<T> b) => a ^ b;

    public static Vector128<T> Select(Vector128<T> mask, Vector128<T> yes, Vector128<T> no) => Vector128.ConditionalSelect(mask, yes, no);

    public static ulong Bits(Vector128<T> mask) => Vector128.ExtractMostSignificantBits(mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> ShiftLeft(Vector128<T> x, [ConstantExpected] int count) => typeof(T) == typeof(float)
        ? Vector128.ShiftLeft(x.AsUInt32(), count).As<uint, T>()
        : Vector128.ShiftLeft(x.AsUInt64(), count).As<ulong, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Log(Vector128<T> x) => typeof(T) == typeof(float)
        ? Vector128.Log(x.AsSingle()).As<float, T>()
        : Vector128.Log(x.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Sin(Vector128<T> x) => typeof(T) == typeof(float)
        ? Vector128.Sin(x.AsSingle()).As<float, T>()
        : Vector128.Sin(x.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<T> Cos(Vector128<T> x) => typeof(T) == typeof(float)
        ? Vector128.Cos(x.AsSingle()).As<float, T>()
        : Vector128.Cos(x.AsDouble()).As<double, T>();

    public static T Sum(Vector128<T> x) => Vector128.Sum(x);
}
