using System.Numerics;
using System.Runtime.CompilerServices;
using DeepBridge.Backends;
using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <summary>
/// The kernels of batch normalization, its gradient and its inference. A chunk is a run of channels: where the data has
/// spatial axes a vector is a piece of a plane, else it is neighbouring channels.
/// </summary>
internal static unsafe class BatchNorms
{
    /// <summary>Elements of a chunk; fewer than two chunks stay on one thread.</summary>
    private const long ChunkElements = 1 << 15;

    /// <summary>Training.</summary>
    internal static void Forward<T>(BatchNorm op, in KernelCall call)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using Arguments arguments = new(call);
        CpuTensor x = arguments.Dense(0), weight = arguments.Dense(1), bias = arguments.Dense(2);
        CpuTensor y = arguments.Output(0, 0), mean = arguments.Output(1), variance = arguments.Output(2);
        fixed (T* from = &x.First<T>(), to = &y.First<T>(), means = &mean.First<T>(), variances = &variance.First<T>())
        fixed (T* scale = &weight.First<T>(), shift = &bias.First<T>())
        {
            Data<T> data = new() { X = from, Weight = scale, Bias = shift, Y = to, Mean = means, Variance = variances };
            Run(x.Spec.Shape, Mode.Training, op.Epsilon, data);
        }
    }

    /// <summary>Evaluation.</summary>
    internal static void Inference<T>(BatchNormInference op, in KernelCall call)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using Arguments arguments = new(call);
        CpuTensor x = arguments.Dense(0), mean = arguments.Dense(1), variance = arguments.Dense(2);
        CpuTensor weight = arguments.Dense(3), bias = arguments.Dense(4), y = arguments.Output(0, 0);
        fixed (T* from = &x.First<T>(), to = &y.First<T>(), means = &mean.First<T>(), variances = &variance.First<T>())
        fixed (T* scale = &weight.First<T>(), shift = &bias.First<T>())
        {
            Data<T> data = new() { X = from, Weight = scale, Bias = shift, Y = to, Mean = means, Variance = variances };
            Run(x.Spec.Shape, Mode.Evaluation, op.Epsilon, data);
        }
    }

    /// <summary>The gradients in training.</summary>
    internal static void Gradient<T>(BatchNormGradient op, in KernelCall call)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using Arguments arguments = new(call);
        CpuTensor g = arguments.Dense(0), x = arguments.Dense(1), weight = arguments.Dense(2);
        CpuTensor mean = arguments.Dense(3), variance = arguments.Dense(4);
        CpuTensor dx = arguments.Output(0, 0), weightGradient = arguments.Output(1), biasGradient = arguments.Output(2);
        fixed (T* slope = &g.First<T>(), from = &x.First<T>(), to = &dx.First<T>())
        fixed (T* means = &mean.First<T>(), variances = &variance.First<T>())
        fixed (T* scale = &weight.First<T>(), first = &weightGradient.First<T>(), second = &biasGradient.First<T>())
        {
            Data<T> data = new()
            {
                G = slope,
                X = from,
                Weight = scale,
                Y = to,
                Mean = means,
                Variance = variances,
                WeightGradient = first,
                BiasGradient = second,
            };
            Run(x.Spec.Shape, Mode.Gradient, op.Epsilon, data);
        }
    }

    private static void Run<T>(Shape shape, Mode mode, double epsilon, in Data<T> data)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int batch = shape[0], channels = shape[1], plane = 1;
        foreach (int extent in shape.AsSpan()[2..])
        {
            plane *= extent;
        }

        if (channels == 0)
        {
            return;
        }

        int chunk = (int)Math.Clamp(ChunkElements / Math.Max(1, (long)batch * plane), 1, channels);
        chunk = plane == 1 ? (chunk + 31) / 32 * 32 : chunk;
        Workers.Run((channels + chunk - 1) / chunk, new Work<T>(mode, batch, channels, plane, chunk, epsilon, data));
    }

    private enum Mode
    {
        Training,
        Evaluation,
        Gradient,
    }

    private readonly struct Data<T>
        where T : unmanaged
    {
        internal T* G { get; init; }

        internal T* X { get; init; }

        internal T* Weight { get; init; }

        internal T* Bias { get; init; }

        internal T* Y { get; init; }

        internal T* Mean { get; init; }

        internal T* Variance { get; init; }

        internal T* WeightGradient { get; init; }

        internal T* BiasGradient { get; init; }
    }

    private readonly struct Work<T>(Mode mode, int batch, int channels, int plane, int chunkChannels, double epsilon, Data<T> data) : IWork
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        public void Run(int chunk)
        {
            int start = chunk * chunkChannels, end = Math.Min(channels, start + chunkChannels);
            if (plane == 1)
            {
                for (int channel = start; channel < end; channel += Vector<T>.Count)
                {
                    Neighbours(channel, Math.Min(Vector<T>.Count, end - channel));
                }

                return;
            }

            for (int channel = start; channel < end; channel++)
            {
                Channel(channel);
            }
        }

        [MethodImpl(Hot.Loop)]
        private void Channel(int channel)
        {
            double count = (double)batch * plane;
            nint first = (nint)channel * plane, pitch = (nint)channels * plane;
            if (mode == Mode.Training)
            {
                double sum = 0, squares = 0;
                for (int i = 0; i < batch; i++)
                {
                    sum += Rows.Sum(data.X + first + (i * pitch), plane);
                }

                data.Mean[channel] = T.CreateTruncating(sum / count);
                for (int i = 0; i < batch; i++)
                {
                    squares += Rows.SumSquares(data.X + first + (i * pitch), plane, data.Mean[channel]);
                }

                data.Variance[channel] = T.CreateTruncating(squares / count);
            }

            T inverse = T.One / T.Sqrt(data.Variance[channel] + T.CreateTruncating(epsilon));
            Vector<T> mean = new(data.Mean[channel]), scale = new(inverse * data.Weight[channel]);
            Vector<T> shift = mode == Mode.Gradient ? default : new(data.Bias[channel]), along = default;
            if (mode == Mode.Gradient)
            {
                double sum = 0, product = 0;
                for (int i = 0; i < batch; i++)
                {
                    nint at = first + (i * pitch);
                    (double slopes, double products) = Rows.SumProducts(data.G + at, data.X + at, plane, data.Mean[channel]);
                    sum += slopes;
                    product += products;
                }

                double spread = double.CreateTruncating(inverse);
                data.BiasGradient[channel] = T.CreateTruncating(sum);
                data.WeightGradient[channel] = T.CreateTruncating(product * spread);
                shift = Vectors.Splat<T>(sum / count);
                along = Vectors.Splat<T>(product * spread * spread / count);
            }

            for (int i = 0; i < batch; i++)
            {
                T* x = data.X + first + (i * pitch), y = data.Y + first + (i * pitch), g = data.G + first + (i * pitch);
                for (int j = 0; j < plane; j += Vector<T>.Count)
                {
                    Vector<T> distance = Vectors.Load(x + j, plane - j) - mean;
                    Vector<T> value = mode == Mode.Gradient
                        ? (Vectors.Load(g + j, plane - j) - shift - (distance * along)) * scale
                        : (distance * scale) + shift;
                    Vectors.Store(value, y + j, plane - j);
                }
            }
        }

        [MethodImpl(Hot.Loop)]
        private void Neighbours(int channel, int left)
        {
            Vector<T> count = new(T.CreateTruncating(batch)), mean, variance;
            if (mode == Mode.Training)
            {
                mean = Sum(channel, left, null, default) / count;
                variance = Sum(channel, left, data.X, mean) / count;
                Vectors.Store(mean, data.Mean + channel, left);
                Vectors.Store(variance, data.Variance + channel, left);
            }
            else
            {
                mean = Vectors.Load(data.Mean + channel, left);
                variance = Vectors.Load(data.Variance + channel, left);
            }

            Vector<T> inverse = Vector<T>.One / Vector.SquareRoot(variance + Vectors.Splat<T>(epsilon));
            Vector<T> scale = inverse * Vectors.Load(data.Weight + channel, left), shift, along = default;
            if (mode == Mode.Gradient)
            {
                Vector<T> sum = Sum(channel, left, null, default), product = Sum(channel, left, data.G, mean) * inverse;
                Vectors.Store(sum, data.BiasGradient + channel, left);
                Vectors.Store(product, data.WeightGradient + channel, left);
                shift = sum / count;
                along = product * inverse / count;
            }
            else
            {
                shift = Vectors.Load(data.Bias + channel, left);
            }

            for (nint i = 0, at = channel; i < batch; i++, at += channels)
            {
                Vector<T> distance = Vectors.Load(data.X + at, left) - mean;
                Vector<T> value = mode == Mode.Gradient
                    ? (Vectors.Load(data.G + at, left) - shift - (distance * along)) * scale
                    : (distance * scale) + shift;
                Vectors.Store(value, data.Y + at, left);
            }
        }

        /// <summary>
        /// Of some channels: the sum of what is to be averaged; or, given a factor (x itself counts as x − center), of its
        /// products with x − center. Runs of rows are summed apart, so that long batches lose no precision.
        /// </summary>
        [MethodImpl(Hot.Loop)]
        private Vector<T> Sum(int channel, int left, T* factor, Vector<T> center)
        {
            T* source = factor == null && mode == Mode.Gradient ? data.G : data.X;
            Vector<T> total = Vector<T>.Zero;
            for (int start = 0; start < batch; start += 64)
            {
                Vector<T> sum = Vector<T>.Zero;
                int end = Math.Min(batch, start + 64);
                for (int i = start; i < end; i++)
                {
                    nint at = ((nint)i * channels) + channel;
                    Vector<T> value = Vectors.Load(source + at, left);
                    if (factor != null)
                    {
                        value -= center;
                        value *= factor == data.X ? value : Vectors.Load(factor + at, left);
                    }

                    sum += value;
                }

                total += sum;
            }

            return total;
        }
    }
}
