using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Lowering;

internal static partial class Lowered
{
    private static nint[]? Elementwise(Op op, in Site s) => op switch
    {
        Add => [Binary("AddV2"u8, s)],
        Subtract => [Binary("Sub"u8, s)],
        Multiply => [Binary("Mul"u8, s)],
        Divide => [Binary("RealDiv"u8, s)],
        Maximum => [Binary("Maximum"u8, s)],
        Minimum => [Binary("Minimum"u8, s)],
        Power => [Binary("Pow"u8, s)],
        FloorDivide => [FloorDivided(s)],
        FloorModulo => [FloorRemainder(s)],
        Negate => [Unary("Neg"u8, s)],
        Abs => [Unary("Abs"u8, s)],
        Relu => [s.Emit.NoteRectified(Unary("Relu"u8, s))],
        Exp => [Unary("Exp"u8, s)],
        Expm1 => [Unary("Expm1"u8, s)],
        Log => [Unary("Log"u8, s)],
        Log1p => [Unary("Log1p"u8, s)],
        Sqrt => [Unary("Sqrt"u8, s)],
        Rsqrt => [Unary("Rsqrt"u8, s)],
        Sin => [Unary("Sin"u8, s)],
        Cos => [Unary("Cos"u8, s)],
        Erf => [Unary("Erf"u8, s)],
        Tanh => [Unary("Tanh"u8, s)],
        Sigmoid => [Unary("Sigmoid"u8, s)],
        LogicalNot => [Unary("LogicalNot"u8, s)],
        Sign => [Signed(s)],
        Floor => [Rounded("Floor"u8, s)],
        Ceiling => [Rounded("Ceil"u8, s)],
        Round => [Rounded("Round"u8, s)],
        Equal => [Binary("Equal"u8, s)],
        NotEqual => [Binary("NotEqual"u8, s)],
        Less => [Ordered("Less"u8, s)],
        LessEqual => [Ordered("LessEqual"u8, s)],
        Greater => [Ordered("Greater"u8, s)],
        GreaterEqual => [Ordered("GreaterEqual"u8, s)],
        LogicalAnd => [Binary("LogicalAnd"u8, s)],
        LogicalOr => [Binary("LogicalOr"u8, s)],
        LogicalXor => [Binary("NotEqual"u8, s)],
        ReluGradient => [Rectified(s)],
        TanhGradient => [s.Emit.Map("TanhGrad"u8, s.X[1], s.X[0])],
        SigmoidGradient => [s.Emit.Map("SigmoidGrad"u8, s.X[1], s.X[0])],
        Ops.Where => [Chosen(s)],
        Cast cast => [Casted(cast.DType, s)],
        Fill fill => [Filled(fill, s)],
        Iota iota => [Counted(iota, s)],
        _ => null,
    };

    private static nint Unary(ReadOnlySpan<byte> name, in Site s) => s.Emit.Map(name, s.X[0]);

    private static nint Binary(ReadOnlySpan<byte> name, in Site s)
    {
        nint a = s.X[0], b = s.X[1];
        if (!Aligned(s.Ins[0], s.Outs[0]) || !Aligned(s.Ins[1], s.Outs[0]))
        {
            (a, b) = (Spread(s, 0), Spread(s, 1));
            return s.Emit.Op(name, a, b).One();
        }

        return s.Emit.Map(name, a, b);
    }

    private static bool Aligned(TensorSpec input, TensorSpec output) => input.Rank == 0 || input.Shape == output.Shape;

    /// <summary>An input in the output's shape, where the kernels' own broadcasting may give up: it takes five groups of axes.</summary>
    private static nint Spread(in Site s, int input)
    {
        Shape output = s.Outs[0].Shape;
        return output.Rank <= 5 || s.Ins[input].Shape == output ? s.X[input]
            : s.Emit.Op("BroadcastTo"u8, s.X[input], s.Emit.Integers(output.Dims)).One();
    }

    /// <summary>−1, 0 or 1; 0 for NaN, which TensorFlow keeps.</summary>
    private static nint Signed(in Site s)
    {
        nint sign = s.Emit.Map("Sign"u8, s.X[0]);
        DType dtype = s.Ins[0].DType;
        return dtype.IsFloating() ? s.Emit.Map("SelectV2"u8, s.Emit.Map("NotEqual"u8, sign, sign), s.Emit.Number(0, dtype), sign) : sign;
    }

    private static nint Rounded(ReadOnlySpan<byte> name, in Site s) => s.Ins[0].DType.IsFloating() ? s.Emit.Map(name, s.X[0]) : s.X[0];

    /// <summary>A comparison of order; of bool, as of integers.</summary>
    private static nint Ordered(ReadOnlySpan<byte> name, in Site s)
    {
        if (s.Ins[0].DType != DType.Bool)
        {
            return Binary(name, s);
        }

        nint[] whole = [s.Emit.Cast(s.X[0], DType.UInt8), s.Emit.Cast(s.X[1], DType.UInt8)];
        return Binary(name, new Site(s.Emit, whole, [s.Ins[0].As(DType.UInt8), s.Ins[1].As(DType.UInt8)], s.Outs));
    }

    private static nint Chosen(in Site s)
    {
        TensorSpec output = s.Outs[0];
        return Aligned(s.Ins[0], output) && Aligned(s.Ins[1], output) && Aligned(s.Ins[2], output)
            ? s.Emit.Map("SelectV2"u8, s.X)
            : s.Emit.Op("SelectV2"u8, Spread(s, 0), Spread(s, 1), Spread(s, 2)).One();
    }

    /// <summary>a − b·⌊a / b⌋ with the sign of b, as PyTorch computes it; TensorFlow's own turns −1 % ∞ into NaN.</summary>
    private static nint FloorRemainder(in Site s)
    {
        if (!s.Ins[0].DType.IsFloating())
        {
            return Binary("FloorMod"u8, s);
        }

        Emitter e = s.Emit;
        nint b = Spread(s, 1), rest = e.Op("TruncateMod"u8, Spread(s, 0), b).One();
        return e.Op("SelectV2"u8, Turned(e, rest, b, s.Ins[0].DType), e.Op("AddV2"u8, rest, b).One(), rest).One();
    }

    /// <summary>⌊a / b⌋ through the remainder, which is exact, as PyTorch computes it; a / b where b is 0.</summary>
    private static nint FloorDivided(in Site s)
    {
        if (!s.Ins[0].DType.IsFloating())
        {
            return Binary("FloorDiv"u8, s);
        }

        Emitter e = s.Emit;
        DType dtype = s.Ins[0].DType;
        nint a = Spread(s, 0), b = Spread(s, 1), one = e.Number(1, dtype), rest = e.Op("TruncateMod"u8, a, b).One();
        nint quotient = e.Op("RealDiv"u8, e.Op("Sub"u8, a, rest).One(), b).One();
        quotient = e.Op("SelectV2"u8, Turned(e, rest, b, dtype), e.Op("Sub"u8, quotient, one).One(), quotient).One();
        nint floor = e.Op("Floor"u8, quotient).One();
        nint above = e.Op("Greater"u8, e.Op("Sub"u8, quotient, floor).One(), e.Number(0.5, dtype)).One();
        floor = e.Op("SelectV2"u8, above, e.Op("AddV2"u8, floor, one).One(), floor).One();
        return e.Op("SelectV2"u8, e.Op("Equal"u8, b, e.Number(0, dtype)).One(), e.Op("RealDiv"u8, a, b).One(), floor).One();
    }

    /// <summary>Where a remainder is not zero and has another sign than the divisor.</summary>
    private static nint Turned(Emitter e, nint rest, nint divisor, DType dtype)
    {
        nint zero = e.Number(0, dtype);
        nint other = e.Op("NotEqual"u8, e.Op("Less"u8, rest, zero).One(), e.Op("Less"u8, divisor, zero).One()).One();
        return e.Op("LogicalAnd"u8, other, e.Op("NotEqual"u8, rest, zero).One()).One();
    }

    /// <summary>A floating value becomes an integer by truncating; NaN becomes 0, what is out of range saturates.</summary>
    private static nint Casted(DType to, in Site s)
    {
        Emitter e = s.Emit;
        DType from = s.Ins[0].DType;
        nint x = s.X[0];
        if (from == to)
        {
            return x;
        }

        if (to == DType.Bool)
        {
            return e.Map("NotEqual"u8, x, e.Number(0, from));
        }

        if (!from.IsFloating() || to.IsFloating())
        {
            return e.Cast(x, to);
        }

        // Every bound but that of int64 is a float64; 2⁶³ itself would wrap.
        x = from == DType.Float64 ? x : e.Cast(x, DType.Float64);
        (double least, double most) = to switch
        {
            DType.UInt8 => (byte.MinValue, byte.MaxValue),
            DType.Int8 => (sbyte.MinValue, sbyte.MaxValue),
            DType.Int16 => (short.MinValue, short.MaxValue),
            DType.Int32 => (int.MinValue, int.MaxValue),
            _ => (long.MinValue, Math.BitDecrement(Math.Pow(2, 63))),
        };
        nint known = e.Map("SelectV2"u8, e.Map("NotEqual"u8, x, x), e.Number(0.0, DType.Float64), x);
        nint clipped = e.Map("Maximum"u8, e.Map("Minimum"u8, known, e.Number(most, DType.Float64)), e.Number(least, DType.Float64));
        nint whole = e.Cast(clipped, to);
        return to != DType.Int64 ? whole : e.Map(
            "SelectV2"u8, e.Map("GreaterEqual"u8, known, e.Number(Math.Pow(2, 63), DType.Float64)), e.Number(long.MaxValue, to), whole);
    }

    /// <summary>
    /// The gradient where the output is above 0, or NaN, at which TensorFlow's own kernel stops it. NaN without its sign is a
    /// positive integer, though, and a gradient times 1 or 0 the same bits or none: so the kernel for integers has it right.
    /// </summary>
    private static nint Rectified(in Site s)
    {
        Emitter e = s.Emit;
        (nint g, nint y, TensorSpec spec) = (s.X[0], s.X[1], s.Ins[1]);
        if (e.HasNaN(y, spec) == false)
        {
            return e.Map("ReluGrad"u8, g, y);
        }

        if (!e.OnCpu)
        {
            nint zero = e.Number(0, spec.DType);
            return e.Map("SelectV2"u8, e.Map("LogicalNot"u8, e.Map("LessEqual"u8, y, zero)), g, zero);
        }

        DType bits = spec.DType == DType.Float64 ? DType.Int64 : DType.Int32;
        nint above = e.Map("Abs"u8, e.IsRectified(y) ? y : e.Map("Relu"u8, y));
        return e.Bitcast(e.Map("ReluGrad"u8, e.Bitcast(g, bits), e.Bitcast(above, bits)), spec.DType);
    }

    private static nint Filled(Fill fill, in Site s)
    {
        nint value = s.Emit.Number(fill.Value, fill.DType);
        return fill.Shape.Length == 0 ? value : s.Emit.Op("Fill"u8, s.Emit.Integers(fill.Shape), value).One();
    }

    private static nint Counted(Iota iota, in Site s)
    {
        DType dtype = IsNarrow(iota.DType) ? DType.Float32 : iota.DType;
        nint numbers = s.Emit.Op("Range"u8, s.Emit.Number(0, dtype), s.Emit.Number(iota.Length, dtype), s.Emit.Number(1, dtype)).One();
        return dtype == iota.DType ? numbers : s.Emit.Cast(numbers, iota.DType);
    }
}
