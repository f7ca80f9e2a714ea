namespace DeepBridge.Backends;

/// <summary>
/// Scalars that eager ops meet again and again (0.5 in <c>x * 0.5</c>), kept as data of a device. First come, first
/// kept: an entry is never replaced, so that readers need no lock and the cache is bounded.
/// </summary>
internal sealed class ConstantCache
{
    private readonly Entry?[] _entries = new Entry?[64];

    /// <summary>The data of a constant, with a count for the caller; null where it is not cached.</summary>
    /// <param name="value">The value.</param>
    /// <param name="dtype">Its dtype.</param>
    /// <returns>The data or null.</returns>
    internal BackendTensor? Find(Scalar value, DType dtype)
    {
        Entry? entry = Volatile.Read(ref _entries[Slot(value, dtype)]);
        return entry is not null && entry.DType == dtype && entry.Value == value ? entry.Data.Retain() : null;
    }

    /// <summary>Keeps a constant if its place is free.</summary>
    /// <param name="value">The value.</param>
    /// <param name="data">Its data; the cache adds a count of its own.</param>
    internal void Offer(Scalar value, BackendTensor data)
    {
        int slot = Slot(value, data.Spec.DType);
        if (_entries[slot] is null)
        {
            data.Retain();
            if (Interlocked.CompareExchange(ref _entries[slot], new Entry(value, data.Spec.DType, data), null) is not null)
            {
                data.Release();
            }
        }
    }

    private static int Slot(Scalar value, DType dtype) => (int)((uint)HashCode.Combine(value, dtype) % 64);

    private sealed record Entry(Scalar Value, DType DType, BackendTensor Data);
}
