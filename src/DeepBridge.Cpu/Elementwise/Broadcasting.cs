namespace DeepBridge.Cpu;

/// <summary>One row of a function of inputs that broadcast.</summary>
/// <typeparam name="TFirst">The first input's element type.</typeparam>
/// <typeparam name="T">The other inputs'.</typeparam>
/// <typeparam name="TResult">The result's.</typeparam>
internal unsafe interface IRow<TFirst, T, TResult>
    where TFirst : unmanaged
    where T : unmanaged
    where TResult : unmanaged
{
    /// <summary>y = f(a, b, c); a step is 1 or 0. Where there are only two inputs, c is y.</summary>
    static abstract void Run(TFirst* a, nint stepA, T* b, nint stepB, T* c, nint stepC, TResult* y, nint count);
}

/// <summary>Walks inputs of different shapes row by row.</summary>
internal static unsafe class Broadcasting
{
    /// <summary>Fills <paramref name="y"/>.</summary>
    internal static void Run<TRow, TFirst, T, TResult>(CpuTensor a, CpuTensor b, CpuTensor c, CpuTensor y, bool heavy = false)
        where TRow : IRow<TFirst, T, TResult>
        where TFirst : unmanaged
        where T : unmanaged
        where TResult : unmanaged
    {
        if (y.Count == 0)
        {
            return;
        }

        CpuTensor[] given = [a, b, c], read = [a, b, c];
        Walk walk = Meet(read, y.Spec.Shape.AsSpan());
        long rows = walk.Rows;
        int chunks = !Unary.IsLarge(y.Count, heavy) ? 1 : (int)Math.Min(rows == 1 ? int.MaxValue : rows, y.Count / Unary.Chunk);
        fixed (TFirst* first = &read[0].First<TFirst>())
        fixed (T* second = &read[1].First<T>(), third = &read[2].First<T>())
        fixed (TResult* to = &y.First<TResult>())
        {
            Workers.Run(chunks, new Work<TRow, TFirst, T, TResult>(first, second, third, to, walk, rows, chunks));
        }

        for (int i = 0; i < read.Length; i++)
        {
            Dense.Done(read[i], given[i]);
        }
    }

    /// <summary>The common loops of the inputs; one whose innermost stride is neither 1 nor 0 is copied first.</summary>
    private static Walk Meet(CpuTensor[] inputs, ReadOnlySpan<int> shape)
    {
        Span<long> strides = stackalloc long[inputs.Length * shape.Length];
        while (true)
        {
            for (int i = 0; i < inputs.Length; i++)
            {
                inputs[i].StridesIn(shape, strides.Slice(i * shape.Length, shape.Length));
            }

            bool fits = Walk.TryMake(shape, strides, out Walk walk), copies = false;
            for (int i = 0; i < inputs.Length; i++)
            {
                if (!fits || walk.Stride(i) is not (0 or 1))
                {
                    // Where too many axes do not merge the inputs are spread out, and then all of them do.
                    inputs[i] = fits ? Dense.Copy(inputs[i]) : Spread(inputs[i], shape);
                    copies = true;
                }
            }

            if (!copies)
            {
                return walk;
            }
        }
    }

    private static CpuTensor Spread(CpuTensor x, ReadOnlySpan<int> shape)
    {
        CpuTensor view = Views.Expand(x, x.Spec.As(Shape.Create(shape)));
        CpuTensor copy = Dense.Copy(view);
        view.Release();
        return copy;
    }

    private readonly struct Work<TRow, TFirst, T, TResult>(TFirst* a, T* b, T* c, TResult* y, Walk walk, long rows, int chunks) : IWork
        where TRow : IRow<TFirst, T, TResult>
        where TFirst : unmanaged
        where T : unmanaged
        where TResult : unmanaged
    {
        public void Run(int chunk)
        {
            nint inner = walk.Inner, stepA = walk.Stride(0), stepB = walk.Stride(1), stepC = walk.Stride(2);
            if (rows == 1)
            {
                nint from = inner * chunk / chunks, to = inner * (chunk + 1) / chunks;
                TRow.Run(a + (from * stepA), stepA, b + (from * stepB), stepB, c + (from * stepC), stepC, y + from, to - from);
                return;
            }

            for (long row = rows * chunk / chunks; row < rows * (chunk + 1) / chunks; row++)
            {
                TFirst* first = a + walk.Offset(0, row);
                TRow.Run(first, stepA, b + walk.Offset(1, row), stepB, c + walk.Offset(2, row), stepC, y + (row * inner), inner);
            }
        }
    }
}
