using DeepBridge.Ops;
using DeepBridge.Randomness;

namespace DeepBridge.Testing;

public sealed partial class ReferenceBackend
{
    private void ImplementElementwise()
    {
        Unary<Negate>(x => -x, x => -x);
        Unary<Abs>(Math.Abs, x => x < 0 ? -x : x);
        Unary<Sign>(x => x > 0 ? 1 : x < 0 ? -1 : 0, x => x > 0 ? 1 : x < 0 ? -1 : 0);
        Unary<Floor>(Math.Floor, x => x);
        Unary<Ceiling>(Math.Ceiling, x => x);
        Unary<Round>(x => Math.Round(x, MidpointRounding.ToEven), x => x);
        Unary<Exp>(Math.Exp);
        Unary<Expm1>(Expm1Of);
        Unary<Log>(Math.Log);
        Unary<Log1p>(Log1pOf);
        Unary<Sqrt>(Math.Sqrt);
        Unary<Rsqrt>(x => 1 / Math.Sqrt(x));
        Unary<Sin>(Math.Sin);
        Unary<Cos>(Math.Cos);
        Unary<Tanh>(Math.Tanh);
        Unary<Erf>(ErfOf);
        Unary<Sigmoid>(x => x >= 0 ? 1 / (1 + Math.Exp(-x)) : Math.Exp(x) / (1 + Math.Exp(x)));
        Unary<Relu>(x => x <= 0 ? 0 : x);

        Binary<Add>((a, b) => a + b, (a, b) => a + b);
        Binary<Subtract>((a, b) => a - b, (a, b) => a - b);
        Binary<Multiply>((a, b) => a * b, (a, b) => a * b);
        Binary<Divide>((a, b) => a / b);
        Binary<FloorDivide>(FloorQuotient, (a, b) => b == -1 ? -a : (a / b) - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0));
        Binary<FloorModulo>(FloorRemainder, FloorRemainder);
        Binary<Power>(Math.Pow, WholePower);
        Binary<Maximum>(Math.Max, Math.Max);
        Binary<Minimum>(Math.Min, Math.Min);

        Compare<Equal>((a, b) => a == b, (a, b) => a == b);
        Compare<NotEqual>((a, b) => a != b, (a, b) => a != b);
        Compare<Less>((a, b) => a < b, (a, b) => a < b);
        Compare<LessEqual>((a, b) => a <= b, (a, b) => a <= b);
        Compare<Greater>((a, b) => a > b, (a, b) => a > b);
        Compare<GreaterEqual>((a, b) => a >= b, (a, b) => a >= b);
        Binary<LogicalAnd>(null, (a, b) => a & b);
        Binary<LogicalOr>(null, (a, b) => a | b);
        Binary<LogicalXor>(null, (a, b) => a ^ b);
        Unary<LogicalNot>(null, x => 1 - x);

        Implement<Where>((op, in call) =>
        {
            ReferenceTensor condition = In(call, 0), then = In(call, 1), otherwise = In(call, 2);
            Shape shape = call.OutputSpecs[0].Shape;
            int[] c = Spread(condition, shape), a = Spread(then, shape), b = Spread(otherwise, shape);
            Give(
                call,
                i => condition.Wholes[c[i]] != 0 ? then.Reals[a[i]] : otherwise.Reals[b[i]],
                i => condition.Wholes[c[i]] != 0 ? then.Wholes[a[i]] : otherwise.Wholes[b[i]]);
        });
        Implement<Cast>((op, in call) =>
        {
            ReferenceTensor x = In(call, 0);
            DType to = op.DType;
            if (x.Spec.DType.IsFloating())
            {
                Give(call, i => x.Reals[i], i => Elements.Truncate(x.Reals[i], to));
            }
            else
            {
                // A long may round twice on its way through a double, so float32 is reached directly.
                Give(call, i => to == DType.Float32 ? (float)x.Wholes[i] : (double)x.Wholes[i], i => x.Wholes[i]);
            }
        });
        Implement<Fill>((op, in call) =>
        {
            Scalar value = op.Value;
            DType dtype = op.DType;
            Give(call, _ => value.ToDouble(), _ => value.Kind == DType.Float64 ? Elements.Truncate(value.ToDouble(), dtype) : value.ToInt64());
        });
        Implement<Iota>((op, in call) => Give(call, i => i, i => i));
        Implement<RandomWords>((op, in call) =>
        {
            long[] state = In(call, 0).Wholes;
            uint[] words = new uint[call.OutputSpecs[0].Count];
            Philox.Words((ulong)state[0], (ulong)state[1], words);
            Give(call, _ => 0, i => words[i]);
            Give(call, _ => 0, i => i == 0 ? state[0] : state[1] + Philox.Blocks(words.Length), 1);
        });
    }

    private void Unary<TOp>(Func<double, double>? real, Func<long, long>? whole = null)
        where TOp : Op<TOp> => Implement<TOp>((op, in call) =>
        {
            ReferenceTensor x = In(call, 0);
            Give(call, i => real!(x.Reals[i]), i => whole!(x.Wholes[i]));
        });

    private void Binary<TOp>(Func<double, double, double>? real, Func<long, long, long>? whole = null)
        where TOp : Op<TOp> => Implement<TOp>((op, in call) =>
        {
            ReferenceTensor x = In(call, 0), y = In(call, 1);
            int[] a = Spread(x, call.OutputSpecs[0].Shape), b = Spread(y, call.OutputSpecs[0].Shape);
            Give(call, i => real!(x.Reals[a[i]], y.Reals[b[i]]), i => whole!(x.Wholes[a[i]], y.Wholes[b[i]]));
        });

    private void Compare<TOp>(Func<double, double, bool> real, Func<long, long, bool> whole)
        where TOp : Op<TOp> => Implement<TOp>((op, in call) =>
        {
            ReferenceTensor x = In(call, 0), y = In(call, 1);
            int[] a = Spread(x, call.OutputSpecs[0].Shape), b = Spread(y, call.OutputSpecs[0].Shape);
            bool floating = x.Spec.DType.IsFloating();
            Give(call, _ => 0, i => (floating ? real(x.Reals[a[i]], y.Reals[b[i]]) : whole(x.Wholes[a[i]], y.Wholes[b[i]])) ? 1 : 0);
        });

    private static int[] Spread(ReferenceTensor tensor, Shape shape) => Indices.Map(shape, at => Indices.Broadcast(at, tensor.Spec.Shape));

    /// <summary>W. Kahan's corrections: the rounding of 1 + x, or of eˣ, is divided out again.</summary>
    private static double Log1pOf(double x) => 1 + x == 1 || double.IsPositiveInfinity(x) ? x : Math.Log(1 + x) * x / (1 + x - 1);

    private static double Expm1Of(double x)
    {
        double power = Math.Exp(x);
        return power == 1 ? x : power - 1 == -1 || double.IsInfinity(power) ? power - 1 : (power - 1) * x / Math.Log(power);
    }

    /// <summary>2/√π e^(−x²) Σ 2ⁿ x²ⁿ⁺¹ / (2n + 1)!! (Abramowitz and Stegun 7.1.6): no term cancels another.</summary>
    private static double ErfOf(double x)
    {
        if (Math.Abs(x) > 6)
        {
            return Math.Sign(x);
        }

        double term = x, sum = x;
        for (int n = 1; n < 200; n++)
        {
            term *= 2 * x * x / ((2 * n) + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }

    private static double FloorRemainder(double a, double b)
    {
        double remainder = a % b;
        return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder;
    }

    private static long FloorRemainder(long a, long b)
    {
        // The machine traps at MinValue % -1.
        long remainder = b == -1 ? 0 : a % b;
        return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder;
    }

    /// <summary>As PyTorch's div_floor: the quotient is exact but for one rounding, which is taken back.</summary>
    private static double FloorQuotient(double a, double b)
    {
        if (b == 0)
        {
            return a / b;
        }

        double remainder = a % b, quotient = (a - remainder) / b;
        quotient -= remainder != 0 && (remainder < 0) != (b < 0) ? 1 : 0;
        return quotient == 0 ? Math.CopySign(0, a / b) : Math.Floor(quotient) + (quotient - Math.Floor(quotient) > 0.5 ? 1 : 0);
    }

    private static long WholePower(long x, long exponent)
    {
        long power = 1;
        for (; exponent > 0; exponent >>= 1, x *= x)
        {
            power *= (exponent & 1) != 0 ? x : 1;
        }

        return power;
    }
}
