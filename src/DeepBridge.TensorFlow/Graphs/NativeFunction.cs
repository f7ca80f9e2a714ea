using System.Runtime.InteropServices;
using DeepBridge.TensorFlow.Eager;
using Graph = DeepBridge.Graphs.Graph;

namespace DeepBridge.TensorFlow.Graphs;

/// <summary>A function that TensorFlow's context knows by its name, until this is disposed.</summary>
internal sealed unsafe class NativeFunction : IDisposable
{
    private static int s_count;

    private readonly EagerContext _context;
    private readonly string _name;
    private readonly string? _wrapper;
    private bool _disposed;

    /// <summary>Builds it.</summary>
    /// <param name="backend">The backend.</param>
    /// <param name="lowered">The lowered graph.</param>
    /// <param name="counts">Its counts.</param>
    /// <param name="ignores">Whether labels among the arguments may be such as are ignored.</param>
    /// <param name="wrapper">What TensorFlow wraps its calls in (<see cref="EagerContext.WrapperOf"/>), or null.</param>
    /// <exception cref="EngineException">TensorFlow refuses it.</exception>
    internal NativeFunction(TensorFlowBackend backend, Graph lowered, StepCounts counts, bool ignores, string? wrapper)
    {
        (_context, _wrapper) = (backend.Context, wrapper);
        _name = $"deepbridge_{Interlocked.Increment(ref s_count)}";
        Name = (byte*)Marshal.StringToCoTaskMemUTF8(_name);
        FunctionBuilder.Build(backend, lowered, counts, _name, ignores);
    }

    ~NativeFunction() => Remove();

    /// <summary>The name, which ends with 0.</summary>
    internal byte* Name { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Remove();
        GC.SuppressFinalize(this);
    }

    private void Remove()
    {
        if (!_disposed)
        {
            _disposed = true;
            _context.Remove(_name, _wrapper);
            Marshal.FreeCoTaskMem((nint)Name);
        }
    }
}
