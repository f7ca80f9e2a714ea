using System.Runtime.InteropServices;
using DeepBridge.Ops;
using DeepBridge.TensorFlow.Native;

namespace DeepBridge.TensorFlow.Lowering;

internal static partial class Lowered
{
    /// <summary>Whether TensorFlow's kernels have enough axes for a movement.</summary>
    internal static bool Moves(Op op, ReadOnlySpan<TensorSpec> inputs) => inputs[0].Rank <= (op is Pad ? 6 : 8);

    private static nint Cut(Emitter e, nint x, Dims starts, Dims sizes, Dims steps)
    {
        int[] ends = new int[starts.Length];
        for (int i = 0; i < ends.Length; i++)
        {
            ends[i] = sizes[i] == 0 ? starts[i] : starts[i] + ((sizes[i] - 1) * steps[i]) + 1;
        }

        return e.Op("StridedSlice"u8, x, e.Integers(starts), e.Integers(Dims.Create(ends)), e.Integers(steps)).One();
    }

    private static nint Padded(Emitter e, nint x, Pad pad, DType dtype)
    {
        int[] paddings = new int[2 * pad.Low.Length];
        for (int i = 0; i < pad.Low.Length; i++)
        {
            (paddings[2 * i], paddings[(2 * i) + 1]) = (pad.Low[i], pad.High[i]);
        }

        return paddings.Length == 0 ? x : e.Op("PadV2"u8, x, e.Matrix(Dims.Create(paddings), 2), e.Number(pad.Value, dtype)).One();
    }

    /// <summary>
    /// StatelessRandomUniformFullIntV2 with algorithm 1 is the core's Philox, but for a counter that overflows: TensorFlow's has
    /// an upper half to carry into. So the words behind an overflow are drawn from counter 0 on.
    /// </summary>
    private static nint[] Words(Dims shape, in Site s)
    {
        Emitter e = s.Emit;
        long count = s.Outs[0].Count, blocks = (count + 3) / 4;
        nint start = Cut(e, s.X[0], [1], [1], [1]);
        nint words;
        if (e.Peek(start) is { } known && (known >= 0 || known < -blocks))
        {
            words = Draw(s, start, e.Integers(shape));
        }
        else
        {
            nint left = e.Op("Neg"u8, start).One(), zero = e.Number(0, DType.Int64), all = Long(e, count);
            nint near = e.Op("LogicalAnd"u8, e.Op("Greater"u8, left, zero).One(), e.Op("Less"u8, left, Long(e, blocks)).One()).One();
            nint head = e.Op("SelectV2"u8, near, e.Op("Mul"u8, left, e.Number(4, DType.Int64)).One(), all).One();
            nint rest = Draw(s, Long(e, 0), e.Op("Sub"u8, all, head).One());
            words = e.Reshape(e.ListOp("ConcatV2"u8, [Draw(s, start, head), rest], e.Integer(0)).One(), shape);
        }

        nint advance = e.Constant(s.Ins[0], MemoryMarshal.AsBytes<long>([0, blocks]));
        return [words, e.Op("AddV2"u8, s.X[0], advance).One()];
    }

    private static nint Draw(in Site s, nint start, nint shape)
    {
        Emitter e = s.Emit;
        nint key = Unsigned(e, Cut(e, s.X[0], [0], [1], [1]));
        nint counter = Unsigned(e, e.Op("Pad"u8, start, e.Matrix([0, 1], 2)).One());
        return e.Op("StatelessRandomUniformFullIntV2"u8, shape, key, counter, e.Integer(1)).Type("dtype"u8, C.Code(DType.Int32)).One();
    }

    private static nint Unsigned(Emitter e, nint value) => e.Op("Bitcast"u8, value).Type("type"u8, C.UInt64Code).One();

    private static nint Long(Emitter e, long value) => e.Constant(new TensorSpec([1], DType.Int64), BitConverter.GetBytes(value));

    /// <summary>The lower 23 bits of a word as the fraction of a float32 from 1 to 2, less 1.</summary>
    private static nint[] Uniform(RandomUniform uniform, in Site s)
    {
        Emitter e = s.Emit;
        nint[] words = Words(uniform.Shape, s);
        nint fraction = e.Op("BitwiseAnd"u8, words[0], e.Integer(0x7fffff)).One();
        nint bits = e.Op("BitwiseOr"u8, fraction, e.Integer(0x3f800000)).One();
        return [e.Op("Sub"u8, e.Bitcast(bits, DType.Float32), e.Number(1, DType.Float32)).One(), words[1]];
    }
}
