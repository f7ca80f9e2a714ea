namespace DeepBridge.Data;

/// <summary>A loader as what other libraries take.</summary>
public static class LoaderExtensions
{
    /// <summary>An epoch an enumeration, for code that wants the interface; <c>await foreach</c> takes the loader itself.</summary>
    /// <typeparam name="T">A batch.</typeparam>
    /// <param name="loader">The loader.</param>
    /// <returns>Its batches; each lives until the next is asked for.</returns>
    public static IAsyncEnumerable<T> AsAsyncEnumerable<T>(this ILoader<T> loader)
    {
        ArgumentNullException.ThrowIfNull(loader);
        return new View<T>(loader);
    }

    private sealed class View<T>(ILoader<T> loader) : IAsyncEnumerable<T>
    {
        public IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default) => loader.GetAsyncEnumerator(cancellationToken);
    }
}
