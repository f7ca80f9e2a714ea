using DeepBridge.Memory;

namespace DeepBridge;

/// <summary>
/// Releases at its end, on the thread that ends it, every tensor that was created inside and not kept. Scopes nest
/// and follow <c>await</c>; ending one ends those inside it; ending twice does nothing.
/// </summary>
/// <remarks>
/// Module calls, the loaders' enumerators and <see cref="Steps"/> open scopes by themselves; user code needs one only
/// inside a long loop of its own. A scope may be used from several threads at once.
/// </remarks>
public sealed class TensorScope : IDisposable
{
    private readonly TensorScope? _parent;
    private readonly string? _name;
    private Tensor? _first;
    private TensorScope? _firstChild;
    private TensorScope? _previous;
    private TensorScope? _next;
    private int _gate;
    private volatile bool _ended;

    /// <summary>Opens a scope inside the current one and makes it current.</summary>
    /// <param name="name">A name for error messages.</param>
    public TensorScope(string? name = null)
        : this(NearestLive(Ambient.Now.Scope), name)
    {
        Ambient.Enter(Ambient.Now with { Scope = this });
    }

    private TensorScope(TensorScope? parent, string? name)
    {
        _parent = parent;
        _name = name;
        parent?.Adopt(this);
    }

    /// <summary>The scope that owns what is created now, or null.</summary>
    public static TensorScope? Current => NearestLive(Ambient.Now.Scope);

    /// <summary>The name for error messages.</summary>
    public string Name => _name ?? Ambient.Now.Frame?.Path ?? "unnamed";

    /// <summary>Whether the scope has ended.</summary>
    public bool HasEnded => _ended;

    /// <summary>
    /// Numbers 0 to <paramref name="count"/> − 1, with one scope an iteration: a hand-written training loop needs no
    /// <c>using</c>.
    /// </summary>
    /// <param name="count">How many.</param>
    /// <returns>The numbers.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is negative.</exception>
    public static IEnumerable<int> Steps(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        return new ScopedSteps(count);
    }

    /// <summary>Runs a function in a scope of its own and keeps the tensor that it returns.</summary>
    /// <param name="function">The function.</param>
    /// <param name="name">A name for error messages.</param>
    /// <returns>Its result, which belongs to the enclosing scope.</returns>
    public static Tensor Run(Func<Tensor> function, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        using TensorScope scope = new(name);
        Tensor result = function();
        return scope.HandOn(result);
    }

    /// <summary>Runs an action in a scope of its own.</summary>
    /// <param name="action">The action.</param>
    /// <param name="name">A name for error messages.</param>
    public static void Run(Action action, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(action);
        using TensorScope scope = new(name);
        action();
    }

    /// <summary>
    /// Moves a tensor, with its history, to the enclosing scope (to nobody where there is none). A tensor that this
    /// scope does not own stays where it is.
    /// </summary>
    /// <param name="tensor">The tensor.</param>
    /// <returns>The tensor.</returns>
    public Tensor Keep(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        tensor.IsKept = true;
        return HandOn(tensor);
    }

    /// <summary>Releases what the scope owns, ends the scopes inside it, and returns to the enclosing scope.</summary>
    public void Dispose()
    {
        End();
        Ambient now = Ambient.Now;
        if (now.Scope is { _ended: true })
        {
            Ambient.Return(now);
        }
    }

    /// <summary>The scope itself, or the nearest one around it that has not ended.</summary>
    /// <param name="scope">The scope, or null.</param>
    /// <returns>A scope that lives, or null.</returns>
    internal static TensorScope? NearestLive(TensorScope? scope)
    {
        while (scope is { _ended: true })
        {
            scope = scope._parent;
        }

        return scope;
    }

    /// <summary>Whether this scope is another one or lies within it.</summary>
    /// <param name="outer">The other.</param>
    /// <returns>True where it is.</returns>
    internal bool IsInside(TensorScope outer)
    {
        TensorScope? scope = this;
        while (scope is not null && !ReferenceEquals(scope, outer))
        {
            scope = scope._parent;
        }

        return scope is not null;
    }

    /// <summary>A scope that is not made current: the backward pass owns its temporaries with one.</summary>
    /// <param name="name">A name for error messages.</param>
    /// <returns>The scope.</returns>
    internal static TensorScope Detached(string name) => new(NearestLive(Ambient.Now.Scope), name);

    /// <summary>Makes this scope the owner of a tensor that has none.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <returns>The tensor.</returns>
    internal Tensor Own(Tensor tensor)
    {
        Enter();
        if (_ended)
        {
            Exit();
            NearestLive(_parent)?.Own(tensor);
            return tensor;
        }

        tensor.Scope = this;
        tensor.NextInScope = _first;
        if (_first is not null)
        {
            _first.PreviousInScope = tensor;
        }

        _first = tensor;
        Exit();
        return tensor;
    }

    /// <summary>Takes a tensor out of this scope; afterwards it belongs to nobody.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <returns>False where this scope does not own it.</returns>
    internal bool TryRemove(Tensor tensor)
    {
        Enter();
        bool mine = ReferenceEquals(tensor.Scope, this) && !_ended && !tensor.IsReleased;
        if (mine)
        {
            if (tensor.PreviousInScope is null)
            {
                _first = tensor.NextInScope;
            }
            else
            {
                tensor.PreviousInScope.NextInScope = tensor.NextInScope;
            }

            if (tensor.NextInScope is not null)
            {
                tensor.NextInScope.PreviousInScope = tensor.PreviousInScope;
            }

            tensor.Scope = null;
            tensor.PreviousInScope = tensor.NextInScope = null;
        }

        Exit();
        return mine;
    }

    /// <summary>Moves a tensor to the enclosing scope, as a call does with its result.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <returns>The tensor.</returns>
    internal Tensor HandOn(Tensor tensor)
    {
        if (TryRemove(tensor) && NearestLive(_parent) is { } parent)
        {
            parent.Own(tensor);
        }

        return tensor;
    }

    /// <summary>Moves all that the scope owns to another scope; the scope goes on.</summary>
    /// <param name="heir">The other scope; null: nobody owns it.</param>
    internal void HandOver(TensorScope? heir)
    {
        Enter();
        Tensor? tensor = _first;
        _first = null;
        for (Tensor? each = tensor; each is not null; each = each.NextInScope)
        {
            each.Scope = null;
        }

        Exit();
        while (tensor is not null)
        {
            Tensor? next = tensor.NextInScope;
            tensor.PreviousInScope = tensor.NextInScope = null;
            heir?.Own(tensor);
            tensor = next;
        }
    }

    /// <summary>Releases one tensor, if this scope owns it and nobody asked to keep it.</summary>
    /// <param name="tensor">The tensor.</param>
    internal void Drop(Tensor tensor)
    {
        if (!tensor.IsKept && TryRemove(tensor))
        {
            tensor.Scope = this;
            tensor.ReleaseByScope();
        }
    }

    /// <summary>Releases what the scope owns at this moment; the scope goes on.</summary>
    internal void Clear()
    {
        Enter();
        Tensor? tensor = _first;
        _first = null;
        Exit();
        while (tensor is not null)
        {
            Tensor? next = tensor.NextInScope;
            tensor.PreviousInScope = tensor.NextInScope = null;
            tensor.ReleaseByScope();
            tensor = next;
        }
    }

    /// <summary>Releases what the scope owns and ends the scopes inside it; the ambient state stays.</summary>
    internal void End()
    {
        if (_ended)
        {
            return;
        }

        _parent?.Disown(this);
        Stack<TensorScope>? pending = null;
        TensorScope? scope = this;
        while (scope is not null)
        {
            scope.Enter();
            scope._ended = true;
            TensorScope? child = scope._firstChild;
            scope._firstChild = null;
            scope.Exit();
            for (; child is not null; child = child._next)
            {
                (pending ??= new()).Push(child);
            }

            scope.Clear();
            scope = pending is { Count: > 0 } ? pending.Pop() : null;
        }
    }

    private void Adopt(TensorScope child)
    {
        Enter();
        if (!_ended)
        {
            child._next = _firstChild;
            if (_firstChild is not null)
            {
                _firstChild._previous = child;
            }

            _firstChild = child;
        }

        Exit();
    }

    private void Disown(TensorScope child)
    {
        Enter();
        if (!_ended)
        {
            if (child._previous is null)
            {
                _firstChild = child._next;
            }
            else
            {
                child._previous._next = child._next;
            }

            if (child._next is not null)
            {
                child._next._previous = child._previous;
            }

            child._previous = child._next = null;
        }

        Exit();
    }

    private void Enter()
    {
        if (Interlocked.Exchange(ref _gate, 1) != 0)
        {
            SpinWait spin = default;
            while (Interlocked.Exchange(ref _gate, 1) != 0)
            {
                spin.SpinOnce();
            }
        }
    }

    private void Exit() => Volatile.Write(ref _gate, 0);
}
