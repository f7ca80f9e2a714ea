using System.Numerics;
using System.Runtime.CompilerServices;
using DeepBridge.Backends;
using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <summary>The kernels of pooling and its gradients. Planes are independent; a chunk is a run of them.</summary>
internal static unsafe class Pooling
{
    /// <summary>Elements visited below which a second thread costs more than it saves, and of a chunk at least.</summary>
    private const long ParallelCost = 1 << 18, ChunkCost = 1 << 16;

    /// <summary>The maximum of each window and where it is.</summary>
    /// <typeparam name="T">The element.</typeparam>
    /// <typeparam name="TIndex">An integer as wide.</typeparam>
    internal static void Max<T, TIndex>(MaxPool op, in KernelCall call)
        where T : unmanaged, INumber<T>
        where TIndex : unmanaged, IBinaryInteger<TIndex>
    {
        using Arguments arguments = new(call);
        CpuTensor x = arguments.Dense(0), y = arguments.Output(0), positions = arguments.Output(1);
        Sliding sliding = new(op.Window, op.Size.AsSpan(), x.Spec.Shape, y.Spec.Shape);
        fixed (T* source = &x.First<T>(), target = &y.First<T>())
        fixed (long* found = &positions.First<long>())
        {
            Run(Planes(x), sliding, new MaxWork<T, TIndex>(sliding, Planes(x), Chunk(Planes(x), sliding), source, target, found));
        }
    }

    /// <summary>The mean of each window.</summary>
    internal static void Average<T>(AveragePool op, in KernelCall call)
        where T : unmanaged, INumber<T>
    {
        using Arguments arguments = new(call);
        CpuTensor x = arguments.Dense(0), y = arguments.Output(0);
        Sliding sliding = new(op.Window, op.Size.AsSpan(), x.Spec.Shape, y.Spec.Shape);
        fixed (T* source = &x.First<T>(), target = &y.First<T>())
        {
            AverageWork<T> work = new(sliding, Planes(x), Chunk(Planes(x), sliding), op.CountPadding, false, source, target);
            Run(Planes(x), sliding, work);
        }
    }

    /// <summary>Spreads each element of the gradient over its window.</summary>
    internal static void AverageGradient<T>(AveragePoolGradient op, in KernelCall call)
        where T : unmanaged, INumber<T>
    {
        using Arguments arguments = new(call);
        CpuTensor g = arguments.Dense(0), dx = arguments.Output(0);
        Sliding sliding = new(op.Window, op.Size.AsSpan(), dx.Spec.Shape, g.Spec.Shape);
        fixed (T* source = &g.First<T>(), target = &dx.First<T>())
        {
            AverageWork<T> work = new(sliding, Planes(dx), Chunk(Planes(dx), sliding), op.CountPadding, true, target, source);
            Run(Planes(dx), sliding, work);
        }
    }

    /// <summary>Sends each element of the gradient where the maximum was.</summary>
    [MethodImpl(Hot.Loop)]
    internal static void MaxGradient<T, TIndex>(MaxPoolGradient op, in KernelCall call)
        where T : unmanaged, INumber<T>
        where TIndex : unmanaged, IBinaryInteger<TIndex>
    {
        using Arguments arguments = new(call);
        CpuTensor g = arguments.Dense(0), positions = arguments.Dense(1), dx = arguments.Output(0);
        Span<T> target = dx.Span<T>();
        target.Clear();
        ReadOnlySpan<T> source = g.Span<T>();
        ReadOnlySpan<TIndex> found = positions.Span<TIndex>();
        int planes = Planes(dx), plane = planes == 0 ? 0 : target.Length / planes, each = planes == 0 ? 0 : source.Length / planes;
        for (; source.Length > 0; source = source[each..], found = found[each..], target = target[plane..])
        {
            for (int i = 0; i < each; i++)
            {
                long position = long.CreateTruncating(found[i]);
                if ((ulong)position >= (ulong)plane)
                {
                    dx.Release();
                    throw new ValueOutOfBoundsException(
                        nameof(MaxPoolGradient), $"input 1 holds {position}; expected values from 0 to {plane - 1}.", position);
                }

                target[(int)position] += source[i];
            }
        }
    }

    private static int Planes(CpuTensor input) => input.Spec.Shape[0] * input.Spec.Shape[1];

    private static int Chunk(int planes, in Sliding sliding)
    {
        long cost = (long)sliding.OutPlane * sliding.Taps;
        return cost * planes < ParallelCost ? Math.Max(1, planes) : (int)Math.Clamp(ChunkCost / cost, 1, planes);
    }

    private static void Run<TWork>(int planes, in Sliding sliding, in TWork work)
        where TWork : struct, IWork
    {
        int chunk = Chunk(planes, sliding);
        Workers.Run((planes + chunk - 1) / chunk, work);
    }

    private readonly struct MaxWork<T, TIndex>(Sliding sliding, int planes, int chunkPlanes, T* x, T* y, long* positions) : IWork
        where T : unmanaged, INumber<T>
        where TIndex : unmanaged, IBinaryInteger<TIndex>
    {
        public void Run(int chunk)
        {
            int padding = sliding.PlanePitch + Sliding.Slack, row = sliding.OutWidth + Sliding.Slack;
            CpuBlock block = CpuBlock.Rent((padding + (3L * row)) * sizeof(T));
            T* padded = (T*)block.Address, best = padded + padding;
            TIndex* first = (TIndex*)(best + row), place = first + row;

            // Padding is never greater than the least maximum, and so never chosen.
            T least = -T.One / T.Zero;
            new Span<T>(padded, padding).Fill(least);
            for (int i = 0; i < row; i++)
            {
                first[i] = TIndex.CreateTruncating(Inside((i * sliding.StrideX) - sliding.LowX, sliding.DilationX));
            }

            Span<nint> taps = sliding.Offsets(stackalloc nint[Sliding.NearTaps]);
            int end = Math.Min(planes, (chunk + 1) * chunkPlanes);
            for (int plane = chunk * chunkPlanes; plane < end; plane++)
            {
                sliding.Pad(x + ((nint)plane * sliding.Plane), 1, padded);
                T* target = y + ((nint)plane * sliding.OutPlane);
                long* found = positions + ((nint)plane * sliding.OutPlane);
                for (int line = 0; line < sliding.OutHeight; line++, target += sliding.OutWidth, found += sliding.OutWidth)
                {
                    Row(padded + (line * sliding.OutRowPitch), (line * sliding.StrideY) - sliding.LowY, least, taps, first, best, place);
                    Vectors.Copy(best, target, sliding.OutWidth);
                    for (int i = 0; i < sliding.OutWidth; i++)
                    {
                        found[i] = long.CreateTruncating(place[i]);
                    }
                }
            }

            block.Release();
        }

        [MethodImpl(Hot.Loop)]
        private void Row(T* padded, int top, T least, ReadOnlySpan<nint> taps, TIndex* first, T* best, TIndex* place)
        {
            Vector<TIndex> step = Vector<TIndex>.Indices * TIndex.CreateTruncating(sliding.StrideX);
            Vector<TIndex> origin = new(TIndex.CreateTruncating(Inside(top, sliding.DilationY) * sliding.Width));
            for (int i = 0; i < sliding.OutWidth; i += Vector<T>.Count)
            {
                Vector<T> most = new(least);
                Vector<TIndex> index = Vector.Load(first + i) + origin;
                int position = (top * sliding.Width) + (i * sliding.StrideX) - sliding.LowX, column = 0;
                foreach (nint tap in taps)
                {
                    Vector<T> value = Vector.Load(padded + tap + i);
                    Vector<T> better = Vector.GreaterThan(value, most) | ~Vector.Equals(value, value);
                    Vector<TIndex> at = step + new Vector<TIndex>(TIndex.CreateTruncating(position + (column * sliding.DilationX)));
                    most = Vector.ConditionalSelect(better, value, most);
                    index = Vector.ConditionalSelect(better.As<T, TIndex>(), at, index);
                    if (++column == sliding.SizeX)
                    {
                        column = 0;
                        position += sliding.DilationY * sliding.Width;
                    }
                }

                Vector.Store(most, best + i);
                Vector.Store(index, place + i);
            }
        }

        /// <summary>The first element of a window that begins before the plane and yet lies in it.</summary>
        private static int Inside(int start, int dilation) => start >= 0 ? start : start + ((dilation - 1 - start) / dilation * dilation);
    }

    private readonly struct AverageWork<T>(
        Sliding sliding, int planes, int chunkPlanes, bool countPadding, bool gradient, T* x, T* y) : IWork
        where T : unmanaged, INumber<T>
    {
        public void Run(int chunk)
        {
            int padding = sliding.PlanePitch + Sliding.Slack, row = sliding.OutWidth + Sliding.Slack;
            CpuBlock block = CpuBlock.Rent((padding + (2L * row)) * sizeof(T));
            T* padded = (T*)block.Address, line = padded + padding, divisors = line + row;
            new Span<T>(padded, padding).Clear();
            Span<nint> taps = sliding.Offsets(stackalloc nint[Sliding.NearTaps]);
            int end = Math.Min(planes, (chunk + 1) * chunkPlanes);
            for (int plane = chunk * chunkPlanes; plane < end; plane++)
            {
                T* inner = x + ((nint)plane * sliding.Plane), outer = y + ((nint)plane * sliding.OutPlane);
                if (gradient)
                {
                    new Span<T>(padded, padding).Clear();
                }
                else
                {
                    sliding.Pad(inner, 1, padded);
                }

                for (int i = 0; i < sliding.OutHeight; i++, outer += sliding.OutWidth)
                {
                    if (!countPadding || (plane == chunk * chunkPlanes && i == 0))
                    {
                        Divide(i, divisors);
                    }

                    if (gradient)
                    {
                        Spread(outer, taps, divisors, line, padded + (i * sliding.OutRowPitch));
                    }
                    else
                    {
                        Gather(padded + (i * sliding.OutRowPitch), taps, divisors, line);
                        Vectors.Copy(line, outer, sliding.OutWidth);
                    }
                }

                if (gradient)
                {
                    sliding.Unpad(padded, 1, inner);
                }
            }

            block.Release();
        }

        /// <summary>What the sums of a row of windows are divided by.</summary>
        private void Divide(int row, T* divisors)
        {
            int height = Count(row, sliding.StrideY, sliding.LowY, sliding.SizeY, sliding.Height);
            for (int i = 0; i < sliding.OutWidth; i++)
            {
                int width = Count(i, sliding.StrideX, sliding.LowX, sliding.SizeX, sliding.Width);
                divisors[i] = T.CreateTruncating(height * width);
            }
        }

        private int Count(int window, int stride, int low, int size, int extent)
        {
            int start = (window * stride) - low;
            return countPadding ? size : Math.Min(start + size, extent) - Math.Max(start, 0);
        }

        [MethodImpl(Hot.Loop)]
        private void Gather(T* padded, ReadOnlySpan<nint> taps, T* divisors, T* line)
        {
            for (int i = 0; i < sliding.OutWidth; i += Vector<T>.Count)
            {
                Vector<T> sum = Vector<T>.Zero;
                foreach (nint tap in taps)
                {
                    sum += Vector.Load(padded + tap + i);
                }

                Vector.Store(sum / Vector.Load(divisors + i), line + i);
            }
        }

        [MethodImpl(Hot.Loop)]
        private void Spread(T* g, ReadOnlySpan<nint> taps, T* divisors, T* line, T* padded)
        {
            Vectors.Copy(g, line, sliding.OutWidth);
            for (int i = 0; i < sliding.OutWidth; i += Vector<T>.Count)
            {
                Vector.Store(Vector.Load(line + i) / Vector.Load(divisors + i), line + i);
            }

            foreach (nint tap in taps)
            {
                T* to = padded + tap;
                for (int i = 0; i < sliding.OutWidth; i += Vector<T>.Count)
                {
                    Vector<T> share = Vector.Load(line + i);
                    Vector<T> mask = Vectors.Mask<T>(Math.Min(sliding.OutWidth - i, Vector<T>.Count));
                    Vector.Store(Vector.Load(to + i) + (share & mask), to + i);
                }
            }
        }
    }
}
