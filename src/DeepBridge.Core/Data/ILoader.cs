namespace DeepBridge.Data;

/// <summary>
/// Gives the batches of one epoch after another: each enumeration, with <c>foreach</c> or <c>await foreach</c>, is an
/// epoch. Where it stands can be saved and restored.
/// </summary>
/// <remarks>
/// It has <see cref="GetAsyncEnumerator"/>, which <c>await foreach</c> asks for, but is not an
/// <see cref="IAsyncEnumerable{T}"/>: with both interfaces, each LINQ call on it would be ambiguous. Code that wants the interface gets
/// it from <see cref="LoaderExtensions.AsAsyncEnumerable"/>.
/// </remarks>
/// <typeparam name="T">A batch.</typeparam>
public interface ILoader<out T> : IEnumerable<T>
{
    /// <summary>Batches of an epoch.</summary>
    int Count { get; }

    /// <summary>
    /// Where the iteration that moved last stands: behind the batch that it handed out last, or, once it came to its
    /// end, at the start of the next epoch. Batches that were only prepared do not count.
    /// </summary>
    LoaderCursor Cursor { get; }

    /// <summary>
    /// Lets the next iteration start at a cursor: it gives exactly the batches of that epoch that are left (none, where
    /// all had been handed out), and the iterations after it give the epochs that follow. Iterations under way go on.
    /// </summary>
    /// <param name="cursor">What <see cref="Cursor"/> was, in this process or another, of a loader made alike.</param>
    /// <exception cref="ArgumentOutOfRangeException">The cursor lies outside this loader's epochs.</exception>
    void Restore(LoaderCursor cursor);

    /// <summary>Starts an epoch of <c>await foreach</c>.</summary>
    /// <param name="cancellationToken">Ends it between two batches.</param>
    /// <returns>Its batches; each has a scope of its own.</returns>
    IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default);
}
