using System.Buffers;
using System.Runtime.InteropServices;

namespace DeepBridge.Backends;

/// <summary>Pinned memory of the user, lent to a backend until this is disposed.</summary>
public sealed unsafe class HostMemory : IDisposable
{
    private MemoryHandle _handle;

    private HostMemory(MemoryHandle handle, int bytes)
    {
        _handle = handle;
        Bytes = bytes;
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
        where T : unmanaged => new(memory.Pin(), MemoryMarshal.AsBytes(memory.Span).Length);

    /// <summary>Unpins the memory.</summary>
    public void Dispose()
    {
        _handle.Dispose();
        _handle = default;
    }
}
