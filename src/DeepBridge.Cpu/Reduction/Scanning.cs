using System.Numerics;
using DeepBridge.Backends;

namespace DeepBridge.Cpu;

/// <summary>Running sums; those of float32 run in float64.</summary>
internal static class Scanning
{
    /// <summary>Sums along an axis.</summary>
    internal static CpuTensor Run(in KernelCall call, int axis) => call.OutputSpecs[0].DType switch
    {
        DType.Float32 => Run<float, double>(call, axis),
        DType.Float64 => Run<double, double>(call, axis),
        DType.Int32 => Run<int, int>(call, axis),
        _ => Run<long, long>(call, axis),
    };

    private static CpuTensor Run<T, TSum>(in KernelCall call, int axis)
        where T : unmanaged, INumber<T>
        where TSum : unmanaged, INumber<TSum>
    {
        CpuTensor source = (CpuTensor)call.Inputs[0], dense = Dense.Of(source);
        CpuTensor y = CpuTensor.Reuse(call, 0) ?? CpuTensor.Allocate(call.OutputSpecs[0], call.Device);
        ReadOnlySpan<int> shape = y.Spec.Shape.AsSpan();
        int extent = shape[axis], inner = 1;
        for (int i = axis + 1; i < shape.Length; i++)
        {
            inner *= shape[i];
        }

        const int Tile = 64;
        Span<TSum> sums = stackalloc TSum[Tile];
        ReadOnlySpan<T> x = dense.Span<T>();
        Span<T> target = y.Span<T>();
        for (int block = 0; block < x.Length; block += extent * inner)
        {
            if (inner == 1)
            {
                TSum sum = TSum.Zero;
                for (int i = block; i < block + extent; i++)
                {
                    sum += TSum.CreateTruncating(x[i]);
                    target[i] = T.CreateTruncating(sum);
                }

                continue;
            }

            for (int first = 0; first < inner; first += Tile)
            {
                Span<TSum> running = sums[..Math.Min(Tile, inner - first)];
                running.Clear();
                for (int row = 0; row < extent; row++)
                {
                    int start = block + (row * inner) + first;
                    ReadOnlySpan<T> from = x.Slice(start, running.Length);
                    Span<T> to = target.Slice(start, running.Length);
                    for (int i = 0; i < running.Length; i++)
                    {
                        running[i] += TSum.CreateTruncating(from[i]);
                        to[i] = T.CreateTruncating(running[i]);
                    }
                }
            }
        }

        Dense.Done(dense, source);
        return y;
    }
}
