using System.Numerics;
using System.Runtime.CompilerServices;
using DeepBridge.Backends;

namespace DeepBridge.Cpu;

/// <summary>Runs elementwise functions of one input.</summary>
internal static unsafe class Unary
{
    /// <summary>Elements in a chunk of a parallel loop.</summary>
    internal const int Chunk = 1 << 14;

    /// <summary>A function of every dtype that computes.</summary>
    internal static CpuTensor Numeric<TOp>(in KernelCall call)
        where TOp : IUnary => call.OutputSpecs[0].DType switch
        {
            DType.Int32 => Run<TOp, int>(call),
            DType.Int64 => Run<TOp, long>(call),
            _ => Floating<TOp>(call),
        };

    /// <summary>A function of floats and doubles.</summary>
    /// <param name="call">The call.</param>
    /// <param name="heavy">Whether an element costs so much that threads pay early.</param>
    internal static CpuTensor Floating<TOp>(in KernelCall call, bool heavy = false)
        where TOp : IUnary => call.OutputSpecs[0].DType == DType.Float32 ? Run<TOp, float>(call, heavy) : Run<TOp, double>(call, heavy);

    /// <summary>A function of bools as bytes.</summary>
    internal static CpuTensor Bool<TOp>(in KernelCall call)
        where TOp : IUnary => Run<TOp, byte>(call);

    /// <summary>Whether a loop is worth a second thread.</summary>
    /// <param name="count">Its elements.</param>
    /// <param name="heavy">Whether each costs much.</param>
    /// <returns>True where it is.</returns>
    internal static bool IsLarge(long count, bool heavy) => count >= (heavy ? 2 * Chunk : 8 * Chunk);

    private static CpuTensor Run<TOp, T>(in KernelCall call, bool heavy = false)
        where TOp : IUnary
        where T : unmanaged, INumber<T>
    {
        CpuTensor x = (CpuTensor)call.Inputs[0];
        CpuTensor y = CpuTensor.Reuse(call, 0) ?? CpuTensor.Allocate(call.OutputSpecs[0], call.Device);
        if (!x.IsDense)
        {
            Copying.ToDense(x, ref y.First<byte>());
            x = y;
        }

        int count = y.Count;
        if (IsLarge(count, heavy))
        {
            Workers.Run((count + Chunk - 1) / Chunk, new Work<TOp, T>((T*)Unsafe.AsPointer(ref x.First<T>()), (T*)Unsafe.AsPointer(ref y.First<T>()), count));
        }
        else
        {
            Loops.Unary<TOp, T>(ref x.First<T>(), ref y.First<T>(), count);
        }

        return y;
    }

    /// <summary>Large data is never on the managed heap, so its address holds.</summary>
    private readonly struct Work<TOp, T>(T* x, T* y, int count) : IWork
        where TOp : IUnary
        where T : unmanaged, INumber<T>
    {
        public void Run(int chunk)
        {
            int first = chunk * Chunk;
            Loops.Unary<TOp, T>(ref x[first], ref y[first], Math.Min(Chunk, count - first));
        }
    }
}
