using System.Numerics;
using System.Runtime.CompilerServices;
using DeepBridge.Backends;
using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <summary>The kernels of cross-entropy and its gradient; labels have been checked.</summary>
internal static unsafe class CrossEntropies
{
    /// <summary>The loss and the logarithms of the probabilities.</summary>
    [MethodImpl(Hot.Loop)]
    internal static void Forward<T>(CrossEntropy op, in KernelCall call)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using Arguments arguments = new(call);
        CpuTensor x = arguments.Dense(0), labels = arguments.Dense(1), loss = arguments.Output(0), logs = arguments.Output(1, 0);
        (int batch, int classes, int inner) = Extents(x.Spec.Shape);
        double total = 0, smoothing = op.LabelSmoothing;
        long kept = 0;
        fixed (T* from = &x.First<T>(), to = &logs.First<T>(), losses = &loss.First<T>())
        {
            Softmaxes.Forward(from, to, x.Spec.Shape, 1, log: true);
            for (int i = 0; i < batch * inner; i++)
            {
                long label = Label(labels, i);
                double value = 0;
                if (label != op.IgnoreIndex)
                {
                    kept++;
                    T* row = to + (i / inner * (nint)classes * inner) + (i % inner);
                    value = -double.CreateTruncating(row[(nint)label * inner]);
                    if (smoothing > 0)
                    {
                        double sum = inner == 1 ? Rows.Sum(row, classes) : StridedSum(row, classes, inner);
                        value = (value * (1 - smoothing)) - (sum * (smoothing / classes));
                    }
                }

                total += value;
                if (op.Reduction == Reduction.None)
                {
                    losses[i] = T.CreateTruncating(value);
                }
            }

            if (op.Reduction != Reduction.None)
            {
                *losses = T.CreateTruncating(op.Reduction == Reduction.Mean ? total / kept : total);
            }
        }
    }

    /// <summary>The gradient of the logits.</summary>
    [MethodImpl(Hot.Loop)]
    internal static void Gradient<T>(CrossEntropyGradient op, in KernelCall call)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using Arguments arguments = new(call);
        CpuTensor g = arguments.Dense(0), logs = arguments.Dense(1), labels = arguments.Dense(2), dx = arguments.Output(0, 1);
        (int batch, int classes, int inner) = Extents(logs.Spec.Shape);
        T share = op.Reduction == Reduction.None ? default : g.First<T>();
        if (op.Reduction == Reduction.Mean)
        {
            share /= T.CreateTruncating(Kept(labels, batch * inner, op.IgnoreIndex));
        }

        T low = T.CreateTruncating(op.LabelSmoothing / Math.Max(1, classes)), high = T.CreateTruncating(1 - op.LabelSmoothing);
        fixed (T* from = &logs.First<T>(), to = &dx.First<T>(), incoming = &g.First<T>())
        {
            Vector<T> floor = new(low);
            for (int i = 0; i < dx.Count; i += Vector<T>.Count)
            {
                int left = dx.Count - i;
                Vectors.Store(Vectors.Exp(Vectors.Load(from + i, left)) - floor, to + i, left);
            }

            for (int i = 0; i < batch * inner; i++)
            {
                long label = Label(labels, i);
                T* row = to + (i / inner * (nint)classes * inner) + (i % inner);
                T scale = op.Reduction == Reduction.None ? incoming[i] : share;
                bool ignored = label == op.IgnoreIndex;
                if (!ignored)
                {
                    row[(nint)label * inner] -= high;
                }

                for (int j = 0; j < classes; j++)
                {
                    row[(nint)j * inner] = ignored ? T.Zero : row[(nint)j * inner] * scale;
                }
            }
        }
    }

    private static (int Batch, int Classes, int Inner) Extents(Shape shape)
    {
        int inner = 1;
        foreach (int extent in shape.AsSpan()[2..])
        {
            inner *= extent;
        }

        return (shape[0], shape[1], inner);
    }

    private static long Label(CpuTensor labels, int index) =>
        labels.Spec.DType == DType.Int64 ? labels.Span<long>()[index] : labels.Span<int>()[index];

    private static long Kept(CpuTensor labels, int count, long? ignored)
    {
        long kept = 0;
        for (int i = 0; i < count; i++)
        {
            kept += Label(labels, i) != ignored ? 1 : 0;
        }

        return kept;
    }

    private static double StridedSum<T>(T* row, int count, int stride)
        where T : unmanaged, INumber<T>
    {
        double sum = 0;
        for (int i = 0; i < count; i++)
        {
            sum += double.CreateTruncating(row[(nint)i * stride]);
        }

        return sum;
    }
}
