using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Lowering;

internal static partial class Lowered
{
    private static nint[]? Elementwise(Op op, in Site s) => op switch
    {
        Add => [Each("AddV2"u8, s)],
        Subtract => [Each("Sub"u8, s)],
        Multiply => [Each("Mul"u8, s)],
        Divide => [Each("RealDiv"u8, s)],
        Maximum => [Each("Maximum"u8, s)],
        Minimum => [Each("Minimum"u8, s)],
        Power => [Each("Pow"u8, s)],
        FloorDivide => [FloorDivided(s)],
        FloorModulo => [FloorRemainder(s)],
        Negate => [Each("Neg"u8, s)],
        Abs => [Each("Abs"u8, s)],
        Relu => [s.Emit.NoteRectified(Each("Relu"u8, s))],
        Exp => [Each("Exp"u8, s)],
        Expm1 => [Each("Expm1"u8, s)],
        Log => [Each("Log"u8, s)],
        Log1p => [Each("Log1p"u8, s)],
        Sqrt => [Each("Sqrt"u8, s)],
        Rsqrt => [Each("Rsqrt"u8, s)],
        Sin => [Each("Sin"u8, s)],
        Cos => [Each("Cos"u8, s)],
        Erf => [Each("Erf"u8, s)],
        Tanh => [Each("Tanh"u8, s)],
        Sigmoid => [Each("Sigmoid"u8, s)],
        LogicalNot => [Each("LogicalNot"u8, s)],
        Sign => [Signed(s)],
        Floor => [Rounded("Floor"u8, s)],
        Ceiling => [Rounded("Ceil"u8, s)],
        Round => [Rounded("Round"u8, s)],
        Equal => [Each("Equal"u8, s)],
        NotEqual => [Each("NotEqual"u8, s)],
        Less => [Ordered("Less"u8, s)],
        LessEqual => [Ordered("LessEqual"u8, s)],
        Greater => [Ordered("Greater"u8, s)],
        GreaterEqual => [Ordered("GreaterEqual"u8, s)],
        LogicalAnd => [Each("LogicalAnd"u8, s)],
        LogicalOr => [Each("LogicalOr"u8, s)],
        LogicalXor => [Each("NotEqual"u8, s)],
        ReluGradient => [Rectified(s)],
        TanhGradient => [s.Emit.Map("TanhGrad"u8, s.X[1], s.X[0])],
        SigmoidGradient => [s.Emit.Map("SigmoidGrad"u8, s.X[1], s.X[0])],
        Ops.Where => [Each("SelectV2"u8, s)],
        Cast cast => [Casted(cast.DType, s)],
        Fill fill => [Filled(fill, s)],
        Iota iota => [Counted(iota, s)],
        _ => null,
    };

    /// <summary>The kernels broadcast by themselves, in either layout.</summary>
    private static nint Each(ReadOnlySpan<byte> name, in Site s) => s.Emit.Map(name, s.X);

    /// <summary>An op of element after element on one axis instead of many: kernels broadcast over five groups of axes, and choose among eight axes.</summary>
    private static nint[]? Flattened(Op op, in Site s)
    {
        Shape output = s.Outs[0].Shape;
        Dims flat = [checked((int)output.Count)];
        (nint[] x, TensorSpec[] ins) = (s.X.ToArray(), s.Ins.ToArray());
        for (int i = 0; i < x.Length; i++)
        {
            if (ins[i].Rank > 0)
            {
                x[i] = s.Emit.Reshape(ins[i].Shape == output ? x[i] : Spread(s.Emit, x[i], ins[i].Shape, output), flat);
                ins[i] = new TensorSpec(flat, ins[i].DType);
            }
        }

        return Elementwise(op, new Site(s.Emit, x, ins, [new TensorSpec(flat, s.Outs[0].DType)])) is [nint result] ? [s.Emit.Reshape(result, output.Dims)] : null;
    }

    /// <summary>A value broadcast to a shape; where there are many axes by two of them at a time, which are five groups at most.</summary>
    private static nint Spread(Emitter e, nint x, Shape from, Shape to)
    {
        int[] shape = [.. Enumerable.Repeat(1, to.Rank - from.Rank), .. from.AsSpan()];
        for (int axis = 0, wait = 0; axis < shape.Length; axis++)
        {
            wait += shape[axis] == to[axis] ? 0 : 1;
            shape[axis] = to[axis];
            if ((wait == 2 && to.Rank > 5) || axis == shape.Length - 1)
            {
                (x, wait) = (e.Op("BroadcastTo"u8, x, e.Integers(Dims.Create(shape))).One(), 0);
            }
        }

        return x;
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
            return Each(name, s);
        }

        nint[] whole = [s.Emit.Cast(s.X[0], DType.UInt8), s.Emit.Cast(s.X[1], DType.UInt8)];
        return Each(name, new Site(s.Emit, whole, [s.Ins[0].As(DType.UInt8), s.Ins[1].As(DType.UInt8)], s.Outs));
    }

    /// <summary>a − b·⌊a / b⌋ with the sign of b, as PyTorch computes it; TensorFlow's own turns −1 % ∞ into NaN.</summary>
    private static nint FloorRemainder(in Site s)
    {
        if (!s.Ins[0].DType.IsFloating())
        {
            return Each("FloorMod"u8, s);
        }

        Emitter e = s.Emit;
        nint b = s.X[1], rest = e.Op("TruncateMod"u8, s.X[0], b).One();
        return e.Op("SelectV2"u8, Turned(e, rest, b, s.Ins[0].DType), e.Op("AddV2"u8, rest, b).One(), rest).One();
    }

    /// <summary>⌊a / b⌋ through the remainder, which is exact, as PyTorch computes it; a / b where b is 0.</summary>
    private static nint FloorDivided(in Site s)
    {
        if (!s.Ins[0].DType.IsFloating())
        {
            return Each("FloorDiv"u8, s);
        }

        Emitter e = s.Emit;
        DType dtype = s.Ins[0].DType;
        nint a = s.X[0], b = s.X[1], one = e.Number(1, dtype), rest = e.Op("TruncateMod"u8, a, b).One();
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
