namespace DeepBridge.Data;

/// <summary>How a <see cref="DataLoader{TSample,TBatch}"/> works. Order and content depend on the first four alone.</summary>
public sealed record DataLoaderOptions
{
    /// <summary>Samples of a batch.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Whether each epoch has a fresh order.</summary>
    public bool Shuffle { get; init; }

    /// <summary>Whether a last batch that is not full is left out.</summary>
    public bool DropLast { get; init; }

    /// <summary>What orders and transforms are drawn from; null: drawn from the current generator when the loader is made.</summary>
    public long? Seed { get; init; }

    /// <summary>How many workers make batches ahead of time; 0: the loop makes each when it asks for it.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>How many batches each worker may be ahead.</summary>
    public int Prefetch { get; init; } = 2;

    /// <summary>Where batches go; null: the default device of the flow that enumerates.</summary>
    public Device? Device { get; init; }
}
