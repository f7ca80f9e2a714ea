using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DeepBridge.Backends;

namespace DeepBridge.Cpu;

/// <summary>Where, by the size of an element.</summary>
internal static unsafe class Selecting
{
    /// <summary>Chooses between two inputs by a third.</summary>
    internal static void Run(in KernelCall call)
    {
        CpuTensor y = CpuTensor.Allocate(call.OutputSpecs[0], call.Device);
        call.Outputs[0] = y;
        if (y.Count == 0)
        {
            return;
        }

        switch (y.Spec.DType.Size())
        {
            case 1:
                Run<byte>(call, y);
                break;
            case 2:
                Run<ushort>(call, y);
                break;
            case 4:
                Run<uint>(call, y);
                break;
            default:
                Run<ulong>(call, y);
                break;
        }
    }

    private static void Run<T>(in KernelCall call, CpuTensor y)
        where T : unmanaged
    {
        ReadOnlySpan<int> shape = y.Spec.Shape.AsSpan();
        Span<long> strides = stackalloc long[3 * shape.Length];
        CpuTensor[] given = [(CpuTensor)call.Inputs[0], (CpuTensor)call.Inputs[1], (CpuTensor)call.Inputs[2]], read = [.. given];
        Walk walk;
        while (true)
        {
            for (int i = 0; i < 3; i++)
            {
                read[i].StridesIn(shape, strides.Slice(i * shape.Length, shape.Length));
            }

            if (Walk.TryMake(shape, strides, out walk))
            {
                break;
            }

            for (int i = 0; i < 3; i++)
            {
                read[i] = Binary.Spread(read[i], shape);
            }
        }

        long rows = walk.Rows;
        int chunks = Unary.IsLarge(y.Count, false) ? (int)Math.Min(rows == 1 ? int.MaxValue : rows, y.Count / Unary.Chunk) : 1;
        fixed (byte* condition = &read[0].First<byte>())
        {
            fixed (T* yes = &read[1].First<T>(), no = &read[2].First<T>(), target = &y.First<T>())
            {
                Workers.Run(chunks, new Work<T>(condition, yes, no, target, walk, rows, chunks));
            }
        }

        for (int i = 0; i < 3; i++)
        {
            Dense.Done(read[i], given[i]);
        }
    }

    /// <summary>One row. A step of 1 is a vector's, any other is walked.</summary>
    internal static void Row<T>(byte* condition, nint stepC, T* yes, nint stepA, T* no, nint stepB, T* y, nint count)
        where T : unmanaged
    {
        if (stepC == 0)
        {
            T* source = *condition != 0 ? yes : no;
            nint step = *condition != 0 ? stepA : stepB;
            for (nint i = 0; i < count; i++)
            {
                y[i] = source[i * step];
            }

            return;
        }

        nint done = 0;
        if (stepC == 1 && stepA is 0 or 1 && stepB is 0 or 1)
        {
            for (; done <= count - Vector128<byte>.Count; done += Vector128<byte>.Count)
            {
                Vector128<sbyte> mask = ~Vector128.Equals(Vector128.Load(condition + done), default).AsSByte();
                if (sizeof(T) == 1)
                {
                    Block(mask.As<sbyte, T>(), yes, stepA, no, stepB, y, done);
                }
                else
                {
                    (Vector128<short> low, Vector128<short> high) = Vector128.Widen(mask);
                    Half(low, yes, stepA, no, stepB, y, done);
                    Half(high, yes, stepA, no, stepB, y, done + 8);
                }
            }
        }

        for (; done < count; done++)
        {
            y[done] = condition[done * stepC] != 0 ? yes[done * stepA] : no[done * stepB];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Half<T>(Vector128<short> mask, T* yes, nint stepA, T* no, nint stepB, T* y, nint at)
        where T : unmanaged
    {
        if (sizeof(T) == 2)
        {
            Block(mask.As<short, T>(), yes, stepA, no, stepB, y, at);
            return;
        }

        (Vector128<int> low, Vector128<int> high) = Vector128.Widen(mask);
        if (sizeof(T) == 4)
        {
            Block(low.As<int, T>(), yes, stepA, no, stepB, y, at);
            Block(high.As<int, T>(), yes, stepA, no, stepB, y, at + 4);
            return;
        }

        (Vector128<long> first, Vector128<long> second) = Vector128.Widen(low);
        (Vector128<long> third, Vector128<long> fourth) = Vector128.Widen(high);
        Block(first.As<long, T>(), yes, stepA, no, stepB, y, at);
        Block(second.As<long, T>(), yes, stepA, no, stepB, y, at + 2);
        Block(third.As<long, T>(), yes, stepA, no, stepB, y, at + 4);
        Block(fourth.As<long, T>(), yes, stepA, no, stepB, y, at + 6);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Block<T>(Vector128<T> mask, T* yes, nint stepA, T* no, nint stepB, T* y, nint at)
        where T : unmanaged
    {
        Vector128<T> a = stepA == 0 ? Vector128.Create(*yes) : Vector128.Load(yes + at);
        Vector128<T> b = stepB == 0 ? Vector128.Create(*no) : Vector128.Load(no + at);
        Vector128.ConditionalSelect(mask, a, b).Store(y + at);
    }

    private readonly struct Work<T>(byte* condition, T* yes, T* no, T* y, Walk walk, long rows, int chunks) : IWork
        where T : unmanaged
    {
        public void Run(int chunk)
        {
            int inner = walk.Inner;
            nint stepC = walk.Stride(0), stepA = walk.Stride(1), stepB = walk.Stride(2);
            if (rows == 1)
            {
                nint from = (nint)((long)inner * chunk / chunks), to = (nint)((long)inner * (chunk + 1) / chunks);
                Row(condition + (from * stepC), stepC, yes + (from * stepA), stepA, no + (from * stepB), stepB, y + from, to - from);
                return;
            }

            for (long row = rows * chunk / chunks; row < rows * (chunk + 1) / chunks; row++)
            {
                Row(
                    condition + walk.Offset(0, row), stepC, yes + walk.Offset(1, row), stepA, no + walk.Offset(2, row), stepB, y + (row * inner), inner);
            }
        }
    }
}
