using System.Numerics;
using System.Runtime.CompilerServices;

namespace DeepBridge.Cpu;

/// <summary>GELU, or its gradient for the incoming gradient a and the input b.</summary>
/// <param name="gradient">Whether the gradient is meant.</param>
internal readonly struct GeluMap(bool gradient) : IMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Apply<T>(Vector<T> a, Vector<T> b)
        where T : unmanaged, INumber<T>
    {
        Vector<T> half = Vectors.Splat<T>(0.5), distribution = (Vectors.Erf(b * Vectors.Splat<T>(Math.Sqrt(0.5))) + Vector<T>.One) * half;
        if (!gradient)
        {
            return b * distribution;
        }

        Vector<T> density = Vectors.Exp(-(b * b) * half) * Vectors.Splat<T>(1 / Math.Sqrt(2 * Math.PI));
        return a * (distribution + (b * density));
    }
}

/// <summary>The approximation of GELU by tanh, or its gradient for the incoming gradient a and the input b.</summary>
/// <param name="gradient">Whether the gradient is meant.</param>
internal readonly struct GeluTanhMap(bool gradient) : IMap
{
    private const double Cubic = 0.044715;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Apply<T>(Vector<T> a, Vector<T> b)
        where T : unmanaged, INumber<T>
    {
        Vector<T> half = Vectors.Splat<T>(0.5), one = Vector<T>.One, square = b * b, slope = Vectors.Splat<T>(Math.Sqrt(2 / Math.PI));
        Vector<T> bend = Vectors.Tanh((b + (square * b * Vectors.Splat<T>(Cubic))) * slope);
        if (!gradient)
        {
            return b * half * (bend + one);
        }

        Vector<T> rise = (one - (bend * bend)) * ((square * Vectors.Splat<T>(3 * Cubic)) + one) * slope;
        return a * (((bend + one) * half) + (b * half * rise));
    }
}

/// <summary>x · sigmoid(x), or its gradient for the incoming gradient a and the input b.</summary>
internal readonly struct SiluMap(bool gradient) : IMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Apply<T>(Vector<T> a, Vector<T> b)
        where T : unmanaged, INumber<T>
    {
        Vector<T> sigmoid = Vectors.Sigmoid(b);
        return gradient ? a * sigmoid * ((b * (Vector<T>.One - sigmoid)) + Vector<T>.One) : b * sigmoid;
    }
}

/// <summary>a where b is above 0, else slope · a: the function of a = b, and its gradient.</summary>
internal readonly struct LeakyReluMap(double slope) : IMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Apply<T>(Vector<T> a, Vector<T> b)
        where T : unmanaged, INumber<T> => Vector.ConditionalSelect(Vector.GreaterThan(b, Vector<T>.Zero), a, a * Vectors.Splat<T>(slope));
}

/// <summary>log(1 + e^(βx)) / β, or its gradient for the incoming gradient a and the input b; linear above the threshold.</summary>
internal readonly struct SoftplusMap(double beta, double threshold, bool gradient) : IMap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Apply<T>(Vector<T> a, Vector<T> b)
        where T : unmanaged, INumber<T>
    {
        Vector<T> scale = Vectors.Splat<T>(beta), z = b * scale;
        Vector<T> soft = gradient ? a * Vectors.Sigmoid(z) : Vectors.Softplus(z) / scale;
        return Vector.ConditionalSelect(Vector.GreaterThan(z, Vectors.Splat<T>(threshold)), a, soft);
    }
}
