using System.Numerics;
using System.Runtime.CompilerServices;
using DeepBridge.Backends;
using DeepBridge.Ops;
using DeepBridge.Randomness;

namespace DeepBridge.Cpu;

/// <summary>Dropout in one pass, with the bits of its decomposition.</summary>
internal static unsafe class Dropouts
{
    private const int Block = 1 << 10;

    /// <summary>Draws the mask and scales what stays.</summary>
    internal static void Forward(Dropout op, in KernelCall call)
    {
        CpuTensor mask = CpuTensor.Allocate(call.OutputSpecs[1], call.Device);
        call.Outputs[1] = mask;
        call.Outputs[2] = CpuBackend.Advance((CpuTensor)call.Inputs[1], call.Device, mask.Count, out ulong key, out ulong counter);
        Run(call, mask, op.Probability, draws: true, key, counter);
    }

    /// <summary>Scales by the mask.</summary>
    internal static void Backward(DropoutGradient op, in KernelCall call)
    {
        using Arguments arguments = new(call);
        Run(call, arguments.Dense(1), op.Probability, draws: false, 0, 0);
    }

    private static void Run(in KernelCall call, CpuTensor mask, double probability, bool draws, ulong key, ulong counter)
    {
        if (call.OutputSpecs[0].DType == DType.Float32)
        {
            Run(call, mask, (float)probability, (float)(1 / (1 - probability)), draws, key, counter);
        }
        else
        {
            Run(call, mask, (float)probability, 1 / (1 - probability), draws, key, counter);
        }
    }

    private static void Run<T>(in KernelCall call, CpuTensor mask, float probability, T scale, bool draws, ulong key, ulong counter)
        where T : unmanaged, INumber<T>
    {
        using Arguments arguments = new(call);
        CpuTensor x = arguments.Dense(0), y = arguments.Output(0, 0);
        fixed (T* from = &x.First<T>(), to = &y.First<T>())
        fixed (byte* bits = &mask.First<byte>())
        {
            int blocks = (x.Count + Block - 1) / Block;
            int chunks = blocks >= 16 ? Math.Min(64, blocks / 4) : 1;
            Workers.Run(chunks, new Work<T>(from, to, bits, x.Count, probability, scale, draws, key, counter, chunks));
        }
    }

    private readonly struct Work<T>(
        T* from, T* to, byte* bits, int length, float probability, T scale, bool draws, ulong key, ulong counter, int chunks) : IWork
        where T : unmanaged, INumber<T>
    {
        [SkipLocalsInit]
        public void Run(int chunk)
        {
            Span<float> uniform = stackalloc float[Block];
            int blocks = (length + Block - 1) / Block;
            for (int block = (int)((long)blocks * chunk / chunks); block < (int)((long)blocks * (chunk + 1) / chunks); block++)
            {
                int first = block * Block, count = Math.Min(Block, length - first);
                byte* mask = bits + first;
                if (draws)
                {
                    float drop = probability;
                    Philox.Uniforms(key, counter + ((ulong)first / 4), uniform[..count]);
                    Loops.Compare<LessEqualKernel, float>(ref drop, 0, ref uniform[0], 1, ref *mask, count);
                }

                T* x = from + first, y = to + first;
                T factor = scale, zero = T.Zero;
                Loops.Binary<MultiplyKernel, T>(ref *x, 1, ref factor, 0, ref *y, count);
                Selecting.Row(mask, 1, y, 1, &zero, 0, y, count);
            }
        }
    }
}
