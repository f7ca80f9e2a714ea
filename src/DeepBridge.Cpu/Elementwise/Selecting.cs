using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DeepBridge.Backends;

namespace DeepBridge.Cpu;

/// <summary>Where, by the size of an element.</summary>
internal static unsafe class Selecting
{
    /// <summary>Chooses between two inputs by a third.</summary>
    internal static CpuTensor Run(in KernelCall call) => call.OutputSpecs[0].DType.Size() switch
    {
        1 => Run<byte>(call),
        2 => Run<ushort>(call),
        4 => Run<uint>(call),
        _ => Run<ulong>(call),
    };

    private static CpuTensor Run<T>(in KernelCall call)
        where T : unmanaged
    {
        CpuTensor y = CpuTensor.Allocate(call.OutputSpecs[0], call.Device);
        Broadcasting.Run<Chosen<T>, byte, T, T>((CpuTensor)call.Inputs[0], (CpuTensor)call.Inputs[1], (CpuTensor)call.Inputs[2], y);
        return y;
    }

    /// <summary>One row; a step is 1 or 0.</summary>
    [MethodImpl(Hot.Loop)]
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

        for (; done < count; done++)
        {
            y[done] = condition[done] != 0 ? yes[done * stepA] : no[done * stepB];
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

    private readonly struct Chosen<T> : IRow<byte, T, T>
        where T : unmanaged
    {
        public static void Run(byte* a, nint stepA, T* b, nint stepB, T* c, nint stepC, T* y, nint count) =>
            Row(a, stepA, b, stepB, c, stepC, y, count);
    }
}
