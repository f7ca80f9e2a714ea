using System.Numerics;
using System.Runtime.CompilerServices;

namespace DeepBridge.Cpu;

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
