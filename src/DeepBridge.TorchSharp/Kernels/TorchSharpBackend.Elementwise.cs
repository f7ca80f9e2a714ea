using System.Runtime.InteropServices;

namespace DeepBridge.Torch;

/// <content>Ops that go element by element.</content>
public sealed partial class TorchSharpBackend
{
    private void ImplementElementwise()
    {
        Unary<Exp>(static x => x.exp(), static x => x.exp_());
        Unary<Expm1>(static x => x.expm1(), static x => x.expm1_());
        Unary<Log>(static x => x.log(), static x => x.log_());
        Unary<Log1p>(static x => x.log1p(), static x => x.log1p_());
        Unary<Sqrt>(static x => x.sqrt(), static x => x.sqrt_());
        Unary<Rsqrt>(static x => x.rsqrt(), static x => x.rsqrt_());
        Unary<Sin>(static x => x.sin(), static x => x.sin_());
        Unary<Cos>(static x => x.cos(), static x => x.cos_());
        Unary<Erf>(static x => x.erf(), static x => x.erf_());
        Unary<Tanh>(static x => x.tanh(), static x => x.tanh_());
        Unary<Sigmoid>(static x => x.sigmoid(), static x => x.sigmoid_());
        Unary<Relu>(static x => x.relu(), static x => x.relu_());
        Unary<Negate>(static x => x.neg(), static x => x.neg_());
        Unary<Abs>(static x => x.abs(), static x => x.abs_());
        Unary<Sign>(static x => x.sign(), static x => x.sign_());
        Rounding<Floor>(static x => x.floor(), static x => x.floor_());
        Rounding<Ceiling>(static x => x.ceil(), static x => x.ceil_());
        Rounding<Round>(static x => x.round(), static x => x.round_());

        Binary<Add>(static (x, y) => x.add(y, Numbers.One), static (x, y) => x.add_(y, Numbers.One), commutes: true);
        Binary<Subtract>(static (x, y) => x.add(y, Numbers.MinusOne), static (x, y) => x.add_(y, Numbers.MinusOne));
        Binary<Multiply>(static (x, y) => x.mul(y), static (x, y) => x.mul_(y), commutes: true);
        Binary<Divide>(static (x, y) => x.div(y), static (x, y) => x.div_(y));
        Binary<Maximum>(static (x, y) => x.maximum(y));
        Binary<Minimum>(static (x, y) => x.minimum(y));
        Binary<Power>(static (x, y) => x.pow(y), static (x, y) => x.pow_(y));
        Implement<FloorDivide>(static (_, in call) => Out(call, FloorDivideOf(In(call, 0), In(call, 1), call.Inputs[0].Spec.DType)));
        Implement<FloorModulo>(static (_, in call) => Out(call, FloorModuloOf(In(call, 0), In(call, 1), call.Inputs[0].Spec.DType)));

        Comparison<Equal>(static (x, y) => x.eq(y));
        Comparison<NotEqual>(static (x, y) => x.ne(y));
        Comparison<Less>(static (x, y) => x.lt(y));
        Comparison<LessEqual>(static (x, y) => x.le(y));
        Comparison<Greater>(static (x, y) => x.gt(y));
        Comparison<GreaterEqual>(static (x, y) => x.ge(y));
        Comparison<LogicalAnd>(static (x, y) => x.logical_and(y));
        Comparison<LogicalOr>(static (x, y) => x.logical_or(y));
        Comparison<LogicalXor>(static (x, y) => x.logical_xor(y));
        Implement<LogicalNot>(static (_, in call) => Out(call, In(call, 0).logical_not()));

        ImplementAny<Where>(static (_, in call) => Out(call, In(call, 1).where(In(call, 0), In(call, 2))));
        ImplementAny<Cast>(static (op, in call) => CastOf(op.DType, call));
        Implement<Fill>(static (op, in call) => FillOf(op, call));
        Implement<Iota>(static (op, in call) => IotaOf(op, call));
    }

    private void Unary<TOp>(Func<Native, Native> compute, Func<Native, Native> inPlace)
        where TOp : Op<TOp> => Implement<TOp>((_, in call) => UnaryOf(call, compute, inPlace));

    /// <summary>Integers are whole already.</summary>
    private void Rounding<TOp>(Func<Native, Native> compute, Func<Native, Native> inPlace)
        where TOp : Op<TOp> => Implement<TOp>((_, in call) =>
        {
            if (call.Inputs[0].Spec.DType.IsFloating())
            {
                UnaryOf(call, compute, inPlace);
            }
            else
            {
                OutSame(call);
            }
        });

    private static void UnaryOf(in KernelCall call, Func<Native, Native> compute, Func<Native, Native> inPlace)
    {
        if (Takes(call, 0))
        {
            At(call, 0).Known = null;
            inPlace(In(call, 0));
            OutSame(call);
            return;
        }

        Out(call, compute(In(call, 0)));
    }

    private void Binary<TOp>(Func<Native, Native, Native> compute, Func<Native, Native, Native>? inPlace = null, bool commutes = false)
        where TOp : Op<TOp> => Implement<TOp>((_, in call) =>
        {
            int taken = inPlace is null ? -1 : Takes(call, 0) ? 0 : commutes && Takes(call, 1) ? 1 : -1;
            if (taken >= 0)
            {
                At(call, taken).Known = null;
                inPlace!(In(call, taken), In(call, 1 - taken));
                OutSame(call, taken);
                return;
            }

            Out(call, compute(In(call, 0), In(call, 1)));
        });

    private void Comparison<TOp>(Func<Native, Native, Native> compute)
        where TOp : Op<TOp> => ImplementAny<TOp>((_, in call) => Out(call, compute(In(call, 0), In(call, 1))));

    /// <summary>The processor's division traps at MinValue / −1, so that −1 is never divided by.</summary>
    private static Native FloorDivideOf(Native x, Native y, DType dtype)
    {
        if (dtype.IsFloating())
        {
            return InDouble(x, y, dtype, static (x, y) => x.floor_divide(y));
        }

        using Native isMinusOne = y.eq(Numbers.MinusOne), divisor = y.masked_fill(isMinusOne, Numbers.One);
        using Native quotient = x.floor_divide(divisor), negated = quotient.neg();
        return negated.where(isMinusOne, quotient);
    }

    private static Native FloorModuloOf(Native x, Native y, DType dtype)
    {
        if (dtype.IsFloating())
        {
            return InDouble(x, y, dtype, static (x, y) => x.remainder(y));
        }

        using Native isMinusOne = y.eq(Numbers.MinusOne), divisor = y.masked_fill(isMinusOne, Numbers.One);
        return x.remainder(divisor);
    }

    /// <summary>libtorch's vectorized remainder of float32 is NaN where the quotient is very large.</summary>
    private static Native InDouble(Native x, Native y, DType dtype, Func<Native, Native, Native> compute)
    {
        if (dtype == DType.Float64)
        {
            return compute(x, y);
        }

        using Native a = x.to_type(ScalarType.Float64), b = y.to_type(ScalarType.Float64), result = compute(a, b);
        return result.to_type(ScalarType.Float32);
    }

    private static void CastOf(DType to, in KernelCall call)
    {
        DType from = call.Inputs[0].Spec.DType;
        Native x = In(call, 0);
        if (from == to)
        {
            OutSame(call);
        }
        else if (from.IsFloating() && to.IsInteger())
        {
            Out(call, Saturate(x, to));
        }
        else if (from == DType.Float64 && to == DType.Float16 && call.OutputSpecs[0].Count > 0)
        {
            Out(call, RoundOnce(x, call.Device));
        }
        else
        {
            Out(call, x.to_type(to.ToTorch()));
            ((TorchTensor)call.Outputs[0]).Known = from.IsFloating() && to.IsFloating() && !to.IsHalf() && to >= from ? At(call, 0).Known : null;
        }
    }

    /// <summary>Truncates; NaN becomes 0, and what is out of range saturates, of which C++ says nothing.</summary>
    private static Native Saturate(Native x, DType to)
    {
        (double least, double most) = to switch
        {
            DType.UInt8 => (byte.MinValue, byte.MaxValue),
            DType.Int8 => (sbyte.MinValue, sbyte.MaxValue),
            DType.Int16 => (short.MinValue, short.MaxValue),
            DType.Int32 => (int.MinValue, int.MaxValue),
            _ => (long.MinValue, Math.BitDecrement((double)long.MaxValue)),
        };
        using Native wide = x.to_type(ScalarType.Float64), clean = wide.nan_to_num(0);
        using Native clamped = clean.clamp(Numbers.Of(least), Numbers.Of(most));
        Native whole = clamped.to_type(to.ToTorch());
        if (to == DType.Int64)
        {
            using Native beyond = clean.gt(Numbers.Of(most));
            whole.masked_fill_(beyond, Numbers.Of(long.MaxValue));
        }

        return whole;
    }

    /// <summary>libtorch goes from float64 to float16 through float32 and rounds twice: the host rounds once.</summary>
    private static Native RoundOnce(Native x, Device device)
    {
        using Native host = x.cpu(), dense = host.contiguous();
        ReadOnlySpan<double> wide = MemoryMarshal.Cast<byte, double>(dense.bytes);
        Native narrow = torch.empty(dense.shape, ScalarType.Float16, torch.CPU);
        Span<Half> halves = MemoryMarshal.Cast<byte, Half>(narrow.bytes);
        for (int i = 0; i < wide.Length; i++)
        {
            halves[i] = (Half)wide[i];
        }

        return ToDevice(narrow, device);
    }

    private static void FillOf(Fill op, in KernelCall call)
    {
        TensorSpec spec = call.OutputSpecs[0];
        double known = op.DType == DType.Float32 ? (float)op.Value.ToDouble() : op.DType == DType.Int64 ? op.Value.ToInt64() : op.Value.ToDouble();
        if (TorchTensor.CanKnow(spec, known))
        {
            call.Outputs[0] = new TorchTensor(spec, call.Device, known);
            return;
        }

        using Number value = ValueOf(op.Value, op.DType);
        Out(call, torch.full(op.Shape.ToLongs(), value, op.DType.ToTorch(), On(call.Device)));
    }

    /// <summary>A scalar, cast to a dtype as an element would be.</summary>
    private static Number ValueOf(Scalar value, DType dtype)
    {
        if (dtype.IsFloating())
        {
            return value.ToDouble().ToScalar();
        }

        bool floating = value.Kind == DType.Float64;
        long whole = value.ToInt64();
        return dtype switch
        {
            DType.Bool => (floating ? value.ToDouble() != 0 : whole != 0) ? 1L.ToScalar() : 0L.ToScalar(),
            DType.UInt8 => (floating ? Math.Clamp(whole, byte.MinValue, byte.MaxValue) : (byte)whole).ToScalar(),
            DType.Int8 => (floating ? Math.Clamp(whole, sbyte.MinValue, sbyte.MaxValue) : (sbyte)whole).ToScalar(),
            DType.Int16 => (floating ? Math.Clamp(whole, short.MinValue, short.MaxValue) : (short)whole).ToScalar(),
            DType.Int32 => (floating ? Math.Clamp(whole, int.MinValue, int.MaxValue) : (int)whole).ToScalar(),
            _ => whole.ToScalar(),
        };
    }

    private static void IotaOf(Iota op, in KernelCall call)
    {
        using Number length = ((long)op.Length).ToScalar();
        ScalarType type = op.DType.IsHalf() ? ScalarType.Float32 : op.DType.ToTorch();
        Native numbers = torch.arange(Numbers.Zero, length, Numbers.One, type, On(call.Device));
        if (op.DType.IsHalf())
        {
            using Native wide = numbers;
            numbers = wide.to_type(op.DType.ToTorch());
        }

        Out(call, numbers);
    }
}
