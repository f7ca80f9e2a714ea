using System.Numerics;
using System.Runtime.CompilerServices;

namespace DeepBridge.Cpu;

/// <summary>An associative operation by which axes are folded.</summary>
internal interface IFold : IBinary
{
    /// <summary>What nothing folds to.</summary>
    static abstract T Identity<T>()
        where T : unmanaged, INumber<T>, IMinMaxValue<T>;
}

/// <summary>The product.</summary>
internal readonly struct ProductFold : IFold
{
    public static T Identity<T>()
        where T : unmanaged, INumber<T>, IMinMaxValue<T> => T.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.Multiply(a, b);
}

/// <summary>The sum.</summary>
internal readonly struct SumFold : IFold
{
    public static T Identity<T>()
        where T : unmanaged, INumber<T>, IMinMaxValue<T> => T.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.Add(a, b);
}

/// <summary>The maximum; NaN wins.</summary>
internal readonly struct MaxFold : IFold
{
    public static T Identity<T>()
        where T : unmanaged, INumber<T>, IMinMaxValue<T> => Extremes.Least<T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.Max(a, b);
}

/// <summary>The minimum; NaN wins.</summary>
internal readonly struct MinFold : IFold
{
    public static T Identity<T>()
        where T : unmanaged, INumber<T>, IMinMaxValue<T> => Extremes.Most<T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.Min(a, b);
}

/// <summary>Whether all are true, for bool.</summary>
internal readonly struct AndFold : IFold
{
    public static T Identity<T>()
        where T : unmanaged, INumber<T>, IMinMaxValue<T> => T.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.And(a, b);
}

/// <summary>Whether any is true, for bool.</summary>
internal readonly struct OrFold : IFold
{
    public static T Identity<T>()
        where T : unmanaged, INumber<T>, IMinMaxValue<T> => T.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<L, V, T>(V a, V b)
        where L : ILanes<V, T> where V : struct where T : unmanaged, INumber<T> => L.Or(a, b);
}

/// <summary>The extreme numbers of a type; infinities where it has them.</summary>
internal static class Extremes
{
    /// <summary>The least number.</summary>
    internal static T Least<T>()
        where T : unmanaged, INumber<T>, IMinMaxValue<T> =>
        typeof(T) == typeof(float) || typeof(T) == typeof(double) ? T.CreateTruncating(double.NegativeInfinity) : T.MinValue;

    /// <summary>The greatest number.</summary>
    internal static T Most<T>()
        where T : unmanaged, INumber<T>, IMinMaxValue<T> =>
        typeof(T) == typeof(float) || typeof(T) == typeof(double) ? T.CreateTruncating(double.PositiveInfinity) : T.MaxValue;
}
