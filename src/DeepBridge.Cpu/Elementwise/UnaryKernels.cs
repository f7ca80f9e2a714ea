using System.Runtime.CompilerServices;

namespace DeepBridge.Cpu;

/// <summary>−x.</summary>
internal readonly struct NegateKernel : IUnary { static V IUnary.Apply<L, V, T>(V x) => L.Negate(x); }

/// <summary>|x|.</summary>
internal readonly struct AbsKernel : IUnary { static V IUnary.Apply<L, V, T>(V x) => L.Abs(x); }

/// <summary>−1, 0 or 1; 0 for NaN.</summary>
internal readonly struct SignKernel : IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V IUnary.Apply<L, V, T>(V x) => L.Select(L.Less(x, L.Splat(T.Zero)), L.Splat(-T.One), L.And(L.Less(L.Splat(T.Zero), x), L.Splat(T.One)));
}

/// <summary>The greatest integer not above.</summary>
internal readonly struct FloorKernel : IUnary { static V IUnary.Apply<L, V, T>(V x) => L.Floor(x); }

/// <summary>The least integer not below.</summary>
internal readonly struct CeilingKernel : IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V IUnary.Apply<L, V, T>(V x) => L.Negate(L.Floor(L.Negate(x)));
}

/// <summary>The nearest integer, ties to even.</summary>
internal readonly struct RoundKernel : IUnary { static V IUnary.Apply<L, V, T>(V x) => L.Round(x); }

/// <summary>√x.</summary>
internal readonly struct SqrtKernel : IUnary { static V IUnary.Apply<L, V, T>(V x) => L.Sqrt(x); }

/// <summary>1 / √x.</summary>
internal readonly struct RsqrtKernel : IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V IUnary.Apply<L, V, T>(V x) => L.Divide(L.Constant(1), L.Sqrt(x));
}

/// <summary>max(x, 0); NaN stays.</summary>
internal readonly struct ReluKernel : IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V IUnary.Apply<L, V, T>(V x) => L.Select(L.LessOrEqual(x, L.Splat(T.Zero)), L.Splat(T.Zero), x);
}

/// <summary>1 − x, for bool.</summary>
internal readonly struct LogicalNotKernel : IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V IUnary.Apply<L, V, T>(V x) => L.Xor(x, L.Splat(T.One));
}

/// <summary>eˣ.</summary>
internal readonly struct ExpKernel : IUnary { static V IUnary.Apply<L, V, T>(V x) => Functions<L, V, T>.Exp(x); }

/// <summary>eˣ − 1.</summary>
internal readonly struct Expm1Kernel : IUnary { static V IUnary.Apply<L, V, T>(V x) => Functions<L, V, T>.Expm1(x); }

/// <summary>The natural logarithm.</summary>
internal readonly struct LogKernel : IUnary { static V IUnary.Apply<L, V, T>(V x) => L.Log(x); }

/// <summary>log(1 + x).</summary>
internal readonly struct Log1pKernel : IUnary { static V IUnary.Apply<L, V, T>(V x) => Functions<L, V, T>.Log1p(x); }

/// <summary>The sine.</summary>
internal readonly struct SinKernel : IUnary { static V IUnary.Apply<L, V, T>(V x) => L.Sin(x); }

/// <summary>The cosine.</summary>
internal readonly struct CosKernel : IUnary { static V IUnary.Apply<L, V, T>(V x) => L.Cos(x); }

/// <summary>The error function.</summary>
internal readonly struct ErfKernel : IUnary { static V IUnary.Apply<L, V, T>(V x) => Functions<L, V, T>.Erf(x); }

/// <summary>The hyperbolic tangent.</summary>
internal readonly struct TanhKernel : IUnary { static V IUnary.Apply<L, V, T>(V x) => Functions<L, V, T>.Tanh(x); }

/// <summary>1 / (1 + e⁻ˣ).</summary>
internal readonly struct SigmoidKernel : IUnary { static V IUnary.Apply<L, V, T>(V x) => Functions<L, V, T>.Sigmoid(x); }

/// <summary>x · x.</summary>
internal readonly struct SquareKernel : IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V IUnary.Apply<L, V, T>(V x) => L.Multiply(x, x);
}

/// <summary>x · Φ(x).</summary>
internal readonly struct GeluKernel : IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V IUnary.Apply<L, V, T>(V x) => L.Multiply(x, Functions<L, V, T>.Normal(x, out _));
}

/// <summary>½x · (1 + tanh(√(2/π) · (x + 0.044715 x³))).</summary>
internal readonly struct GeluTanhKernel : IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V IUnary.Apply<L, V, T>(V x) => L.Multiply(x, Functions<L, V, T>.NearNormal(x, out _));
}
