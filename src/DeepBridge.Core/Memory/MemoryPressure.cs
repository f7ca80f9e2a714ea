namespace DeepBridge.Memory;

/// <summary>
/// Tells the garbage collector of native memory, for backends. A training step takes and releases the same memory over and
/// over: told of each tensor, the collector runs several times a step for nothing. So it is told of a new height alone,
/// generously, and of a lower one only when it has itself found memory that nobody released.
/// </summary>
public static class MemoryPressure
{
    /// <summary>The bytes from which on a tensor is worth reporting.</summary>
    public const long Threshold = 1 << 16;

    private const long Step = 1L << 26;
    private static readonly Lock s_lock = new();
    private static long s_held;
    private static long s_told;

    /// <summary>Counts memory that was taken.</summary>
    /// <param name="bytes">How much.</param>
    public static void Add(long bytes)
    {
        if (Interlocked.Add(ref s_held, bytes) > Volatile.Read(ref s_told))
        {
            Tell();
        }
    }

    /// <summary>Counts memory that its owner released.</summary>
    /// <param name="bytes">How much.</param>
    public static void Remove(long bytes) => Interlocked.Add(ref s_held, -bytes);

    /// <summary>Counts memory that a finalizer released: nobody else had.</summary>
    /// <param name="bytes">How much.</param>
    public static void Reclaim(long bytes)
    {
        Remove(bytes);
        if (Volatile.Read(ref s_told) - Height(Interlocked.Read(ref s_held)) >= Step)
        {
            Tell();
        }
    }

    private static long Height(long held) => held + Math.Max(Step, held / 8);

    private static void Tell()
    {
        lock (s_lock)
        {
            long more = Height(Interlocked.Read(ref s_held)) - s_told;
            Volatile.Write(ref s_told, s_told + more);
            if (more > 0)
            {
                GC.AddMemoryPressure(more);
            }
            else if (more < 0)
            {
                GC.RemoveMemoryPressure(-more);
            }
        }
    }
}
