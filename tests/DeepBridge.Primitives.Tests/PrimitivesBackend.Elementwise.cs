using System.Numerics;
using DeepBridge.Ops;
using DeepBridge.Randomness;

namespace DeepBridge.Primitives.Tests;

internal sealed partial class PrimitivesBackend
{
    private void Elementwise()
    {
        Unary<Negate>(x => -x, x => -x, x => -x);
        Unary<Abs>(float.Abs, double.Abs, x => x < 0 ? -x : x);
        Unary<Sign>(SignOf, SignOf, SignOf);
        Unary<Floor>(float.Floor, double.Floor, x => x);
        Unary<Ceiling>(float.Ceiling, double.Ceiling, x => x);
        Unary<Round>(float.Round, double.Round, x => x);
        Unary<Exp>(float.Exp, double.Exp);
        Unary<Expm1>(Expm1Of, Expm1Of);
        Unary<Log>(float.Log, double.Log);
        Unary<Log1p>(Log1pOf, Log1pOf);
        Unary<Sqrt>(float.Sqrt, double.Sqrt);
        Unary<Rsqrt>(x => 1 / float.Sqrt(x), x => 1 / double.Sqrt(x));
        Unary<Sin>(float.Sin, double.Sin);
        Unary<Cos>(float.Cos, double.Cos);
        Unary<Tanh>(float.Tanh, double.Tanh);
        Unary<Erf>(x => (float)ErfOf(x), ErfOf);
        Unary<Sigmoid>(x => 1 / (1 + float.Exp(-x)), x => 1 / (1 + double.Exp(-x)));
        Unary<Relu>(x => x > 0 || float.IsNaN(x) ? x : 0, x => x > 0 || double.IsNaN(x) ? x : 0);
        Unary<LogicalNot>(null, null, x => x ^ 1);

        Binary<Add>((a, b) => a + b, (a, b) => a + b, (a, b) => a + b);
        Binary<Subtract>((a, b) => a - b, (a, b) => a - b, (a, b) => a - b);
        Binary<Multiply>((a, b) => a * b, (a, b) => a * b, (a, b) => a * b);
        Binary<Divide>((a, b) => a / b, (a, b) => a / b);
        Binary<FloorDivide>(Quotient, Quotient, WholeQuotient);
        Binary<FloorModulo>(Remainder, Remainder, (a, b) => b == -1 ? 0 : Remainder(a, b));
        Binary<Power>(float.Pow, double.Pow, WholePower);
        Binary<Maximum>(float.Max, double.Max, long.Max);
        Binary<Minimum>(float.Min, double.Min, long.Min);
        Binary<LogicalAnd>(null, null, (a, b) => a & b);
        Binary<LogicalOr>(null, null, (a, b) => a | b);
        Binary<LogicalXor>(null, null, (a, b) => a ^ b);
        Compare<Equal>((a, b) => a == b, (a, b) => a == b);
        Compare<NotEqual>((a, b) => a != b, (a, b) => a != b);
        Compare<Less>((a, b) => a < b, (a, b) => a < b);
        Compare<LessEqual>((a, b) => a <= b, (a, b) => a <= b);
        Compare<Greater>((a, b) => a > b, (a, b) => a > b);
        Compare<GreaterEqual>((a, b) => a >= b, (a, b) => a >= b);

        Primitive<Where>((op, in call) =>
        {
            Shape shape = call.OutputSpecs[0].Shape;
            Block condition = In(call, 0), a = In(call, 1), b = In(call, 2);
            long[] bits = (long[])condition.Elements;
            int[] c = condition.Positions(shape), x = a.Positions(shape), y = b.Positions(shape);
            Give(call, (a.Elements, b.Elements) switch
            {
                (float[] u, float[] v) => Array1(call.OutputSpecs[0], i => bits[c[i]] != 0 ? u[x[i]] : v[y[i]]),
                (double[] u, double[] v) => Array1(call.OutputSpecs[0], i => bits[c[i]] != 0 ? u[x[i]] : v[y[i]]),
                (long[] u, long[] v) => (Array)Array1(call.OutputSpecs[0], i => bits[c[i]] != 0 ? u[x[i]] : v[y[i]]),
                _ => throw new InvalidOperationException(),
            });
        });
        Primitive<Cast>((op, in call) =>
        {
            Block x = In(call, 0);
            int[] at = x.Positions();
            TensorSpec to = call.OutputSpecs[0];
            Give(call, x.Elements switch
            {
                float[] f when IsLong(to) => Array1(to, i => Saturate(f[at[i]], to.DType)),
                double[] d when IsLong(to) => Array1(to, i => Saturate(d[at[i]], to.DType)),
                long[] l when IsLong(to) => Array1(to, i => Narrow(l[at[i]], to.DType)),
                float[] f when IsDouble(to) => Array1(to, i => (double)f[at[i]]),
                double[] d when IsDouble(to) => Array1(to, i => d[at[i]]),
                long[] l when IsDouble(to) => Array1(to, i => (double)l[at[i]]),
                double[] d when to.DType == DType.Float16 => Array1(to, i => (float)(Half)d[at[i]]),
                float[] f => Array1(to, i => f[at[i]]),
                double[] d => Array1(to, i => (float)d[at[i]]),
                long[] l => (Array)Array1(to, i => (float)l[at[i]]),
                _ => throw new InvalidOperationException(),
            });
        });
        Primitive<Fill>((op, in call) => Give(call, Constant(call.OutputSpecs[0], op.Value)));
        Primitive<Iota>((op, in call) => Give(call, IsLong(call.OutputSpecs[0]) ? Array1(call.OutputSpecs[0], i => (long)i)
            : IsDouble(call.OutputSpecs[0]) ? Array1(call.OutputSpecs[0], i => (double)i) : Array1(call.OutputSpecs[0], i => (float)i)));
        Primitive<RandomWords>((op, in call) =>
        {
            Block state = In(call, 0);
            long[] values = (long[])state.Elements;
            int[] at = state.Positions();
            uint[] words = new uint[call.OutputSpecs[0].Count];
            Philox.Words((ulong)values[at[0]], (ulong)values[at[1]], words);
            Give(call, Array.ConvertAll(words, word => (long)(int)word));
            Give(call, new[] { values[at[0]], values[at[1]] + Philox.Blocks(words.Length) }, 1);
        });
    }

    private void Unary<TOp>(Func<float, float>? floats, Func<double, double>? doubles, Func<long, long>? longs = null)
        where TOp : Op<TOp> => Primitive<TOp>((op, in call) =>
        {
            Block x = In(call, 0);
            int[] at = x.Positions();
            Give(call, x.Elements switch
            {
                float[] f => Array1(x.Spec, i => floats!(f[at[i]])),
                double[] d => Array1(x.Spec, i => doubles!(d[at[i]])),
                long[] l => (Array)Array1(x.Spec, i => longs!(l[at[i]])),
                _ => throw new InvalidOperationException(),
            });
        });

    private void Binary<TOp>(Func<float, float, float>? floats, Func<double, double, double>? doubles, Func<long, long, long>? longs = null)
        where TOp : Op<TOp> => Primitive<TOp>((op, in call) =>
        {
            TensorSpec spec = call.OutputSpecs[0];
            Block x = In(call, 0), y = In(call, 1);
            int[] a = x.Positions(spec.Shape), b = y.Positions(spec.Shape);
            Give(call, (x.Elements, y.Elements) switch
            {
                (float[] u, float[] v) => Array1(spec, i => floats!(u[a[i]], v[b[i]])),
                (double[] u, double[] v) => Array1(spec, i => doubles!(u[a[i]], v[b[i]])),
                (long[] u, long[] v) => (Array)Array1(spec, i => longs!(u[a[i]], v[b[i]])),
                _ => throw new InvalidOperationException(),
            });
        });

    private void Compare<TOp>(Func<double, double, bool> doubles, Func<long, long, bool> longs)
        where TOp : Op<TOp> => Primitive<TOp>((op, in call) =>
        {
            TensorSpec spec = call.OutputSpecs[0];
            Block x = In(call, 0), y = In(call, 1);
            int[] a = x.Positions(spec.Shape), b = y.Positions(spec.Shape);
            Give(call, (x.Elements, y.Elements) switch
            {
                (float[] u, float[] v) => Array1(spec, i => doubles(u[a[i]], v[b[i]]) ? 1L : 0),
                (double[] u, double[] v) => Array1(spec, i => doubles(u[a[i]], v[b[i]]) ? 1L : 0),
                (long[] u, long[] v) => Array1(spec, i => longs(u[a[i]], v[b[i]]) ? 1L : 0),
                _ => throw new InvalidOperationException(),
            });
        });

    private static Array Constant(TensorSpec spec, Scalar value)
    {
        long whole = value.Kind == DType.Float64 ? Saturate(value.ToDouble(), spec.DType) : Narrow(value.ToInt64(), spec.DType);
        return IsLong(spec) ? Array1(spec, _ => whole) : IsDouble(spec) ? Array1(spec, _ => value.ToDouble()) : Array1(spec, _ => (float)value.ToDouble());
    }

    private static T SignOf<T>(T x)
        where T : INumber<T> => x > T.Zero ? T.One : x < T.Zero ? -T.One : T.Zero;

    /// <summary>eˣ − 1 = tanh(x/2)·(eˣ + 1): near 0 nothing cancels.</summary>
    private static T Expm1Of<T>(T x)
        where T : IFloatingPointIeee754<T> => T.Abs(x) < T.One ? T.Tanh(x / (T.One + T.One)) * (T.Exp(x) + T.One) : T.Exp(x) - T.One;

    /// <summary>log(1 + x) = 2·artanh(x / (2 + x)): near 0 nothing cancels.</summary>
    private static T Log1pOf<T>(T x)
        where T : IFloatingPointIeee754<T> =>
        T.Abs(x) < T.One ? (T.One + T.One) * T.Atanh(x / (T.One + T.One + x)) : T.Log(T.One + x);

    /// <summary>The Maclaurin series, and the continued fraction of erfc where that cancels.</summary>
    private static double ErfOf(double x)
    {
        double size = double.Abs(x);
        if (size < 2)
        {
            double term = x, sum = x;
            for (int n = 1; n < 60; n++)
            {
                term *= -x * x / n;
                sum += term / ((2 * n) + 1);
            }

            return sum * 2 / double.Sqrt(double.Pi);
        }

        double fraction = size;
        for (int k = 80; k >= 1; k--)
        {
            fraction = size + (k / 2.0 / fraction);
        }

        return double.IsNaN(x) ? x : double.CopySign(1 - (double.Exp(-size * size) / (fraction * double.Sqrt(double.Pi))), x);
    }

    private static T Remainder<T>(T a, T b)
        where T : INumber<T>
    {
        T rest = a % b;
        return rest != T.Zero && T.IsNegative(rest) != T.IsNegative(b) ? rest + b : rest;
    }

    private static long WholePower(long x, long exponent)
    {
        BigInteger modulus = BigInteger.One << 64, power = BigInteger.ModPow(x, exponent, modulus);
        return unchecked((long)(ulong)(power < 0 ? power + modulus : power));
    }

    private static long WholeQuotient(long a, long b)
    {
        if (b == -1)
        {
            return unchecked(-a);
        }

        (long quotient, long rest) = Math.DivRem(a, b);
        return rest != 0 && (rest < 0) != (b < 0) ? quotient - 1 : quotient;
    }

    private static T Quotient<T>(T a, T b)
        where T : IFloatingPointIeee754<T>
    {
        if (b == T.Zero)
        {
            return a / b;
        }

        T rest = a % b;
        T quotient = (a - rest) / b;
        return T.Round(rest != T.Zero && T.IsNegative(rest) != T.IsNegative(b) ? quotient - T.One : quotient);
    }

    private static long Saturate(double value, DType dtype) => dtype switch
    {
        DType.Bool => value != 0 ? 1 : 0,
        DType.UInt8 => byte.CreateSaturating(value),
        DType.Int8 => sbyte.CreateSaturating(value),
        DType.Int16 => short.CreateSaturating(value),
        DType.Int32 => int.CreateSaturating(value),
        _ => long.CreateSaturating(value),
    };

    private static long Narrow(long value, DType dtype) => dtype switch
    {
        DType.Bool => value != 0 ? 1 : 0,
        DType.UInt8 => byte.CreateTruncating(value),
        DType.Int8 => sbyte.CreateTruncating(value),
        DType.Int16 => short.CreateTruncating(value),
        DType.Int32 => int.CreateTruncating(value),
        _ => value,
    };
}
