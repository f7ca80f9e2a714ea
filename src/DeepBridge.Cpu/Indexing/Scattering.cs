using System.Numerics;
using System.Runtime.CompilerServices;
using DeepBridge.Backends;

namespace DeepBridge.Cpu;

/// <summary>Adds slices by number, in the order of the indices; threads share the columns.</summary>
internal static unsafe class Scattering
{
    private const int Tile = 64;

    /// <summary>Adds slices into zeros.</summary>
    internal static CpuTensor Run(in KernelCall call, int axis, int extent) => call.OutputSpecs[0].DType switch
    {
        DType.Float32 => Run<float>(call, axis, extent),
        DType.Float64 => Run<double>(call, axis, extent),
        DType.Int32 => Run<int>(call, axis, extent),
        _ => Run<long>(call, axis, extent),
    };

    private static CpuTensor Run<T>(in KernelCall call, int axis, int extent)
        where T : unmanaged, INumber<T>
    {
        CpuTensor source = (CpuTensor)call.Inputs[0], given = (CpuTensor)call.Inputs[1], x = Dense.Of(source), indices = Indexing.Wide(given);
        CpuTensor y = CpuTensor.Allocate(call.OutputSpecs[0], call.Device);
        y.Span<T>().Clear();
        ReadOnlySpan<int> shape = y.Spec.Shape.AsSpan();
        nint outer = Indexing.Product(shape[..axis]), inner = Indexing.Product(shape[(axis + 1)..]), tiles = (inner + Tile - 1) / Tile;
        if (x.Count > 0)
        {
            fixed (T* from = &x.First<T>(), to = &y.First<T>())
            fixed (long* index = &indices.First<long>())
            {
                nint units = outer * tiles;
                int chunks = Unary.IsLarge(x.Count, false) ? (int)Math.Min(units, 32) : 1;
                Workers.Run(chunks, new Work<T>(from, to, index, indices.Count, extent, inner, tiles, units, chunks));
            }
        }

        Dense.Done(x, source);
        Dense.Done(indices, given);
        return y;
    }

    private readonly struct Work<T>(T* from, T* to, long* index, nint count, nint extent, nint inner, nint tiles, nint units, int chunks) : IWork
        where T : unmanaged, INumber<T>
    {
        [MethodImpl(Hot.Loop)]
        public void Run(int chunk)
        {
            for (nint unit = units * chunk / chunks; unit < units * (chunk + 1) / chunks; unit++)
            {
                (nint outer, nint tile) = Math.DivRem(unit, tiles);
                nint first = tile * Tile, width = Math.Min(Tile, inner - first);
                for (nint i = 0; i < count; i++)
                {
                    T* x = from + (((outer * count) + i) * inner) + first;
                    T* y = to + (((outer * extent) + (nint)index[i]) * inner) + first;
                    if (width == 1)
                    {
                        *y += *x;
                    }
                    else
                    {
                        Loops.Binary<AddKernel, T>(ref *y, 1, ref *x, 1, ref *y, width);
                    }
                }
            }
        }
    }
}
