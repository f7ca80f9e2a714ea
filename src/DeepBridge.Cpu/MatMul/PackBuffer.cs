using System.Runtime.InteropServices;

namespace DeepBridge.Cpu;

/// <summary>
/// The memory into which a thread packs panels of A and B: aligned to cache lines, kept for the thread's next
/// multiplication, freed when the thread is gone.
/// </summary>
internal sealed unsafe class PackBuffer
{
    /// <summary>Bytes of a cache line, to which the memory is aligned.</summary>
    private const int Alignment = 64;

    [ThreadStatic]
    private static PackBuffer? t_spare;

    private void* _memory;
    private nuint _size;

    private PackBuffer()
    {
    }

    /// <summary>Frees the memory of a thread that has ended.</summary>
    ~PackBuffer() => NativeMemory.AlignedFree(_memory);

    /// <summary>Takes this thread's buffer, or a new one while it is taken.</summary>
    /// <param name="bytes">Bytes needed.</param>
    public static PackBuffer Rent(nuint bytes)
    {
        PackBuffer buffer = t_spare ?? new PackBuffer();
        t_spare = null;
        if (buffer._size < bytes)
        {
            NativeMemory.AlignedFree(buffer._memory);
            buffer._memory = null;
            buffer._size = 0;
            buffer._memory = NativeMemory.AlignedAlloc(bytes, Alignment);
            buffer._size = bytes;
        }

        return buffer;
    }

    /// <summary>The memory, valid until <see cref="Return"/>.</summary>
    public void* Memory => _memory;

    /// <summary>Gives the buffer back for this thread's next <see cref="Rent"/>.</summary>
    public void Return() => t_spare = this;
}
