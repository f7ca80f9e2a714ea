using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DeepBridge.Cpu;

/// <summary>Copies between layouts, by the size of an element.</summary>
internal static unsafe class Copying
{
    private const int ParallelElements = 1 << 16;
    private const int Tile = 8;
    private const int Strip = 8 * Tile;

    /// <summary>Elements of a row up to which a call would cost more than the copy.</summary>
    private const int Short = 64;

    /// <summary>Copies a tensor of any layout to dense memory.</summary>
    /// <param name="source">The tensor.</param>
    /// <param name="target">Dense memory of its size.</param>
    internal static void ToDense(CpuTensor source, ref byte target)
    {
        if (source.IsDense)
        {
            Unsafe.CopyBlockUnaligned(ref target, ref source.First<byte>(), (uint)source.Spec.Bytes);
            return;
        }

        ReadOnlySpan<int> shape = source.Spec.Shape.AsSpan();
        Span<long> strides = stackalloc long[2 * shape.Length];
        source.Strides.CopyTo(strides);
        DenseStrides(shape, strides[shape.Length..]);
        Run(ref source.First<byte>(), ref target, source.Spec.DType.Size(), shape, strides);
    }

    /// <summary>The strides of a row-by-row layout.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="strides">One an axis.</param>
    internal static void DenseStrides(ReadOnlySpan<int> shape, Span<long> strides)
    {
        long stride = 1;
        for (int axis = shape.Length - 1; axis >= 0; axis--)
        {
            strides[axis] = stride;
            stride *= shape[axis];
        }
    }

    /// <summary>Copies elements of a shape from one layout to another; the two must not overlap.</summary>
    /// <param name="source">The first element of the one.</param>
    /// <param name="target">The first element of the other.</param>
    /// <param name="size">The size of an element: 1, 2, 4 or 8.</param>
    /// <param name="shape">The shape.</param>
    /// <param name="strides">The strides of the source, then those of the target.</param>
    internal static void Run(ref byte source, ref byte target, int size, ReadOnlySpan<int> shape, ReadOnlySpan<long> strides)
    {
        if (shape.Contains(0))
        {
            return;
        }

        fixed (byte* from = &source, to = &target)
        {
            Run(from, to, size, shape, strides);
        }
    }

    private static void Run(byte* source, byte* target, int size, ReadOnlySpan<int> shape, ReadOnlySpan<long> strides)
    {
        if (!Walk.TryMake(shape, strides, out Walk walk))
        {
            int rank = shape.Length;
            long[] inner = [.. strides[1..rank], .. strides[(rank + 1)..]];
            for (int i = 0; i < shape[0]; i++)
            {
                Run(source + (i * strides[0] * size), target + (i * strides[rank] * size), size, shape[1..], inner);
            }

            return;
        }

        delegate*<void*, void*, Walk, void> run = size switch
        {
            1 => &Run<byte>,
            2 => &Run<ushort>,
            4 => &Run<uint>,
            _ => &Run<ulong>,
        };
        run(source, target, walk);
    }

    private static void Run<T>(void* source, void* target, Walk walk)
        where T : unmanaged
    {
        bool transposes = false;
        for (int axis = 1; axis < walk.Rank && walk.Stride(0) is not (0 or 1) && walk.Stride(1) == 1 && !transposes; axis++)
        {
            if (walk.Stride(0, axis) == 1)
            {
                walk.Swap(1, axis);
                transposes = true;
            }
        }

        long strips = transposes ? (walk.Extent(1) + Strip - 1) / Strip : 1;
        long rows = transposes ? walk.Rows / walk.Extent(1) * strips : walk.Rows;
        long elements = walk.Rows * walk.Inner;
        int chunks = elements < ParallelElements ? 1 : (int)Math.Min(rows, elements / (ParallelElements / 4));
        Work<T> work = new((T*)source, (T*)target, walk, transposes ? strips : 0, rows, chunks);
        Workers.Run(chunks, work);
    }

    private readonly struct Work<T>(T* source, T* target, Walk walk, long strips, long rows, int chunks) : IWork
        where T : unmanaged
    {
        [MethodImpl(Hot.Loop)]
        public void Run(int chunk)
        {
            long row = rows * chunk / chunks, end = rows * (chunk + 1) / chunks;
            while (row < end && strips > 0)
            {
                Transpose(row++);
            }

            // Rows are often short, so where one begins is found once for all that follow it evenly.
            long even = walk.Rank > 1 ? walk.Extent(1) : 1;
            nint a = walk.Stride(0), b = walk.Stride(1), nextA = walk.Stride(0, 1), nextB = walk.Stride(1, 1);
            int inner = walk.Inner;
            while (row < end)
            {
                T* from = source + walk.Offset(0, row), to = target + walk.Offset(1, row);
                for (long last = Math.Min(end, row + even - (row % even)); row < last; row++)
                {
                    Row(from, to, a, b, inner);
                    from += nextA;
                    to += nextB;
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Row(T* from, T* to, nint a, nint b, int count)
        {
            if (a == 1 && b == 1 && count <= Short)
            {
                Vectors.Copy(from, to, count);
            }
            else if (a == 1 && b == 1)
            {
                new ReadOnlySpan<T>(from, count).CopyTo(new Span<T>(to, count));
            }
            else if (a == 0 && b == 1)
            {
                new Span<T>(to, count).Fill(*from);
            }
            else
            {
                for (int i = 0; i < count; i++)
                {
                    to[i * b] = from[i * a];
                }
            }
        }

        /// <summary>A strip of a plane whose rows are the other layout's columns, in tiles that stay in the cache.</summary>
        [MethodImpl(Hot.Loop)]
        private void Transpose(long row)
        {
            (long plane, long strip) = Math.DivRem(row, strips);
            T* from = source + walk.Offset(0, plane, 2), to = target + walk.Offset(1, plane, 2);
            nint a = walk.Stride(0), b = walk.Stride(1, 1);
            int end = (int)Math.Min(walk.Extent(1), (strip + 1) * Strip);
            float** columns = stackalloc float*[Tile];
            for (int i = (int)strip * Strip; i < end; i += Tile)
            {
                int tall = Math.Min(Tile, end - i);
                for (int j = 0; j < walk.Inner; j += Tile)
                {
                    int wide = Math.Min(Tile, walk.Inner - j);
                    T* in0 = from + i + (j * a), out0 = to + (i * b) + j;
                    if (sizeof(T) == 4 && Avx.IsSupported && tall == Tile && wide == Tile)
                    {
                        for (int c = 0; c < Tile; c++)
                        {
                            columns[c] = (float*)in0 + (c * a);
                        }

                        Packing.Transpose8(columns, 0, (float*)out0, b);
                        continue;
                    }

                    for (int r = 0; r < tall; r++)
                    {
                        for (int c = 0; c < wide; c++)
                        {
                            out0[(r * b) + c] = in0[r + (c * a)];
                        }
                    }
                }
            }
        }
    }
}
