using DeepBridge.Ops;
using DeepBridge.TensorFlow.Native;

namespace DeepBridge.TensorFlow.Lowering;

internal static partial class Lowered
{
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

        return Elementwise(op, new Site(s.Emit, x, ins, [new TensorSpec(flat, s.Outs[0].DType)])) is [nint result]
            ? [s.Emit.Reshape(result, output.Dims)]
            : null;
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

    /// <summary>A comparison of order; of bool, as of integers.</summary>
    private static nint[] OfBytes(Op op, in Site s)
    {
        nint[] bytes = [s.Emit.Cast(s.X[0], DType.UInt8), s.Emit.Cast(s.X[1], DType.UInt8)];
        return Table(op, new Site(s.Emit, bytes, [s.Ins[0].As(DType.UInt8), s.Ins[1].As(DType.UInt8)], s.Outs));
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
    private static nint Truncated(DType to, in Site s)
    {
        Emitter e = s.Emit;
        nint x = s.Ins[0].DType == DType.Float64 ? s.X[0] : e.Cast(s.X[0], DType.Float64);
        (double least, double most) = Numbers.Range(to);

        // Every bound but that of int64 is a float64; 2⁶³ itself would wrap.
        nint high = e.Number(to == DType.Int64 ? Math.BitDecrement(most) : most, DType.Float64);
        nint known = e.Map("SelectV2"u8, e.Map("NotEqual"u8, x, x), e.Number(0.0, DType.Float64), x);
        nint whole = e.Cast(e.Map("Maximum"u8, e.Map("Minimum"u8, known, high), e.Number(least, DType.Float64)), to);
        return to != DType.Int64 ? whole : e.Map(
            "SelectV2"u8, e.Map("GreaterEqual"u8, known, e.Number(most, DType.Float64)), e.Number(long.MaxValue, to), whole);
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

    private static nint Filled(Emitter e, TensorSpec spec, Scalar value)
    {
        nint number = e.Number(value, spec.DType);
        return spec.Rank == 0 ? number : e.Op("Fill"u8, e.Integers(spec.Shape.Dims), number).One();
    }

    /// <summary>TensorFlow counts in the dtype itself, of which float32 has no more than 2²⁴ whole numbers in a row.</summary>
    private static nint Counted(Iota iota, Emitter e)
    {
        DType dtype = IsNarrow(iota.DType) || (iota.DType == DType.Float32 && iota.Length > 1 << 24) ? DType.Int32 : iota.DType;
        nint numbers = e.Op("Range"u8, e.Number(0, dtype), e.Number(iota.Length, dtype), e.Number(1, dtype)).One();
        return dtype == iota.DType ? numbers : e.Cast(numbers, iota.DType);
    }
}
