using System.Numerics;
using DeepBridge.Backends;

namespace DeepBridge.Cpu;

/// <summary>Where the extreme element of an axis lies: the lowest of equals, the first NaN.</summary>
internal static unsafe class Extremum
{
    /// <summary>Finds positions along an axis.</summary>
    internal static CpuTensor Run(in KernelCall call, int axis, bool greatest) => call.Inputs[0].Spec.DType switch
    {
        DType.Float32 => Run<float>(call, axis, greatest),
        DType.Float64 => Run<double>(call, axis, greatest),
        DType.Int32 => Run<int>(call, axis, greatest),
        _ => Run<long>(call, axis, greatest),
    };

    private static CpuTensor Run<T>(in KernelCall call, int axis, bool greatest)
        where T : unmanaged, INumber<T>, IMinMaxValue<T>
    {
        CpuTensor source = (CpuTensor)call.Inputs[0], y = CpuTensor.Allocate(call.OutputSpecs[0], call.Device);
        int extent = source.Spec.Shape[axis];

        // The axis goes last, so that the elements to choose from lie in a row.
        int[] order = [.. Enumerable.Range(0, source.Spec.Rank).Where(i => i != axis), axis];
        int[] dims = [.. order.Select(i => source.Spec.Shape[i])];
        CpuTensor moved = Views.Permute(source, source.Spec.As(Shape.Create(dims)), Dims.Create(order)), x = Dense.Of(moved);
        fixed (T* from = &x.First<T>())
        fixed (long* to = &y.First<long>())
        {
            int chunks = Unary.IsLarge(x.Count, false) ? Math.Min(64, y.Count) : 1;
            Workers.Run(chunks, new Work<T>(from, to, extent, greatest, y.Count, chunks));
        }

        Dense.Done(x, moved);
        moved.Release();
        return y;
    }

    private readonly struct Work<T>(T* data, long* positions, int extent, bool greatest, int rows, int chunks) : IWork
        where T : unmanaged, INumber<T>, IMinMaxValue<T>
    {
        public void Run(int chunk)
        {
            for (int row = (int)((long)rows * chunk / chunks); row < (int)((long)rows * (chunk + 1) / chunks); row++)
            {
                T* x = data + ((nint)row * extent);
                T best = greatest ? FoldLoops<MaximumKernel, T>.Row(x, extent) : FoldLoops<MinimumKernel, T>.Row(x, extent);
                int position = 0;
                if (T.IsNaN(best))
                {
                    while (!T.IsNaN(x[position]))
                    {
                        position++;
                    }
                }
                else
                {
                    while (x[position] != best)
                    {
                        position++;
                    }
                }

                positions[row] = position;
            }
        }
    }
}
