using System.Numerics;

namespace DeepBridge.Cpu;

/// <summary>An associative operation by which axes are folded.</summary>
internal interface IFold : IBinary
{
    /// <summary>What nothing folds to.</summary>
    static abstract T Identity<T>()
        where T : unmanaged, INumber<T>, IMinMaxValue<T>;
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
