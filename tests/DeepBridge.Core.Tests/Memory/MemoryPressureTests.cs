using DeepBridge.Memory;

namespace DeepBridge.Tests.Memory;

/// <summary>The garbage collector is told of native memory, but not at each step.</summary>
public sealed class MemoryPressureTests
{
    [Fact]
    public void Memory_that_comes_and_goes_collects_nothing()
    {
        const long Bytes = 1L << 27;
        MemoryPressure.Add(Bytes);
        MemoryPressure.Remove(Bytes);
        int before = GC.CollectionCount(2);
        for (int step = 0; step < 1_000; step++)
        {
            MemoryPressure.Add(Bytes);
            MemoryPressure.Remove(Bytes);
        }

        (GC.CollectionCount(2) - before).Should().BeLessThan(10);
    }

    [Fact]
    public void Memory_that_nobody_releases_is_found_by_the_collector()
    {
        int before = GC.CollectionCount(2);
        for (int i = 0; i < 200; i++)
        {
            _ = new Forgotten(1L << 25);

            // The collector refuses to spend more than a share of the time.
            Thread.Sleep(1);
        }

        (GC.CollectionCount(2) - before).Should().BePositive();
        Forgotten.Alive.Should().BeLessThan(200);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Forgotten.Alive.Should().BeLessThan(2);
    }

    private sealed class Forgotten
    {
        private static int s_alive;
        private readonly long _bytes;

        internal Forgotten(long bytes)
        {
            _bytes = bytes;
            Interlocked.Increment(ref s_alive);
            MemoryPressure.Add(bytes);
        }

        ~Forgotten()
        {
            Interlocked.Decrement(ref s_alive);
            MemoryPressure.Reclaim(_bytes);
        }

        internal static int Alive => Volatile.Read(ref s_alive);
    }
}
