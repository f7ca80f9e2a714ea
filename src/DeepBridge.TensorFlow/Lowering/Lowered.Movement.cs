using DeepBridge.Ops;
using DeepBridge.TensorFlow.Native;

namespace DeepBridge.TensorFlow.Lowering;

internal static partial class Lowered
{
    private static T[]? Moved<T>(Op op, in Site<T> s) => op switch
    {
        Ops.Reshape reshape => [s.Emit.Reshape(s.X[0], reshape.Shape)],
        Permute permute => [s.Emit.Transpose(s.X[0], permute.Axes)],
        Expand expand => [s.Emit.Op("BroadcastTo"u8, s.X[0], s.Emit.Integers(expand.Shape)).One()],
        Slice slice => [Cut(s.Emit, s.X[0], slice.Starts, slice.Sizes, slice.Steps)],
        Pad pad => [Padded(s.Emit, s.X[0], pad, s.Ins[0].DType)],
        Flip flip => [flip.Axes.Length == 0 ? s.X[0] : s.Emit.Op("ReverseV2"u8, s.X[0], s.Emit.Integers(flip.Axes)).One()],
        Concat concat => [s.X.Length == 1 ? s.X[0] : s.Emit.ListOp("ConcatV2"u8, s.X, s.Emit.Integer(concat.Axis)).One()],
        RandomWords random => Words(random, s),
        RandomUniform uniform => Uniform(uniform, s),
        _ => null,
    };

    /// <summary>Whether TensorFlow's kernels have enough axes for a movement.</summary>
    internal static bool Moves(Op op, ReadOnlySpan<TensorSpec> inputs) => inputs[0].Rank <= (op is Pad ? 6 : 8);

    private static T Cut<T>(Emitter<T> e, T x, Dims starts, Dims sizes, Dims steps)
    {
        int[] ends = new int[starts.Length];
        for (int i = 0; i < ends.Length; i++)
        {
            ends[i] = sizes[i] == 0 ? starts[i] : starts[i] + ((sizes[i] - 1) * steps[i]) + 1;
        }

        return e.Op("StridedSlice"u8, x, e.Integers(starts), e.Integers(Dims.Create(ends)), e.Integers(steps)).One();
    }

    private static T Padded<T>(Emitter<T> e, T x, Pad pad, DType dtype)
    {
        int[] paddings = new int[2 * pad.Low.Length];
        for (int i = 0; i < pad.Low.Length; i++)
        {
            (paddings[2 * i], paddings[(2 * i) + 1]) = (pad.Low[i], pad.High[i]);
        }

        return paddings.Length == 0 ? x : e.Op("PadV2"u8, x, e.Matrix(Dims.Create(paddings), 2), e.Number(pad.Value, dtype)).One();
    }

    /// <summary>
    /// StatelessRandomUniformFullIntV2 with algorithm 1 is the core's Philox: its key is ours, the lower half of its counter
    /// too, and the upper half is 0.
    /// </summary>
    private static T[] Words<T>(RandomWords random, in Site<T> s)
    {
        Emitter<T> e = s.Emit;
        T bits = e.Op("Bitcast"u8, s.X[0]).Type("type"u8, C.UInt64Code).One();
        T key = e.Op("Slice"u8, bits, e.Integers([0]), e.Integers([1])).One();
        T low = e.Op("Slice"u8, bits, e.Integers([1]), e.Integers([1])).One();
        T counter = e.Op("Pad"u8, low, e.Matrix([0, 1], 2)).One();
        T words = e.Op("StatelessRandomUniformFullIntV2"u8, e.Integers(random.Shape), key, counter, e.Integer(1))
            .Type("dtype"u8, C.Code(DType.Int32)).One();
        long[] step = [0, (new Shape(random.Shape).Count + 3) / 4];
        T advance = e.Constant(s.Ins[0], System.Runtime.InteropServices.MemoryMarshal.AsBytes<long>(step));
        return [words, e.Op("AddV2"u8, s.X[0], advance).One()];
    }

    /// <summary>The lower 23 bits of a word as the fraction of a float32 from 1 to 2, less 1.</summary>
    private static T[] Uniform<T>(RandomUniform uniform, in Site<T> s)
    {
        Emitter<T> e = s.Emit;
        T[] words = Words(new RandomWords(uniform.Shape), s);
        T fraction = e.Op("BitwiseAnd"u8, words[0], e.Integer(0x7fffff)).One();
        T bits = e.Op("BitwiseOr"u8, fraction, e.Integer(0x3f800000)).One();
        T number = e.Op("Bitcast"u8, bits).Type("type"u8, C.Code(DType.Float32)).One();
        return [e.Op("Sub"u8, number, e.Number(1, DType.Float32)).One(), words[1]];
    }
}
