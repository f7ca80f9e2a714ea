using System.Numerics;
using System.Runtime.CompilerServices;

namespace DeepBridge.Cpu;

/// <summary>A function of two numbers that has no vector form.</summary>
internal interface IScalarBinary
{
    /// <summary>The function.</summary>
    static abstract T Apply<T>(T a, T b)
        where T : unmanaged, INumber<T>;
}

/// <summary>Applies a scalar function element by element.</summary>
/// <typeparam name="TScalar">The function.</typeparam>
internal readonly struct EachKernel<TScalar> : IBinary
    where TScalar : IScalarBinary
{
    static V IBinary.Apply<L, V, T>(V a, V b)
    {
        V y = default;
        for (int i = 0; i < L.Count; i++)
        {
            Unsafe.Add(ref Unsafe.As<V, T>(ref y), i) = TScalar.Apply(
                Unsafe.Add(ref Unsafe.As<V, T>(ref a), i), Unsafe.Add(ref Unsafe.As<V, T>(ref b), i));
        }

        return y;
    }
}

/// <summary>The greatest integer not above a / b; for floats as PyTorch computes it.</summary>
internal readonly struct FloorDivideScalar : IScalarBinary
{
    static T IScalarBinary.Apply<T>(T a, T b)
    {
        if (typeof(T) == typeof(int) || typeof(T) == typeof(long))
        {
            // The machine traps at MinValue / −1.
            return b == -T.One ? T.Zero - a : (a / b) - (a % b != T.Zero && T.IsNegative(a) != T.IsNegative(b) ? T.One : T.Zero);
        }

        if (b == T.Zero)
        {
            return a / b;
        }

        T remainder = a % b, quotient = (a - remainder) / b;
        if (remainder != T.Zero && T.IsNegative(remainder) != T.IsNegative(b))
        {
            quotient -= T.One;
        }

        if (quotient == T.Zero)
        {
            return T.CopySign(T.Zero, a / b);
        }

        T floor = Floor(quotient);
        return quotient - floor > T.CreateTruncating(0.5) ? floor + T.One : floor;
    }

    private static T Floor<T>(T x)
        where T : unmanaged, INumber<T> => typeof(T) == typeof(float)
        ? T.CreateTruncating(MathF.Floor(float.CreateTruncating(x)))
        : T.CreateTruncating(Math.Floor(double.CreateTruncating(x)));
}

/// <summary>The remainder of floor division, with the sign of b.</summary>
internal readonly struct FloorModuloScalar : IScalarBinary
{
    static T IScalarBinary.Apply<T>(T a, T b)
    {
        if ((typeof(T) == typeof(int) || typeof(T) == typeof(long)) && b == -T.One)
        {
            return T.Zero;
        }

        T remainder = a % b;
        return remainder != T.Zero && T.IsNegative(remainder) != T.IsNegative(b) ? remainder + b : remainder;
    }
}

/// <summary>a to the power b; integers wrap.</summary>
internal readonly struct PowerScalar : IScalarBinary
{
    static T IScalarBinary.Apply<T>(T a, T b)
    {
        if (typeof(T) == typeof(float))
        {
            return T.CreateTruncating(MathF.Pow(float.CreateTruncating(a), float.CreateTruncating(b)));
        }

        if (typeof(T) == typeof(double))
        {
            return T.CreateTruncating(Math.Pow(double.CreateTruncating(a), double.CreateTruncating(b)));
        }

        T power = T.One;
        for (long left = long.CreateTruncating(b); left > 0; left >>= 1)
        {
            power = (left & 1) != 0 ? power * a : power;
            a *= a;
        }

        return power;
    }
}
