using System.Numerics;
using System.Runtime.CompilerServices;
using DeepBridge.Backends;

namespace DeepBridge.Cpu;

/// <summary>
/// The kernels of softmax, its logarithm and their gradients. Along the last axis a vector is a piece of a row; along
/// another one it is neighbours, each with a row of its own.
/// </summary>
internal static unsafe class Softmaxes
{
    /// <summary>Elements of a chunk; fewer than two chunks stay on one thread.</summary>
    private const long ChunkElements = 1 << 14;

    /// <summary>Softmax or its logarithm.</summary>
    internal static void Run<T>(int axis, bool log, in KernelCall call)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using Arguments arguments = new(call);
        CpuTensor x = arguments.Dense(0), y = arguments.Output(0, 0);
        fixed (T* from = &x.First<T>(), to = &y.First<T>())
        {
            Forward(from, to, x.Spec.Shape, axis, log);
        }
    }

    /// <summary>The gradient of either.</summary>
    internal static void Gradient<T>(int axis, bool log, in KernelCall call)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using Arguments arguments = new(call);
        CpuTensor g = arguments.Dense(0), y = arguments.Dense(1), dx = arguments.Output(0, 0);
        fixed (T* incoming = &g.First<T>(), output = &y.First<T>(), to = &dx.First<T>())
        {
            Start(new Work<T>(new Layout(y.Spec.Shape, axis), log, incoming, output, to));
        }
    }

    /// <summary>Softmax or its logarithm, of memory; target and source may be the same.</summary>
    internal static void Forward<T>(T* x, T* y, Shape shape, int axis, bool log)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        Start(new Work<T>(new Layout(shape, axis), log, null, x, y));

    private static void Start<T>(in Work<T> work)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (work.Layout.Count > 0)
        {
            Workers.Run(work.Layout.Chunks, work);
        }
    }

    /// <summary>A tensor as outer × axis × inner.</summary>
    private readonly struct Layout
    {
        internal readonly int Outer = 1, Length, Inner = 1, ChunkOuter;

        internal Layout(Shape shape, int axis)
        {
            for (int i = 0; i < shape.Rank; i++)
            {
                Outer *= i < axis ? shape[i] : 1;
                Inner *= i > axis ? shape[i] : 1;
            }

            Length = shape[axis];
            ChunkOuter = (int)Math.Clamp(ChunkElements / Math.Max(1, (long)Length * Inner), 1, Math.Max(1, Outer));
        }

        internal long Count => (long)Outer * Length * Inner;

        internal int Chunks => (Outer + ChunkOuter - 1) / ChunkOuter;
    }

    /// <summary>Forward where there is no incoming gradient, else backward.</summary>
    private readonly struct Work<T>(Layout layout, bool log, T* g, T* x, T* y) : IWork
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        internal readonly Layout Layout = layout;

        public void Run(int chunk)
        {
            int end = Math.Min(Layout.Outer, (chunk + 1) * Layout.ChunkOuter);
            for (int i = chunk * Layout.ChunkOuter; i < end; i++)
            {
                nint start = (nint)i * Layout.Length * Layout.Inner;
                switch (g == null, Layout.Inner == 1)
                {
                    case (true, true):
                        Row(x + start, y + start);
                        break;
                    case (true, false):
                        Neighbours(x + start, y + start);
                        break;
                    case (false, true):
                        GradientRow(g + start, x + start, y + start);
                        break;
                    default:
                        GradientNeighbours(g + start, x + start, y + start);
                        break;
                }
            }
        }

        [MethodImpl(Hot.Loop)]
        private void Row(T* from, T* to)
        {
            int count = Layout.Length;
            T max = Rows.Max(from, count);
            Vector<T> shift = new(max), sum = Vector<T>.Zero;
            for (int i = 0; i < count; i += Vector<T>.Count)
            {
                Vector<T> power = Vectors.Exp(Vectors.Load(from + i, count - i) - shift);
                sum += count - i >= Vector<T>.Count ? power : power & Vectors.Mask<T>(count - i);
                if (!log)
                {
                    Vectors.Store(power, to + i, count - i);
                }
            }

            T total = Vector.Sum(sum);
            Vector<T> divisor = new(total), logarithm = new(T.Log(total));
            for (int i = 0; i < count; i += Vector<T>.Count)
            {
                Vector<T> value = log
                    ? Vectors.Load(from + i, count - i) - shift - logarithm
                    : Vectors.Load(to + i, count - i) / divisor;
                Vectors.Store(value, to + i, count - i);
            }
        }

        [MethodImpl(Hot.Loop)]
        private void Neighbours(T* from, T* to)
        {
            int inner = Layout.Inner;
            nint end = (nint)Layout.Length * inner;
            for (int i = 0; i < inner; i += Vector<T>.Count)
            {
                int left = inner - i;
                Vector<T> max = Vectors.Load(from + i, left), sum = Vector<T>.Zero;
                for (nint at = i + inner; at < end; at += inner)
                {
                    max = Vector.Max(max, Vectors.Load(from + at, left));
                }

                for (nint at = i; at < end; at += inner)
                {
                    Vector<T> power = Vectors.Exp(Vectors.Load(from + at, left) - max);
                    sum += power;
                    if (!log)
                    {
                        Vectors.Store(power, to + at, left);
                    }
                }

                Vector<T> shift = max, logarithm = log ? Vectors.Log(sum) : default;
                for (nint at = i; at < end; at += inner)
                {
                    Vector<T> value = log ? Vectors.Load(from + at, left) - shift - logarithm : Vectors.Load(to + at, left) / sum;
                    Vectors.Store(value, to + at, left);
                }
            }
        }

        [MethodImpl(Hot.Loop)]
        private void GradientRow(T* incoming, T* output, T* to)
        {
            int count = Layout.Length;
            Vector<T> sums = Vector<T>.Zero;
            for (int i = 0; i < count; i += Vector<T>.Count)
            {
                Vector<T> slope = Vectors.Load(incoming + i, count - i);
                sums += log ? slope : slope * Vectors.Load(output + i, count - i);
            }

            Vector<T> sum = new(Vector.Sum(sums));
            for (int i = 0; i < count; i += Vector<T>.Count)
            {
                Vectors.Store(Slope(Vectors.Load(incoming + i, count - i), Vectors.Load(output + i, count - i), sum), to + i, count - i);
            }
        }

        [MethodImpl(Hot.Loop)]
        private void GradientNeighbours(T* incoming, T* output, T* to)
        {
            int inner = Layout.Inner;
            nint end = (nint)Layout.Length * inner;
            for (int i = 0; i < inner; i += Vector<T>.Count)
            {
                int left = inner - i;
                Vector<T> sum = Vector<T>.Zero;
                for (nint at = i; at < end; at += inner)
                {
                    Vector<T> slope = Vectors.Load(incoming + at, left);
                    sum += log ? slope : slope * Vectors.Load(output + at, left);
                }

                for (nint at = i; at < end; at += inner)
                {
                    Vectors.Store(Slope(Vectors.Load(incoming + at, left), Vectors.Load(output + at, left), sum), to + at, left);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private Vector<T> Slope(Vector<T> incoming, Vector<T> output, Vector<T> sum) =>
            log ? incoming - (Vectors.Exp(output) * sum) : output * (incoming - sum);
    }
}
