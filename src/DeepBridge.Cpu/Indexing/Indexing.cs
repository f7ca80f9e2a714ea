using System.Runtime.CompilerServices;
using DeepBridge.Backends;

namespace DeepBridge.Cpu;

/// <summary>Reads by number, in runs of bytes or by the size of an element.</summary>
internal static unsafe class Indexing
{
    private const int ParallelBytes = 1 << 18;

    /// <summary>The indices as int64, row by row.</summary>
    /// <param name="indices">Int32 or int64 in any layout.</param>
    /// <returns>Dense int64 data; <see cref="Dense.Done"/> gives it up.</returns>
    internal static CpuTensor Wide(CpuTensor indices) =>
        indices.Spec.DType == DType.Int64 ? Dense.Of(indices) : Casting.Cast(indices, indices.Spec.As(DType.Int64));

    /// <summary>The product of extents.</summary>
    internal static nint Product(ReadOnlySpan<int> extents)
    {
        nint product = 1;
        foreach (int extent in extents)
        {
            product *= extent;
        }

        return product;
    }

    /// <summary>Picks slices of an axis.</summary>
    internal static CpuTensor Gather(in KernelCall call, int axis)
    {
        CpuTensor source = (CpuTensor)call.Inputs[0], given = (CpuTensor)call.Inputs[1];
        CpuTensor y = CpuTensor.Allocate(call.OutputSpecs[0], call.Device);
        if (y.Count == 0)
        {
            return y;
        }

        CpuTensor x = Dense.Of(source), indices = Wide(given);
        ReadOnlySpan<int> shape = x.Spec.Shape.AsSpan();
        nint outer = Product(shape[..axis]), run = Product(shape[(axis + 1)..]) * x.Spec.DType.Size();
        fixed (byte* from = &x.First<byte>(), to = &y.First<byte>())
        fixed (long* index = &indices.First<long>())
        {
            nint rows = outer * indices.Count;
            int chunks = y.Spec.Bytes >= ParallelBytes ? (int)Math.Min(rows, 32) : 1;
            Workers.Run(chunks, new GatherWork(from, to, index, run, shape[axis], indices.Count, rows, chunks));
        }

        Dense.Done(x, source);
        Dense.Done(indices, given);
        return y;
    }

    /// <summary>Picks an element of an axis for each place.</summary>
    internal static CpuTensor Take(in KernelCall call, int axis) => call.OutputSpecs[0].DType.Size() switch
    {
        1 => Take<byte>(call, axis),
        2 => Take<ushort>(call, axis),
        4 => Take<uint>(call, axis),
        _ => Take<ulong>(call, axis),
    };

    /// <summary>Writes a 1 at each index.</summary>
    internal static CpuTensor OneHot(in KernelCall call, int depth)
    {
        CpuTensor given = (CpuTensor)call.Inputs[0], indices = Wide(given);
        CpuTensor y = CpuTensor.Allocate(call.OutputSpecs[0], call.Device), one = CpuTensor.Allocate(y.Spec.As(default(Dims)), call.Device);
        Filling.Run(y, 0);
        Filling.Run(one, 1);
        int size = y.Spec.DType.Size();
        ReadOnlySpan<long> index = indices.Span<long>();
        for (int i = 0; i < index.Length; i++)
        {
            Unsafe.CopyBlockUnaligned(
                ref Unsafe.Add(ref y.First<byte>(), (((nint)i * depth) + (nint)index[i]) * size), ref one.First<byte>(), (uint)size);
        }

        one.Release();
        Dense.Done(indices, given);
        return y;
    }

    private static CpuTensor Take<T>(in KernelCall call, int axis)
        where T : unmanaged
    {
        CpuTensor source = (CpuTensor)call.Inputs[0], given = (CpuTensor)call.Inputs[1], x = Dense.Of(source), indices = Wide(given);
        CpuTensor y = CpuTensor.Allocate(call.OutputSpecs[0], call.Device);
        ReadOnlySpan<int> shape = y.Spec.Shape.AsSpan();
        nint extent = x.Spec.Shape[axis], count = shape[axis], inner = Product(shape[(axis + 1)..]);
        ref T from = ref x.First<T>(), to = ref y.First<T>();
        ReadOnlySpan<long> index = indices.Span<long>();
        nint at = 0;
        for (nint outer = 0; at < index.Length; outer++)
        {
            for (nint row = 0; row < count; row++)
            {
                for (nint i = 0; i < inner; i++, at++)
                {
                    Unsafe.Add(ref to, at) = Unsafe.Add(ref from, (((outer * extent) + (nint)index[(int)at]) * inner) + i);
                }
            }
        }

        Dense.Done(x, source);
        Dense.Done(indices, given);
        return y;
    }

    private readonly struct GatherWork(byte* from, byte* to, long* index, nint run, nint extent, nint count, nint rows, int chunks) : IWork
    {
        [MethodImpl(Hot.Loop)]
        public void Run(int chunk)
        {
            nint row = rows * chunk / chunks, end = rows * (chunk + 1) / chunks, size = run;
            (nint outer, nint i) = Math.DivRem(row, count);
            byte* target = to + (row * size);
            while (row < end)
            {
                byte* table = from + (outer++ * extent * size);
                long* numbers = index + i;
                nint picked = Math.Min(count - i, end - row);
                row += picked;
                i = 0;
                if (size == sizeof(uint))
                {
                    for (nint k = 0; k < picked; k++)
                    {
                        ((uint*)target)[k] = ((uint*)table)[numbers[k]];
                    }
                }
                else
                {
                    for (nint k = 0; k < picked; k++)
                    {
                        Unsafe.CopyBlockUnaligned(target + (k * size), table + ((nint)numbers[k] * size), (uint)size);
                    }
                }

                target += picked * size;
            }
        }
    }
}
