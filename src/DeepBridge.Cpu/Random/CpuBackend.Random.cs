using DeepBridge.Backends;
using DeepBridge.Ops;
using DeepBridge.Randomness;

namespace DeepBridge.Cpu;

/// <content>Random numbers, the host's own.</content>
public sealed unsafe partial class CpuBackend
{
    /// <summary>Words of a chunk: whole blocks of Philox.</summary>
    private const int DrawChunk = 1 << 12;

    private void ImplementRandom()
    {
        Implement<RandomWords>(static (_, in call) => Draw<Words, uint>(call, static words => words));
        Implement<RandomUniform>(static (op, in call) =>
        {
            if (op.DType == DType.Float32)
            {
                Draw<Uniforms, float>(call, static count => count);
            }
            else
            {
                Draw<WideUniforms, double>(call, static count => 2 * count);
            }
        });
        Implement<RandomNormal>(static (_, in call) => Draw<Normals, float>(call, static count => count + (count & 1)));
        ImplementAny<Dropout>(static (op, in call) => Dropouts.Forward(op, call), static (_, inputs) => IsWide(inputs[0]));
        ImplementAny<DropoutGradient>(static (op, in call) => Dropouts.Backward(op, call), static (_, inputs) => IsWide(inputs[0]));
    }

    /// <summary>The state after a draw.</summary>
    internal static CpuTensor Advance(CpuTensor state, Device device, long words, out ulong key, out ulong counter)
    {
        CpuTensor dense = Dense.Of(state), after = CpuTensor.Allocate(state.Spec, device);
        (long seed, long now) = (dense.Span<long>()[0], dense.Span<long>()[1]);
        Dense.Done(dense, state);
        after.Span<long>()[0] = seed;
        after.Span<long>()[1] = now + Philox.Blocks(words);
        (key, counter) = ((ulong)seed, (ulong)now);
        return after;
    }

    private static bool IsWide(TensorSpec spec) => spec.DType is DType.Float32 or DType.Float64;

    private static void Draw<TFill, T>(in KernelCall call, Func<long, long> words)
        where TFill : IDraw<T>
        where T : unmanaged
    {
        CpuTensor y = CpuTensor.Allocate(call.OutputSpecs[0], call.Device);
        call.Outputs[1] = Advance((CpuTensor)call.Inputs[0], call.Device, words(y.Count), out ulong key, out ulong counter);
        call.Outputs[0] = y;
        int chunks = (y.Count + DrawChunk - 1) / DrawChunk;
        fixed (T* numbers = &y.First<T>())
        {
            Workers.Run(chunks, new DrawWork<TFill, T>(numbers, y.Count, key, counter));
        }
    }

    private interface IDraw<T>
        where T : unmanaged
    {
        static virtual int BlocksInFour => 1;

        static abstract void Fill(ulong key, ulong counter, Span<T> numbers);
    }

    private readonly struct Words : IDraw<uint> { public static void Fill(ulong key, ulong counter, Span<uint> numbers) => Philox.Words(key, counter, numbers); }

    private readonly struct Uniforms : IDraw<float> { public static void Fill(ulong key, ulong counter, Span<float> numbers) => Philox.Uniforms(key, counter, numbers); }

    private readonly struct Normals : IDraw<float> { public static void Fill(ulong key, ulong counter, Span<float> numbers) => Philox.Normals(key, counter, numbers); }

    private readonly struct WideUniforms : IDraw<double>
    {
        public static int BlocksInFour => 2;

        public static void Fill(ulong key, ulong counter, Span<double> numbers)
        {
            Span<uint> words = stackalloc uint[256];
            for (; !numbers.IsEmpty; numbers = numbers[Math.Min(128, numbers.Length)..], counter += 64)
            {
                Philox.Words(key, counter, words);
                for (int i = 0; i < Math.Min(128, numbers.Length); i++)
                {
                    numbers[i] = Philox.Uniform(words[2 * i], words[(2 * i) + 1]);
                }
            }
        }
    }

    private readonly struct DrawWork<TFill, T>(T* numbers, int count, ulong key, ulong counter) : IWork
        where TFill : IDraw<T>
        where T : unmanaged
    {
        public void Run(int chunk)
        {
            int first = chunk * DrawChunk;
            TFill.Fill(
                key, counter + ((ulong)first / 4 * (ulong)TFill.BlocksInFour), new Span<T>(numbers + first, Math.Min(DrawChunk, count - first)));
        }
    }
}
