using System.Numerics;
using System.Runtime.InteropServices;
using DeepBridge.Memory;

namespace DeepBridge.Cpu;

/// <summary>
/// Native memory for a large tensor and its views, aligned to 64 bytes, counted, and pooled by size when the last count
/// goes. The finalizer is a safety net for tensors that nobody released.
/// </summary>
internal sealed unsafe class CpuBlock
{
    private static readonly Pool s_pool = new();
    private readonly long _capacity;
    private void* _memory;
    private int _count;

    private CpuBlock(long capacity)
    {
        _capacity = capacity;
        _memory = NativeMemory.AlignedAlloc((nuint)capacity, 64);
        MemoryPressure.Add(capacity);
    }

    /// <summary>Frees a block that was left to the garbage collector.</summary>
    ~CpuBlock() => Free(MemoryPressure.Reclaim);

    /// <summary>The address.</summary>
    internal byte* Address => (byte*)_memory;

    /// <summary>Whether several tensors lie here.</summary>
    internal bool IsShared => Volatile.Read(ref _count) > 1;

    /// <summary>Takes a block from the pool, or from the system.</summary>
    /// <param name="bytes">How many bytes are needed.</param>
    /// <returns>A block with one count; its content is arbitrary.</returns>
    internal static CpuBlock Rent(long bytes)
    {
        long capacity = Round(bytes);
        CpuBlock block = s_pool.Take(capacity) ?? new CpuBlock(capacity);
        block._count = 1;
        return block;
    }

    /// <summary>Adds a count, unless the block has been given back.</summary>
    /// <returns>Whether it was added.</returns>
    internal bool TryRetain()
    {
        int count = Volatile.Read(ref _count);
        while (count > 0)
        {
            int seen = Interlocked.CompareExchange(ref _count, count + 1, count);
            if (seen == count)
            {
                return true;
            }

            count = seen;
        }

        return false;
    }

    /// <summary>Gives back a count; with the last one the block goes to the pool.</summary>
    internal void Release()
    {
        if (Interlocked.Decrement(ref _count) == 0 && !s_pool.Put(this, _capacity))
        {
            Free(MemoryPressure.Remove);
            GC.SuppressFinalize(this);
        }
    }

    /// <summary>Four sizes to each power of two, so that at most a fifth is wasted.</summary>
    private static long Round(long bytes)
    {
        bytes = Math.Max(bytes, 4096);
        long step = Math.Max(1L << (BitOperations.Log2((ulong)bytes) - 2), 4096);
        return (bytes + step - 1) / step * step;
    }

    private void Free(Action<long> relieve)
    {
        if (_memory is not null)
        {
            NativeMemory.AlignedFree(_memory);
            _memory = null;
            relieve(_capacity);
        }
    }

    /// <summary>Free blocks by size, up to a bound.</summary>
    private sealed class Pool
    {
        private const long Bound = 1L << 30;
        private readonly Lock _lock = new();
        private readonly Dictionary<long, Stack<CpuBlock>> _free = [];
        private long _bytes;

        internal CpuBlock? Take(long capacity)
        {
            lock (_lock)
            {
                if (_free.TryGetValue(capacity, out Stack<CpuBlock>? stack) && stack.TryPop(out CpuBlock? block))
                {
                    _bytes -= capacity;
                    return block;
                }
            }

            return null;
        }

        internal bool Put(CpuBlock block, long capacity)
        {
            lock (_lock)
            {
                if (_bytes + capacity > Bound)
                {
                    return false;
                }

                if (!_free.TryGetValue(capacity, out Stack<CpuBlock>? stack))
                {
                    _free[capacity] = stack = new Stack<CpuBlock>();
                }

                stack.Push(block);
                _bytes += capacity;
                return true;
            }
        }
    }
}
