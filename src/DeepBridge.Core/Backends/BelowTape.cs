using DeepBridge.Memory;
using DeepBridge.Ops;

namespace DeepBridge.Backends;

/// <summary>For the time in which an op is made of others: what they make is neither recorded nor wrapped, and goes at the end.</summary>
internal readonly struct BelowTape : IDisposable
{
    private readonly AmbientChange _change;

    /// <summary>Enters.</summary>
    /// <param name="op">The op.</param>
    /// <param name="device">The device that it runs on.</param>
    internal BelowTape(Op op, Device device)
    {
        Scope = TensorScope.Detached(op.Name);
        _change = Ambient.Enter(
            Ambient.Now with { Scope = Scope, Recording = false, Wrapper = null, Device = device, Precision = Precision.Float32 });
    }

    /// <summary>The scope that owns what is made.</summary>
    internal TensorScope Scope { get; }

    /// <summary>Leaves.</summary>
    public void Dispose()
    {
        _change.Dispose();
        Scope.End();
    }
}
