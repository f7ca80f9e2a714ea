using System.Numerics;
using System.Runtime.CompilerServices;

namespace DeepBridge.Cpu;

/// <summary>a + b.</summary>
internal readonly struct AddKernel : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.Add(a, b);
}

/// <summary>a − b.</summary>
internal readonly struct SubtractKernel : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.Subtract(a, b);
}

/// <summary>a · b.</summary>
internal readonly struct MultiplyKernel : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.Multiply(a, b);
}

/// <summary>a / b.</summary>
internal readonly struct DivideKernel : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.Divide(a, b);
}

/// <summary>The larger; NaN wins.</summary>
internal readonly struct MaximumKernel : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.Max(a, b);
}

/// <summary>The smaller; NaN wins.</summary>
internal readonly struct MinimumKernel : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.Min(a, b);
}

/// <summary>a · (1 − b²).</summary>
internal readonly struct TanhGradientKernel : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.Multiply(a, L.Subtract(L.Splat(T.One), L.Multiply(b, b)));
}

/// <summary>a · (b · (1 − b)).</summary>
internal readonly struct SigmoidGradientKernel : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.Multiply(a, L.Multiply(b, L.Subtract(L.Splat(T.One), b)));
}

/// <summary>0 where b ≤ 0, else a.</summary>
internal readonly struct ReluGradientKernel : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.Select(L.LessOrEqual(b, L.Splat(T.Zero)), L.Splat(T.Zero), a);
}

/// <summary>Bits of both.</summary>
internal readonly struct AndKernel : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.And(a, b);
}

/// <summary>Bits of either.</summary>
internal readonly struct OrKernel : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.Or(a, b);
}

/// <summary>Bits of one.</summary>
internal readonly struct XorKernel : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.Xor(a, b);
}

/// <summary>a = b.</summary>
internal readonly struct EqualKernel : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.Equal(a, b);
}

/// <summary>a &lt; b.</summary>
internal readonly struct LessKernel : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.Less(a, b);
}

/// <summary>a ≤ b.</summary>
internal readonly struct LessEqualKernel : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.LessOrEqual(a, b);
}

/// <summary>a ≠ b: the mask of a = b, inverted.</summary>
internal readonly struct NotEqualKernel : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.Select(L.Equal(a, b), default, L.Equal(L.Splat(T.Zero), L.Splat(T.Zero)));
}
