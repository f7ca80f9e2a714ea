using System.Collections;

namespace DeepBridge;

/// <summary>
/// An enumerator that gives each iteration a scope of its own: <see cref="MoveNext"/> ends the last iteration's scope
/// and opens the next, and <see cref="Dispose"/> ends the last and restores the ambient state. It is written by hand,
/// since an asynchronous C# iterator would undo its ambient changes on the way out. Loaders derive from it.
/// </summary>
/// <remarks>
/// The iteration's scope owns what the body of the loop makes. What leaves the loop (the result of <c>First</c>,
/// <c>ToList</c>) has been released, unless it was kept. An asynchronous iterator in between (LINQ over
/// <see cref="IAsyncEnumerable{T}"/>) hides the scope from the body: it still owns the element, not what the body makes.
/// </remarks>
/// <typeparam name="T">What is enumerated.</typeparam>
public abstract class ScopedEnumerator<T> : IEnumerator<T>, IAsyncEnumerator<T>
{
    private readonly string _name;
    private TensorScope? _scope;
    private T? _current;
    private bool _isDone;

    /// <summary>Makes an enumerator.</summary>
    /// <param name="name">What the scopes are called in error messages.</param>
    protected ScopedEnumerator(string name) => _name = name;

    /// <inheritdoc/>
    public T Current => _current!;

    /// <inheritdoc/>
    object? IEnumerator.Current => _current;

    /// <inheritdoc/>
    public bool MoveNext()
    {
        if (NextScope() && TryNext(out T? next))
        {
            _current = next;
            return true;
        }

        Dispose();
        return false;
    }

    /// <summary>
    /// Ends the last scope and opens the next one before the first await, so that both changes reach the caller; then
    /// waits for the next element.
    /// </summary>
    /// <returns>Whether there is one.</returns>
    public ValueTask<bool> MoveNextAsync()
    {
        if (!NextScope())
        {
            return new ValueTask<bool>(false);
        }

        ValueTask<(bool, T?)> next = NextAsync();
        return next.IsCompletedSuccessfully ? new ValueTask<bool>(Accept(next.Result)) : Wait(next);

        async ValueTask<bool> Wait(ValueTask<(bool, T?)> pending) => Accept(await pending.ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The scope is disposed again after an asynchronous end, whose ambient change did not reach the caller.
        _isDone = true;
        _scope?.Dispose();
        _current = default;
        Finish();
        GC.SuppressFinalize(this);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return default;
    }

    /// <inheritdoc/>
    public void Reset() => throw new NotSupportedException("Ask for a new enumerator.");

    /// <summary>Makes the next element, inside the scope of its iteration.</summary>
    /// <param name="next">The element.</param>
    /// <returns>False at the end.</returns>
    protected abstract bool TryNext(out T? next);

    /// <summary>Makes the next element, possibly later; by default at once.</summary>
    /// <returns>Whether there is one, and the element.</returns>
    protected virtual ValueTask<(bool Found, T? Next)> NextAsync() => new((TryNext(out T? next), next));

    /// <summary>Gives up what the enumerator holds; called at the end and by <see cref="Dispose"/>, possibly twice.</summary>
    protected virtual void Finish()
    {
    }

    private bool NextScope()
    {
        _scope?.Dispose();
        if (!_isDone)
        {
            _scope = new TensorScope(_name);
        }

        return !_isDone;
    }

    private bool Accept((bool Found, T? Next) result)
    {
        if (result.Found)
        {
            _current = result.Next;
        }
        else
        {
            Dispose();
        }

        return result.Found;
    }
}

/// <summary>The numbers of <see cref="TensorScope.Steps"/>.</summary>
/// <param name="count">How many.</param>
internal sealed class ScopedSteps(int count) : IEnumerable<int>
{
    public IEnumerator<int> GetEnumerator() => new Enumerator(count);

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private sealed class Enumerator(int count) : ScopedEnumerator<int>("step")
    {
        private int _next;

        protected override bool TryNext(out int next)
        {
            next = _next++;
            return next < count;
        }
    }
}
