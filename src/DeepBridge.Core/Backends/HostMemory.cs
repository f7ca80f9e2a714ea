using System.Buffers;
using System.Runtime.InteropServices;

namespace DeepBridge.Backends;

/// <summary>Pinned memory, of the user or of another backend's data, lent to a backend until this is disposed.</summary>
public sealed unsafe class HostMemory : IDisposable
{
    private readonly Array? _array;
    private readonly int _offset;
    private BackendTensor? _owner;
    private MemoryHandle _handle;

    private HostMemory(MemoryHandle handle, int bytes, Array? array, int offset)
    {
        _handle = handle;
        Bytes = bytes;
        _array = array;
        _offset = offset;
    }

    /// <summary>The address of the first byte.</summary>
    public nint Address => (nint)_handle.Pointer;

    /// <summary>The number of bytes.</summary>
    public int Bytes { get; }

    /// <summary>The bytes.</summary>
    public Span<byte> Span => new(_handle.Pointer, Bytes);

    /// <summary>Pins memory.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="memory">The memory.</param>
    /// <returns>The pinned memory.</returns>
    public static HostMemory Pin<T>(Memory<T> memory)
        where T : unmanaged
    {
        bool isArray = MemoryMarshal.TryGetArray(memory, out ArraySegment<T> segment);
        return new HostMemory(memory.Pin(), MemoryMarshal.AsBytes(memory.Span).Length, isArray ? segment.Array : null, segment.Offset);
    }

    /// <summary>Lends the memory of data, of which this holds a count: so nobody writes into it.</summary>
    /// <param name="owner">Data that lies row-major on the host, of at most 2 GiB.</param>
    /// <param name="address">Its first byte.</param>
    /// <returns>The memory.</returns>
    public static HostMemory Lend(BackendTensor owner, nint address)
    {
        ArgumentNullException.ThrowIfNull(owner);
        return new HostMemory(new MemoryHandle((void*)address), checked((int)owner.Spec.Bytes), null, 0) { _owner = owner.Retain() };
    }

    /// <summary>The array that the memory lies in, for an engine that takes arrays alone.</summary>
    /// <param name="array">The array.</param>
    /// <param name="offset">The first element of the memory.</param>
    /// <returns>False where the memory lies in none.</returns>
    public bool TryGetArray([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Array? array, out int offset)
    {
        array = _array;
        offset = _offset;
        return array is not null;
    }

    /// <summary>Unpins the memory, or gives the owner's count back.</summary>
    public void Dispose()
    {
        _handle.Dispose();
        _handle = default;
        _owner?.Release();
        _owner = null;
    }
}
