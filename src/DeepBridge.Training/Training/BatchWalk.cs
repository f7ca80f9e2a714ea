namespace DeepBridge.Training;

/// <summary>How the tensors of a batch are found and replaced, without reflection.</summary>
/// <typeparam name="TBatch">A batch.</typeparam>
/// <param name="first">The tensor whose axis 0 counts the examples.</param>
/// <param name="map">A batch of the results of a function, applied to each tensor in order.</param>
internal sealed class BatchWalk<TBatch>(Func<TBatch, Tensor> first, Func<TBatch, Func<Tensor, Tensor>, TBatch> map)
{
    /// <summary>The walk of tensors, tuples of two or three, and arrays; null for other batches, which only their owner knows.</summary>
    internal static BatchWalk<TBatch>? Known { get; } = (object?)Make() as BatchWalk<TBatch>;

    /// <summary>Examples of a batch.</summary>
    internal long Examples(TBatch batch)
    {
        Tensor tensor = first(batch);
        return tensor.Rank == 0 ? 1 : tensor.Shape[0];
    }

    /// <summary>The batch on a device.</summary>
    internal TBatch To(TBatch batch, Device device) => map(batch, tensor => tensor.To(device));

    /// <summary>A batch of the results of a function.</summary>
    internal TBatch Map(TBatch batch, Func<Tensor, Tensor> function) => map(batch, function);

    /// <summary>The tensors of a batch.</summary>
    internal Tensor[] Tensors(TBatch batch)
    {
        List<Tensor> tensors = [];
        map(batch, tensor =>
        {
            tensors.Add(tensor);
            return tensor;
        });
        return [.. tensors];
    }

    /// <summary>A batch like another, of other tensors.</summary>
    internal TBatch Rebuild(TBatch batch, Tensor[] tensors)
    {
        int next = 0;
        return map(batch, _ => tensors[next++]);
    }

    private static object? Make() =>
        typeof(TBatch) == typeof(Tensor) ? new BatchWalk<Tensor>(batch => batch, (batch, f) => f(batch))
        : typeof(TBatch) == typeof((Tensor, Tensor))
            ? new BatchWalk<(Tensor, Tensor)>(batch => batch.Item1, (batch, f) => (f(batch.Item1), f(batch.Item2)))
        : typeof(TBatch) == typeof((Tensor, Tensor, Tensor))
            ? new BatchWalk<(Tensor, Tensor, Tensor)>(batch => batch.Item1, (batch, f) => (f(batch.Item1), f(batch.Item2), f(batch.Item3)))
        : typeof(TBatch) == typeof(Tensor[]) ? new BatchWalk<Tensor[]>(batch => batch[0], (batch, f) => [.. batch.Select(f)])
        : null;
}
