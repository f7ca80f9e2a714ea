using System.Collections;

namespace DeepBridge.Data;

/// <summary>What the library's loaders have in common: epochs, one enumeration each, and the cursor.</summary>
/// <typeparam name="T">A batch.</typeparam>
public abstract class Loader<T> : ILoader<T>
{
    private readonly Lock _lock = new();
    private LoaderCursor _cursor;
    private LoaderCursor _next;

    private protected Loader(long seed) => _cursor = _next = new LoaderCursor(seed, 0, 0);

    /// <inheritdoc/>
    public abstract int Count { get; }

    /// <inheritdoc/>
    public LoaderCursor Cursor
    {
        get
        {
            lock (_lock)
            {
                return _cursor;
            }
        }
    }

    /// <inheritdoc/>
    public void Restore(LoaderCursor cursor)
    {
        ArgumentNullException.ThrowIfNull(cursor);
        ArgumentOutOfRangeException.ThrowIfNegative(cursor.Epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(cursor.Position);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(cursor.Position, Count);
        lock (_lock)
        {
            _cursor = _next = cursor;
        }
    }

    /// <summary>Starts an epoch.</summary>
    /// <returns>Its batches; each has a scope of its own.</returns>
    public IEnumerator<T> GetEnumerator() => Start(default);

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default) => Start(cancellationToken);

    /// <summary>Draws a seed of 64 bits.</summary>
    /// <param name="generator">Where it comes from; null: the generator of this flow.</param>
    /// <returns>The seed.</returns>
    private protected static long DrawSeed(RandomGenerator? generator)
    {
        uint[] words = (generator ?? RandomGenerator.Current).Words(2);
        return (long)(words[0] | ((ulong)words[1] << 32));
    }

    /// <summary>Makes the enumerator of an epoch.</summary>
    /// <param name="cancellationToken">Ends it between two batches.</param>
    /// <returns>The enumerator.</returns>
    private protected abstract ScopedEnumerator<T> Start(CancellationToken cancellationToken);

    /// <summary>Takes the next epoch, or what is left of a restored one.</summary>
    /// <returns>Where the iteration starts.</returns>
    private protected LoaderCursor Begin()
    {
        lock (_lock)
        {
            LoaderCursor start = _next;
            _next = After(start);
            return _cursor = start;
        }
    }

    /// <summary>Says where an iteration stands.</summary>
    /// <param name="start">Where it started.</param>
    /// <param name="position">Behind which batch it stands; null: it has come to its end.</param>
    private protected void Report(LoaderCursor start, int? position)
    {
        lock (_lock)
        {
            _cursor = position is { } batch ? start with { Position = batch } : After(start);
        }
    }

    private static LoaderCursor After(LoaderCursor start) => start with { Epoch = start.Epoch + 1, Position = 0 };
}
