using System.Buffers;

namespace DeepBridge.Data;

/// <summary>
/// Makes a batch of samples, in two parts: this packs plain memory, on a worker; what it returns makes the tensors, on
/// the thread and in the scope of the iteration, and is called once.
/// </summary>
/// <typeparam name="TSample">A sample.</typeparam>
/// <typeparam name="TBatch">A batch.</typeparam>
/// <param name="samples">The samples of one batch, at least one.</param>
/// <returns>What makes the batch on a device.</returns>
public delegate Func<Device, TBatch> Collate<in TSample, out TBatch>(IReadOnlyList<TSample> samples);

/// <summary>How the usual samples become batches: along a new axis 0.</summary>
public static class Collation
{
    /// <summary>Stacks arrays of one shape.</summary>
    /// <typeparam name="T">The element type; it decides the dtype.</typeparam>
    /// <param name="samples">The arrays.</param>
    /// <returns>A tensor of shape (N, the arrays' shape…).</returns>
    /// <exception cref="ShapeMismatchException">The shapes differ.</exception>
    public static Func<Device, Tensor> Arrays<T>(IReadOnlyList<HostArray<T>> samples)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(samples);
        Shape shape = samples[0].Shape;
        int size = (int)shape.Count;
        T[] packed = ArrayPool<T>.Shared.Rent(checked(size * samples.Count));
        for (int i = 0; i < samples.Count; i++)
        {
            if (samples[i].Shape != shape)
            {
                throw new ShapeMismatchException(
                    nameof(Collation), $"the samples of a batch must have one shape; sample {i} has {samples[i].Shape}, the first {shape}.", [samples[i].Shape, shape]);
            }

            samples[i].Span.CopyTo(packed.AsSpan(i * size, size));
        }

        return Unpack(packed, Shape.Create([samples.Count, .. shape.AsSpan()]));
    }

    /// <summary>Puts numbers (labels, targets) into a row.</summary>
    /// <typeparam name="T">The type; it decides the dtype.</typeparam>
    /// <param name="samples">The numbers.</param>
    /// <returns>A tensor of shape (N).</returns>
    public static Func<Device, Tensor> Numbers<T>(IReadOnlyList<T> samples)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(samples);
        T[] packed = ArrayPool<T>.Shared.Rent(samples.Count);
        for (int i = 0; i < samples.Count; i++)
        {
            packed[i] = samples[i];
        }

        return Unpack(packed, [samples.Count]);
    }

    /// <summary>Collates the parts of pairs, each in its way.</summary>
    /// <typeparam name="TInput">The first part of a sample.</typeparam>
    /// <typeparam name="TLabel">The second.</typeparam>
    /// <param name="inputs">How the first parts become a tensor.</param>
    /// <param name="labels">How the second parts do.</param>
    /// <returns>How pairs become a pair of tensors.</returns>
    public static Collate<(TInput Input, TLabel Label), (Tensor Inputs, Tensor Labels)> Pairs<TInput, TLabel>(
        Collate<TInput, Tensor> inputs, Collate<TLabel, Tensor> labels)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(labels);
        return samples =>
        {
            TInput[] first = new TInput[samples.Count];
            TLabel[] second = new TLabel[samples.Count];
            for (int i = 0; i < first.Length; i++)
            {
                (first[i], second[i]) = samples[i];
            }

            Func<Device, Tensor> makeInputs = inputs(first), makeLabels = labels(second);
            return device => (makeInputs(device), makeLabels(device));
        };
    }

    private static Func<Device, Tensor> Unpack<T>(T[] packed, Shape shape)
        where T : unmanaged => device =>
    {
        Tensor tensor = Tensor.From(packed.AsSpan(0, (int)shape.Count), shape, device);
        ArrayPool<T>.Shared.Return(packed);
        return tensor;
    };
}
