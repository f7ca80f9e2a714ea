using System.Numerics;
using System.Runtime.CompilerServices;
using DeepBridge.Backends;
using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <summary>The kernels of layer normalization and its gradient, a row at a time.</summary>
internal static unsafe class LayerNorms
{
    /// <summary>Elements of a chunk; fewer than two chunks stay on one thread.</summary>
    private const int ChunkElements = 1 << 15;

    /// <summary>Runs of rows whose weight gradients are summed apart.</summary>
    private const int MostSlices = 16;

    /// <summary>The norm.</summary>
    internal static void Forward<T>(LayerNorm op, in KernelCall call)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using Arguments arguments = new(call);
        CpuTensor x = arguments.Dense(0), mean = arguments.Output(1), inverse = arguments.Output(2);
        CpuTensor? weight = call.Inputs.Length > 1 ? arguments.Dense(1) : null;
        CpuTensor? bias = call.Inputs.Length > 2 ? arguments.Dense(2) : null;
        CpuTensor y = arguments.Output(0, 0);
        int rows = mean.Count, width = rows == 0 ? 0 : x.Count / rows;
        fixed (T* from = &x.First<T>(), to = &y.First<T>(), means = &mean.First<T>(), inverses = &inverse.First<T>())
        fixed (T* scale = weight is null ? [] : weight.Span<T>(), shift = bias is null ? [] : bias.Span<T>())
        {
            int chunk = Math.Max(1, ChunkElements / Math.Max(1, width));
            ForwardWork<T> work = new(rows, width, chunk, op.Epsilon, from, scale, shift, to, means, inverses);
            Workers.Run((rows + chunk - 1) / chunk, work);
        }
    }

    /// <summary>The gradients.</summary>
    internal static void Gradient<T>(LayerNormGradient op, in KernelCall call)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using Arguments arguments = new(call);
        CpuTensor g = arguments.Dense(0), x = arguments.Dense(1), mean = arguments.Dense(2), inverse = arguments.Dense(3);
        CpuTensor? weight = op.Affine ? arguments.Dense(4) : null;
        CpuTensor dx = arguments.Output(0, 0);
        int rows = mean.Count, width = rows == 0 ? weight?.Count ?? 0 : x.Count / rows;
        int slices = (int)Math.Clamp((long)rows * width / ChunkElements, 1, MostSlices);
        CpuBlock sums = CpuBlock.Rent(Math.Max(1, 2L * slices * width) * sizeof(T));
        fixed (T* slope = &g.First<T>(), from = &x.First<T>(), to = &dx.First<T>())
        fixed (T* means = &mean.First<T>(), inverses = &inverse.First<T>())
        fixed (T* scale = weight is null ? [] : weight.Span<T>())
        {
            T* sum = (T*)sums.Address;
            Workers.Run(slices, new GradientWork<T>(rows, width, slices, op.Affine ? sum : null, slope, from, means, inverses, scale, to));
            for (int output = 1; op.Affine && output < 3; output++)
            {
                CpuTensor total = arguments.Output(output);
                total.Span<T>().Clear();
                fixed (T* parts = &total.First<T>())
                {
                    for (int slice = 0; slice < slices; slice++)
                    {
                        Vectors.Add(parts, sum + (((2 * slice) + output - 1) * (nint)width), width);
                    }
                }
            }
        }

        sums.Release();
    }

    private readonly struct ForwardWork<T>(
        int rows, int width, int chunkRows, double epsilon, T* x, T* weight, T* bias, T* y, T* means, T* inverses) : IWork
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        [MethodImpl(Hot.Loop)]
        public void Run(int chunk)
        {
            int end = Math.Min(rows, (chunk + 1) * chunkRows);
            for (int row = chunk * chunkRows; row < end; row++)
            {
                T* from = x + ((nint)row * width), to = y + ((nint)row * width);
                T mean = T.CreateTruncating(Rows.Sum(from, width) / width);
                T inverse = T.CreateTruncating(1 / Math.Sqrt((Rows.SumSquares(from, width, mean) / width) + epsilon));
                (means[row], inverses[row]) = (mean, inverse);
                Vector<T> middle = new(mean), scale = new(inverse);
                for (int i = 0; i < width; i += Vector<T>.Count)
                {
                    int left = width - i;
                    Vector<T> value = (Vectors.Load(from + i, left) - middle) * scale;
                    value = weight == null ? value : value * Vectors.Load(weight + i, left);
                    value = bias == null ? value : value + Vectors.Load(bias + i, left);
                    Vectors.Store(value, to + i, left);
                }
            }
        }
    }

    private readonly struct GradientWork<T>(
        int rows, int width, int slices, T* sums, T* g, T* x, T* means, T* inverses, T* weight, T* dx) : IWork
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        [MethodImpl(Hot.Loop)]
        public void Run(int slice)
        {
            T* weightSum = sums == null ? null : sums + (2 * slice * (nint)width), biasSum = weightSum + width;
            if (weightSum != null)
            {
                new Span<T>(weightSum, 2 * width).Clear();
            }

            int end = (int)((slice + 1L) * rows / slices);
            for (int row = (int)((long)slice * rows / slices); row < end; row++)
            {
                nint start = (nint)row * width;
                Vector<T> mean = new(means[row]), inverse = new(inverses[row]), sum = Vector<T>.Zero, along = Vector<T>.Zero;
                for (int i = 0; i < width; i += Vector<T>.Count)
                {
                    int left = width - i;
                    Vector<T> slope = Vectors.Load(g + start + i, left);
                    Vector<T> normal = (Vectors.Load(x + start + i, left) - mean) * inverse;
                    if (weightSum != null)
                    {
                        Vectors.Store(Vectors.Load(weightSum + i, left) + (slope * normal), weightSum + i, left);
                        Vectors.Store(Vectors.Load(biasSum + i, left) + slope, biasSum + i, left);
                        slope *= Vectors.Load(weight + i, left);
                    }

                    sum += slope;
                    along += slope * normal;
                }

                T count = T.CreateTruncating(width);
                Vector<T> share = new(Vector.Sum(sum) / count), part = new(Vector.Sum(along) / count);
                for (int i = 0; i < width; i += Vector<T>.Count)
                {
                    int left = width - i;
                    Vector<T> slope = Vectors.Load(g + start + i, left);
                    Vector<T> normal = (Vectors.Load(x + start + i, left) - mean) * inverse;
                    slope = weightSum == null ? slope : slope * Vectors.Load(weight + i, left);
                    Vectors.Store((slope - share - (normal * part)) * inverse, dx + start + i, left);
                }
            }
        }
    }
}
