using System.Numerics;
using System.Runtime.CompilerServices;
using DeepBridge.Backends;

namespace DeepBridge.Cpu;

/// <summary>A function of one or two elements that carries attributes.</summary>
internal interface IMap
{
    /// <summary>The function.</summary>
    /// <param name="a">Elements of the first input.</param>
    /// <param name="b">Elements of the second one, or of the first again.</param>
    Vector<T> Apply<T>(Vector<T> a, Vector<T> b)
        where T : unmanaged, INumber<T>;
}

/// <summary>Runs maps over whole tensors of one shape.</summary>
internal static unsafe class Maps
{
    /// <summary>Elements of a chunk; fewer than two chunks stay on one thread.</summary>
    private const int ChunkElements = 1 << 14;

    /// <summary>Output 0 = map(input 0, the last input), of floats or doubles.</summary>
    internal static void Run<TMap>(in TMap map, in KernelCall call)
        where TMap : struct, IMap
    {
        if (call.OutputSpecs[0].DType == DType.Float32)
        {
            Run<float, TMap>(map, call);
        }
        else
        {
            Run<double, TMap>(map, call);
        }
    }

    private static void Run<T, TMap>(in TMap map, in KernelCall call)
        where T : unmanaged, INumber<T>
        where TMap : struct, IMap
    {
        using Arguments arguments = new(call);
        int last = call.Inputs.Length - 1;
        CpuTensor a = arguments.Dense(0), b = arguments.Dense(last), y = arguments.Output(0, 0);
        fixed (T* first = &a.First<T>(), second = &b.First<T>(), to = &y.First<T>())
        {
            Workers.Run((int)(((long)y.Count + ChunkElements - 1) / ChunkElements), new Work<T, TMap>(map, y.Count, first, second, to));
        }
    }

    private readonly struct Work<T, TMap>(TMap map, int count, T* a, T* b, T* y) : IWork
        where T : unmanaged, INumber<T>
        where TMap : struct, IMap
    {
        [MethodImpl(Hot.Loop)]
        public void Run(int chunk)
        {
            TMap own = map;
            int end = (int)Math.Min(count, (chunk + 1L) * ChunkElements);
            for (int i = chunk * ChunkElements; i < end; i += Vector<T>.Count)
            {
                int left = end - i;
                Vectors.Store(own.Apply(Vectors.Load(a + i, left), Vectors.Load(b + i, left)), y + i, left);
            }
        }
    }
}
