using System.Numerics;
using DeepBridge.Backends;

namespace DeepBridge.Cpu;

/// <summary>Where the extreme element of an axis lies: the lowest of equals, the first NaN.</summary>
internal static unsafe class Extremum
{
    /// <summary>Finds positions along an axis.</summary>
    internal static void Run(in KernelCall call, int axis, bool greatest)
    {
        switch (call.Inputs[0].Spec.DType)
        {
            case DType.Float32:
                Run<float>(call, axis, greatest);
                break;
            case DType.Float64:
                Run<double>(call, axis, greatest);
                break;
            case DType.Int32:
                Run<int>(call, axis, greatest);
                break;
            default:
                Run<long>(call, axis, greatest);
                break;
        }
    }

    private static void Run<T>(in KernelCall call, int axis, bool greatest)
        where T : unmanaged, INumber<T>, IMinMaxValue<T>
    {
        CpuTensor source = (CpuTensor)call.Inputs[0], y = CpuTensor.Allocate(call.OutputSpecs[0], call.Device);
        call.Outputs[0] = y;
        int extent = source.Spec.Shape[axis];

        // The axis goes last, so that the elements to choose from lie in a row.
        int[] order = [.. Enumerable.Range(0, source.Spec.Rank).Where(i => i != axis), axis];
        int[] dims = [.. order.Select(i => source.Spec.Shape[i])];
        CpuTensor moved = Views.Permute(source, source.Spec.As(Shape.Create(dims)), Dims.Create(order)), x = Dense.Of(moved);
        fixed (T* from = &x.First<T>())
        {
            fixed (long* to = &y.First<long>())
            {
                Work<T> work = new(from, to, extent, greatest, y.Count);
                Workers.Run(Unary.IsLarge(x.Count, false) ? Math.Min(64, y.Count) : 1, work with { Chunks = Unary.IsLarge(x.Count, false) ? Math.Min(64, y.Count) : 1 });
            }
        }

        Dense.Done(x, moved);
        moved.Release();
    }

    private readonly record struct Work<T>(nint X, nint Y, int Extent, bool Greatest, int Rows, int Chunks) : IWork
        where T : unmanaged, INumber<T>, IMinMaxValue<T>
    {
        internal Work(T* x, long* y, int extent, bool greatest, int rows)
            : this((nint)x, (nint)y, extent, greatest, rows, 1)
        {
        }

        public void Run(int chunk)
        {
            for (int row = (int)((long)Rows * chunk / Chunks); row < (int)((long)Rows * (chunk + 1) / Chunks); row++)
            {
                T* x = (T*)X + ((nint)row * Extent);
                T best = Greatest ? FoldLoops.Row<MaxFold, T>(x, Extent) : FoldLoops.Row<MinFold, T>(x, Extent);
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

                ((long*)Y)[row] = position;
            }
        }
    }
}
