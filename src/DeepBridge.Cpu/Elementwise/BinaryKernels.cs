using System.Runtime.CompilerServices;

namespace DeepBridge.Cpu;

/// <summary>a + b.</summary>
internal readonly struct AddKernel : IFold
{
    static T IFold.Identity<T>() => T.Zero;

    static V IBinary.Apply<L, V, T>(V a, V b) => L.Add(a, b);
}

/// <summary>a − b.</summary>
internal readonly struct SubtractKernel : IBinary { static V IBinary.Apply<L, V, T>(V a, V b) => L.Subtract(a, b); }

/// <summary>a · b.</summary>
internal readonly struct MultiplyKernel : IFold
{
    static T IFold.Identity<T>() => T.One;

    static V IBinary.Apply<L, V, T>(V a, V b) => L.Multiply(a, b);
}

/// <summary>a / b.</summary>
internal readonly struct DivideKernel : IBinary { static V IBinary.Apply<L, V, T>(V a, V b) => L.Divide(a, b); }

/// <summary>The larger; NaN wins.</summary>
internal readonly struct MaximumKernel : IFold
{
    static T IFold.Identity<T>() => Extremes.Least<T>();

    static V IBinary.Apply<L, V, T>(V a, V b) => L.Max(a, b);
}

/// <summary>The smaller; NaN wins.</summary>
internal readonly struct MinimumKernel : IFold
{
    static T IFold.Identity<T>() => Extremes.Most<T>();

    static V IBinary.Apply<L, V, T>(V a, V b) => L.Min(a, b);
}

/// <summary>a · (1 − b²).</summary>
internal readonly struct TanhGradientKernel : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V IBinary.Apply<L, V, T>(V a, V b) => L.Multiply(a, L.Subtract(L.Splat(T.One), L.Multiply(b, b)));
}

/// <summary>a · (b · (1 − b)).</summary>
internal readonly struct SigmoidGradientKernel : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V IBinary.Apply<L, V, T>(V a, V b) => L.Multiply(a, L.Multiply(b, L.Subtract(L.Splat(T.One), b)));
}

/// <summary>0 where b ≤ 0, else a.</summary>
internal readonly struct ReluGradientKernel : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V IBinary.Apply<L, V, T>(V a, V b) => L.Select(L.LessOrEqual(b, L.Splat(T.Zero)), L.Splat(T.Zero), a);
}

/// <summary>a · (Φ(b) + b · φ(b)).</summary>
internal readonly struct GeluGradientKernel : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V IBinary.Apply<L, V, T>(V a, V b)
    {
        V below = Functions<L, V, T>.Normal(b, out V bell);
        return L.Multiply(a, L.MultiplyAdd(L.Multiply(b, bell), L.Constant(1 / Math.Sqrt(2 * Math.PI)), below));
    }
}

/// <summary>a times the derivative of GELU's approximation by tanh at b.</summary>
internal readonly struct GeluTanhGradientKernel : IBinary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V IBinary.Apply<L, V, T>(V a, V b)
    {
        V below = Functions<L, V, T>.NearNormal(b, out V slope);
        return L.Multiply(a, L.MultiplyAdd(b, slope, below));
    }
}

/// <summary>Bits of both.</summary>
internal readonly struct AndKernel : IFold
{
    static T IFold.Identity<T>() => T.One;

    static V IBinary.Apply<L, V, T>(V a, V b) => L.And(a, b);
}

/// <summary>Bits of either.</summary>
internal readonly struct OrKernel : IFold
{
    static T IFold.Identity<T>() => T.Zero;

    static V IBinary.Apply<L, V, T>(V a, V b) => L.Or(a, b);
}

/// <summary>Bits of one.</summary>
internal readonly struct XorKernel : IBinary { static V IBinary.Apply<L, V, T>(V a, V b) => L.Xor(a, b); }

/// <summary>a = b.</summary>
internal readonly struct EqualKernel : IBinary
{
    public static bool IsComparison => true;

    static V IBinary.Apply<L, V, T>(V a, V b) => L.Equal(a, b);
}

/// <summary>a &lt; b.</summary>
internal readonly struct LessKernel : IBinary
{
    public static bool IsComparison => true;

    static V IBinary.Apply<L, V, T>(V a, V b) => L.Less(a, b);
}

/// <summary>a ≤ b.</summary>
internal readonly struct LessEqualKernel : IBinary
{
    public static bool IsComparison => true;

    static V IBinary.Apply<L, V, T>(V a, V b) => L.LessOrEqual(a, b);
}

/// <summary>a ≠ b: the mask of a = b, inverted.</summary>
internal readonly struct NotEqualKernel : IBinary
{
    public static bool IsComparison => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V IBinary.Apply<L, V, T>(V a, V b) => L.Select(L.Equal(a, b), default, L.Equal(L.Splat(T.Zero), L.Splat(T.Zero)));
}
