using DeepBridge.Backends;

namespace DeepBridge.Ops;

/// <summary>The type of an op as a dense number, so that a backend finds its kernel by indexing.</summary>
public class OpKind
{
    private static int s_count;

    private protected OpKind(Type type)
    {
        Id = Interlocked.Increment(ref s_count) - 1;
        Type = type;
        Name = type.Name;
        IsBounded = typeof(IBoundedOp).IsAssignableFrom(type);
    }

    /// <summary>The number, dense from 0 in order of first use.</summary>
    public int Id { get; }

    /// <summary>The record's type.</summary>
    public Type Type { get; }

    /// <summary>The record's name.</summary>
    public string Name { get; }

    /// <summary>Whether the op is an <see cref="IBoundedOp"/>.</summary>
    internal bool IsBounded { get; }
}

/// <summary>The kind of one op type.</summary>
/// <typeparam name="TOp">The op.</typeparam>
public sealed class OpKind<TOp> : OpKind
    where TOp : Op<TOp>
{
    private OpKind()
        : base(typeof(TOp))
    {
    }

    /// <summary>The one object.</summary>
    public static OpKind<TOp> Instance { get; } = new();
}
