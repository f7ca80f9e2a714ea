using DeepBridge.Randomness;

namespace DeepBridge.Data;

/// <summary>
/// The random numbers of one sample in one epoch. They follow from the loader's seed, the epoch and the sample's number
/// alone, so they are the same whichever worker makes the sample, and after a resume.
/// </summary>
public sealed class SampleRandom
{
    // Each sample has 2³² blocks of its own.
    private readonly ulong _key;
    private ulong _counter;

    /// <summary>Makes the numbers of a sample.</summary>
    /// <param name="seed">The loader's seed.</param>
    /// <param name="epoch">The epoch.</param>
    /// <param name="index">The sample's number.</param>
    public SampleRandom(long seed = 0, long epoch = 0, int index = 0)
        : this(new LoaderCursor(seed, epoch, 0).Keys().Samples, index)
    {
    }

    internal SampleRandom(ulong key, int index)
    {
        _key = key;
        _counter = (ulong)(uint)index << 32;
    }

    /// <summary>Draws a uniform number; each draw takes a block.</summary>
    /// <param name="low">The least.</param>
    /// <param name="high">The bound.</param>
    /// <returns>The number.</returns>
    public double Uniform(double low = 0, double high = 1)
    {
        Span<uint> words = stackalloc uint[2];
        Philox.Words(_key, _counter++, words);
        return low + ((high - low) * Philox.Uniform(words[0], words[1]));
    }

    /// <summary>Draws an integer from 0 to <paramref name="bound"/> − 1.</summary>
    /// <param name="bound">The bound, above 0.</param>
    /// <returns>The integer.</returns>
    public int Integer(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        Span<uint> words = stackalloc uint[2];
        Philox.Words(_key, _counter++, words);
        return (int)Math.BigMul(words[0] | ((ulong)words[1] << 32), (ulong)bound, out _);
    }
}
