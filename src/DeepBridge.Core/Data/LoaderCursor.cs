using DeepBridge.Randomness;

namespace DeepBridge.Data;

/// <summary>
/// Where a loader stands. All that is random in an epoch follows from the seed and the epoch's number, so three numbers
/// say it all.
/// </summary>
/// <param name="Seed">What the loader's randomness comes from, drawn once when the loader was made.</param>
/// <param name="Epoch">The number of the epoch, from 0.</param>
/// <param name="Position">How many of its batches have been handed out.</param>
public sealed record LoaderCursor(long Seed, long Epoch, long Position)
{
    /// <summary>The key of the epoch's order of rows and, apart from it, that of its samples' randomness.</summary>
    /// <returns>Both keys: the words of block <see cref="Epoch"/> under the key <see cref="Seed"/>.</returns>
    internal (ulong Order, ulong Samples) Keys()
    {
        Span<uint> words = stackalloc uint[4];
        Philox.Words((ulong)Seed, (ulong)Epoch, words);
        return (words[0] | ((ulong)words[1] << 32), words[2] | ((ulong)words[3] << 32));
    }

    /// <summary>The epoch's order of rows.</summary>
    /// <param name="rows">How many rows there are.</param>
    /// <returns>A permutation.</returns>
    internal int[] Order(int rows) => Philox.Permutation(Keys().Order, 0, rows);
}
