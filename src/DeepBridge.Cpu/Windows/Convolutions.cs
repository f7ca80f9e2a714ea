using System.Numerics;
using System.Runtime.CompilerServices;
using DeepBridge.Backends;
using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <summary>The kernels of convolution and its two gradients.</summary>
internal static unsafe class Convolutions
{
    /// <summary>Channels below which their gradient has too few rows for a matrix product of its own: it is spread.</summary>
    private const int FewChannels = 16;

    /// <summary>The convolution.</summary>
    internal static void Forward<T>(Convolution op, in KernelCall call)
        where T : unmanaged, INumber<T>
    {
        using Arguments arguments = new(call);
        CpuTensor x = arguments.Dense(0), weight = arguments.Dense(1), y = arguments.Output(0);
        CpuTensor? bias = call.Inputs.Length == 3 ? arguments.Dense(2) : null;
        ConvolutionPlan plan = new(op.Window, op.Groups, x.Spec.Shape, weight.Spec.Shape, y.Spec.Shape, sizeof(T));
        fixed (T* first = &x.First<T>(), second = &weight.First<T>(), target = &y.First<T>())
        fixed (T* addend = bias is null ? [] : bias.Span<T>())
        {
            Run<T>(plan, new ForwardWork<T>(plan, first, second, addend, target));
        }
    }

    /// <summary>The gradient in the input.</summary>
    internal static void InputGradient<T>(ConvolutionInputGradient op, in KernelCall call)
        where T : unmanaged, INumber<T>
    {
        using Arguments arguments = new(call);
        CpuTensor g = arguments.Dense(0), weight = arguments.Dense(1), dx = arguments.Output(0);
        ConvolutionPlan plan = new(op.Window, op.Groups, dx.Spec.Shape, weight.Spec.Shape, g.Spec.Shape, sizeof(T));
        fixed (T* first = &g.First<T>(), second = &weight.First<T>(), target = &dx.First<T>())
        {
            if (!plan.Sliding.CanTurn || plan.IsPlain || (plan.Channels < FewChannels && !plan.IsDirect))
            {
                Run<T>(plan, new InputGradientWork<T>(plan, first, second, target));
                return;
            }

            // Gathering writes each element once, where spreading adds to it again and again.
            CpuBlock turned = CpuBlock.Rent(Math.Max(1, weight.Spec.Bytes));
            Turn(plan, second, (T*)turned.Address);
            plan = plan.Turned();
            Run<T>(plan, new ForwardWork<T>(plan, first, (T*)turned.Address, null, target));
            turned.Release();
        }
    }

    /// <summary>Weights (group, filter, channel, tap) as (group, channel, filter, tap from the last to the first).</summary>
    private static void Turn<T>(in ConvolutionPlan plan, T* weight, T* turned)
        where T : unmanaged
    {
        int taps = plan.Sliding.Taps;
        for (int group = 0; group < plan.Groups; group++)
        {
            for (int channel = 0; channel < plan.Channels; channel++)
            {
                for (int filter = 0; filter < plan.Filters; filter++)
                {
                    T* from = weight + (((((nint)group * plan.Filters) + filter) * plan.Channels) + channel) * taps;
                    for (int tap = taps - 1; tap >= 0; tap--)
                    {
                        *turned++ = from[tap];
                    }
                }
            }
        }
    }

    /// <summary>The gradient in the weight.</summary>
    internal static void WeightGradient<T>(ConvolutionWeightGradient op, in KernelCall call)
        where T : unmanaged, INumber<T>
    {
        using Arguments arguments = new(call);
        CpuTensor x = arguments.Dense(0), g = arguments.Dense(1), dw = arguments.Output(0);
        ConvolutionPlan plan = new(op.Window, op.Groups, x.Spec.Shape, dw.Spec.Shape, g.Spec.Shape, sizeof(T));
        int count = dw.Count, slices = plan.Slices;
        CpuBlock sums = CpuBlock.Rent(Math.Max(1, (long)count * slices) * sizeof(T));
        fixed (T* first = &x.First<T>(), second = &g.First<T>(), target = &dw.First<T>())
        {
            T* sum = (T*)sums.Address;
            Workers.Run(slices, new WeightGradientWork<T>(plan, first, second, sum));
            for (int slice = 1; slice < slices; slice++)
            {
                Vectors.Add(sum, sum + ((nint)slice * count), count);
            }

            if (plan.IsDirect)
            {
                Vectors.Copy(sum, target, count);
            }
            else
            {
                Transpose(sum, plan.Groups, plan.Depth, plan.Filters, target);
            }
        }

        sums.Release();
    }

    /// <summary>Matrices of some rows and columns, transposed.</summary>
    [MethodImpl(Hot.Loop)]
    private static void Transpose<T>(T* source, int matrices, int rows, int columns, T* target)
        where T : unmanaged
    {
        for (int matrix = 0; matrix < matrices; matrix++, source += (nint)rows * columns)
        {
            for (int column = 0; column < columns; column++)
            {
                for (int row = 0; row < rows; row++)
                {
                    *target++ = source[((nint)row * columns) + column];
                }
            }
        }
    }

    private static void Run<T>(in ConvolutionPlan plan, in ForwardWork<T> work)
        where T : unmanaged, INumber<T> =>
        Workers.Run((plan.Batch + plan.ChunkImages - 1) / plan.ChunkImages, work);

    private static void Run<T>(in ConvolutionPlan plan, in InputGradientWork<T> work)
        where T : unmanaged, INumber<T> =>
        Workers.Run((plan.Batch + plan.ChunkImages - 1) / plan.ChunkImages, work);

    /// <summary>Elements up to a whole number of cache lines.</summary>
    private static long Aligned(long elements) => (elements + 63) / 64 * 64;

    private readonly struct ForwardWork<T>(ConvolutionPlan plan, T* x, T* weight, T* bias, T* y) : IWork
        where T : unmanaged, INumber<T>
    {
        [MethodImpl(Hot.Loop)]
        public void Run(int chunk)
        {
            int end = Math.Min(plan.Batch, (chunk + 1) * plan.ChunkImages);
            CpuBlock block = CpuBlock.Rent((Aligned(plan.PaddedSize) + plan.ColumnsSize) * sizeof(T));
            T* padded = (T*)block.Address, columns = padded + Aligned(plan.PaddedSize);
            new Span<T>(padded, (int)plan.PaddedSize).Clear();
            for (int image = chunk * plan.ChunkImages; image < end; image++)
            {
                for (int group = 0; group < plan.Groups; group++)
                {
                    T* source = x + (image * plan.Image) + ((nint)group * plan.Channels * plan.Sliding.Plane);
                    T* target = y + (image * plan.OutImage) + ((nint)group * plan.Filters * plan.Sliding.OutPlane);
                    T* addend = bias == null ? null : bias + (group * plan.Filters);
                    Group(source, weight + ((nint)group * plan.Filters * plan.Depth), addend, target, padded, columns);
                }
            }

            block.Release();
        }

        [MethodImpl(Hot.Loop)]
        private void Group(T* source, T* filters, T* addend, T* target, T* padded, T* columns)
        {
            int plane = plan.Sliding.OutPlane;
            if (!plan.IsPlain)
            {
                plan.Sliding.Pad(source, plan.Channels, padded);
            }

            if (plan.IsDirect)
            {
                for (int filter = 0; filter < plan.Filters; filter++)
                {
                    T start = addend == null ? T.Zero : addend[filter];
                    T* to = target + ((nint)filter * plane);
                    DirectConvolution.Forward(plan.Sliding, padded, filters + (filter * plan.Depth), start, to);
                }

                return;
            }

            for (int filter = 0; addend != null && filter < plan.Filters; filter++)
            {
                new Span<T>(target + ((nint)filter * plane), plane).Fill(addend[filter]);
            }

            for (int row = 0; row < plan.Sliding.OutHeight; row += plan.BlockRows)
            {
                int rows = Math.Min(plan.BlockRows, plan.Sliding.OutHeight - row), width = rows * plan.Sliding.OutWidth;
                if (!plan.IsPlain)
                {
                    plan.Sliding.Unfold(padded, plan.Channels, row, rows, columns);
                }

                Gemm.Multiply(
                    plan.Filters, width, plan.Depth, filters, plan.Depth, 1, plan.IsPlain ? source : columns, width, 1,
                    target + ((nint)row * plan.Sliding.OutWidth), plane, accumulate: addend != null);
            }
        }
    }

    private readonly struct InputGradientWork<T>(ConvolutionPlan plan, T* g, T* weight, T* dx) : IWork
        where T : unmanaged, INumber<T>
    {
        [MethodImpl(Hot.Loop)]
        public void Run(int chunk)
        {
            int end = Math.Min(plan.Batch, (chunk + 1) * plan.ChunkImages);
            CpuBlock block = CpuBlock.Rent((Aligned(plan.PaddedSize) + plan.ColumnsSize) * sizeof(T));
            T* padded = (T*)block.Address, columns = padded + Aligned(plan.PaddedSize);
            for (int image = chunk * plan.ChunkImages; image < end; image++)
            {
                for (int group = 0; group < plan.Groups; group++)
                {
                    T* source = g + (image * plan.OutImage) + ((nint)group * plan.Filters * plan.Sliding.OutPlane);
                    T* target = dx + (image * plan.Image) + ((nint)group * plan.Channels * plan.Sliding.Plane);
                    new Span<T>(padded, (int)plan.PaddedSize).Clear();
                    Group(source, weight + ((nint)group * plan.Filters * plan.Depth), target, padded, columns);
                }
            }

            block.Release();
        }

        [MethodImpl(Hot.Loop)]
        private void Group(T* source, T* filters, T* target, T* padded, T* columns)
        {
            int plane = plan.Sliding.OutPlane;
            for (int filter = 0; plan.IsDirect && filter < plan.Filters; filter++)
            {
                DirectConvolution.InputGradient(plan.Sliding, source + ((nint)filter * plane), filters + (filter * plan.Depth), padded);
            }

            for (int row = 0; !plan.IsDirect && row < plan.Sliding.OutHeight; row += plan.BlockRows)
            {
                int rows = Math.Min(plan.BlockRows, plan.Sliding.OutHeight - row), width = rows * plan.Sliding.OutWidth;
                Gemm.Multiply(
                    plan.Depth, width, plan.Filters, filters, 1, plan.Depth, source + ((nint)row * plan.Sliding.OutWidth), plane, 1,
                    plan.IsPlain ? target : columns, width);
                if (!plan.IsPlain)
                {
                    plan.Sliding.Fold(columns, plan.Channels, row, rows, padded);
                }
            }

            if (!plan.IsPlain)
            {
                plan.Sliding.Unpad(padded, plan.Channels, target);
            }
        }
    }

    /// <summary>A slice of the batch, whose sums lie apart from the others'.</summary>
    private readonly struct WeightGradientWork<T>(ConvolutionPlan plan, T* x, T* g, T* sums) : IWork
        where T : unmanaged, INumber<T>
    {
        [MethodImpl(Hot.Loop)]
        public void Run(int slice)
        {
            int count = plan.Groups * plan.Filters * plan.Depth, slices = plan.Slices;
            T* sum = sums + ((nint)slice * count);
            new Span<T>(sum, count).Clear();
            CpuBlock block = CpuBlock.Rent((Aligned(plan.PaddedSize) + plan.ColumnsSize) * sizeof(T));
            T* padded = (T*)block.Address, columns = padded + Aligned(plan.PaddedSize);
            new Span<T>(padded, (int)plan.PaddedSize).Clear();
            int end = (int)((slice + 1L) * plan.Batch / slices);
            for (int image = (int)((long)slice * plan.Batch / slices); image < end; image++)
            {
                for (int group = 0; group < plan.Groups; group++)
                {
                    T* source = x + (image * plan.Image) + ((nint)group * plan.Channels * plan.Sliding.Plane);
                    T* incoming = g + (image * plan.OutImage) + ((nint)group * plan.Filters * plan.Sliding.OutPlane);
                    Group(source, incoming, sum + ((nint)group * plan.Filters * plan.Depth), padded, columns);
                }
            }

            block.Release();
        }

        [MethodImpl(Hot.Loop)]
        private void Group(T* source, T* incoming, T* sum, T* padded, T* columns)
        {
            int plane = plan.Sliding.OutPlane;
            if (!plan.IsPlain)
            {
                plan.Sliding.Pad(source, plan.Channels, padded);
            }

            for (int filter = 0; plan.IsDirect && filter < plan.Filters; filter++)
            {
                Vectors.Copy(incoming + ((nint)filter * plane), columns, plane);
                DirectConvolution.WeightGradient(plan.Sliding, padded, columns, sum + (filter * plan.Depth));
            }

            for (int row = 0; !plan.IsDirect && row < plan.Sliding.OutHeight; row += plan.BlockRows)
            {
                int rows = Math.Min(plan.BlockRows, plan.Sliding.OutHeight - row), width = rows * plan.Sliding.OutWidth;
                if (!plan.IsPlain)
                {
                    plan.Sliding.Unfold(padded, plan.Channels, row, rows, columns);
                }

                // Transposed, so that what is packed anew each time is the gradient, the smaller operand.
                Gemm.Multiply(
                    plan.Depth, plan.Filters, width, plan.IsPlain ? source : columns, width, 1,
                    incoming + ((nint)row * plan.Sliding.OutWidth), 1, plane, sum, plan.Filters, accumulate: true);
            }
        }
    }
}
