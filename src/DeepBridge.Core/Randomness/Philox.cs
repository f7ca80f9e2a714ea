using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DeepBridge.Randomness;

/// <summary>
/// Philox 4×32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) on the host, and what is made
/// of its words. Backends without a Philox of their own draw here, so that every one of them has the same bits.
/// </summary>
public static class Philox
{
    private const uint Multiplier0 = 0xD2511F53, Multiplier1 = 0xCD9E8D57, Weyl0 = 0x9E3779B9, Weyl1 = 0xBB67AE85;

    /// <summary>How many blocks a draw of words takes.</summary>
    /// <param name="words">The number of words.</param>
    /// <returns>⌈words / 4⌉.</returns>
    public static long Blocks(long words) => (words + 3) / 4;

    /// <summary>Draws words: word i is word i mod 4 of block counter + i/4.</summary>
    /// <param name="key">The seed.</param>
    /// <param name="counter">The first block.</param>
    /// <param name="words">Where they go.</param>
    public static void Words(ulong key, ulong counter, Span<uint> words)
    {
        Span<uint> block = stackalloc uint[4];
        for (; Avx2.IsSupported && words.Length >= 16; words = words[16..], counter += 4)
        {
            FourBlocks(key, counter, words);
        }

        while (words.Length >= 4)
        {
            Block(key, counter++, words);
            words = words[4..];
        }

        if (!words.IsEmpty)
        {
            Block(key, counter, block);
            block[..words.Length].CopyTo(words);
        }
    }

    /// <summary>A uniform float32 in [0, 1) of a word: its lower 23 bits over 2²³.</summary>
    /// <param name="word">The word.</param>
    /// <returns>The number.</returns>
    public static float Uniform(uint word) => BitConverter.UInt32BitsToSingle((word & 0x7fffff) | 0x3f800000) - 1;

    /// <summary>A uniform float64 in [0, 1) of two words: 52 bits over 2⁵².</summary>
    /// <param name="low">The lower 32 bits.</param>
    /// <param name="high">Its lower 20 bits are the upper ones.</param>
    /// <returns>The number.</returns>
    public static double Uniform(uint low, uint high) =>
        BitConverter.UInt64BitsToDouble(low | ((ulong)(high & 0xfffff) << 32) | 0x3ff0000000000000) - 1;

    /// <summary>Draws uniform float32 numbers, a word each.</summary>
    /// <param name="key">The seed.</param>
    /// <param name="counter">The first block.</param>
    /// <param name="numbers">Where they go.</param>
    public static void Uniforms(ulong key, ulong counter, Span<float> numbers)
    {
        Span<uint> words = MemoryMarshal.Cast<float, uint>(numbers);
        Words(key, counter, words);
        int i = 0;
        for (; i <= words.Length - Vector256<uint>.Count; i += Vector256<uint>.Count)
        {
            Vector256<uint> bits = (Vector256.Create<uint>(words[i..]) & Vector256.Create(0x7fffffu)) | Vector256.Create(0x3f800000u);
            (bits.AsSingle() - Vector256<float>.One).CopyTo(numbers[i..]);
        }

        for (; i < words.Length; i++)
        {
            numbers[i] = Uniform(words[i]);
        }
    }

    /// <summary>Draws a permutation: the positions sorted by (word, position).</summary>
    /// <param name="key">The seed.</param>
    /// <param name="counter">The first block.</param>
    /// <param name="count">How many positions.</param>
    /// <returns>0 to <paramref name="count"/> − 1.</returns>
    internal static int[] Permutation(ulong key, ulong counter, int count)
    {
        uint[] words = new uint[count];
        Words(key, counter, words);
        ulong[] keys = new ulong[count];
        int[] order = new int[count];
        for (int i = 0; i < count; i++)
        {
            keys[i] = ((ulong)words[i] << 32) | (uint)i;
            order[i] = i;
        }

        Array.Sort(keys, order);
        return order;
    }

    /// <summary>Draws standard normal numbers by Box–Muller on pairs of words; an odd number takes a whole last pair.</summary>
    /// <param name="key">The seed.</param>
    /// <param name="counter">The first block.</param>
    /// <param name="numbers">Where they go.</param>
    public static void Normals(ulong key, ulong counter, Span<float> numbers)
    {
        Span<uint> block = stackalloc uint[4];
        Span<float> four = stackalloc float[4];
        for (int i = 0; i < numbers.Length; i += 4)
        {
            Block(key, counter++, block);
            BoxMuller.Pair(Uniform(block[0]), Uniform(block[1]), out four[0], out four[1]);
            BoxMuller.Pair(Uniform(block[2]), Uniform(block[3]), out four[2], out four[3]);
            four[..Math.Min(4, numbers.Length - i)].CopyTo(numbers[i..]);
        }
    }

    /// <summary>Four blocks at once. The upper half of a lane holds rubbish, which a product of lower halves ignores.</summary>
    private static void FourBlocks(ulong key, ulong counter, Span<uint> output)
    {
        Vector256<ulong> counters = Vector256.Create(counter) + Vector256.Create(0ul, 1, 2, 3);
        Vector256<ulong> c0 = counters, c1 = counters >> 32, c2 = default, c3 = default;
        Vector256<uint> multiplier0 = Vector256.Create(Multiplier0), multiplier1 = Vector256.Create(Multiplier1);
        uint key0 = (uint)key, key1 = (uint)(key >> 32);
        for (int round = 0; round < 10; round++)
        {
            Vector256<ulong> product0 = Avx2.Multiply(multiplier0, c0.AsUInt32()), product1 = Avx2.Multiply(multiplier1, c2.AsUInt32());
            c0 = (product1 >> 32) ^ c1 ^ Vector256.Create((ulong)key0);
            c2 = (product0 >> 32) ^ c3 ^ Vector256.Create((ulong)key1);
            c1 = product1;
            c3 = product0;
            key0 += Weyl0;
            key1 += Weyl1;
        }

        Vector256<ulong> low = Vector256.Create(0xfffffffful);
        Vector256<ulong> first = (c0 & low) | (c1 << 32), second = (c2 & low) | (c3 << 32);
        Span<ulong> pairs = MemoryMarshal.Cast<uint, ulong>(output);
        for (int i = 0; i < 4; i++)
        {
            pairs[2 * i] = first[i];
            pairs[(2 * i) + 1] = second[i];
        }
    }

    private static void Block(ulong key, ulong counter, Span<uint> output)
    {
        uint key0 = (uint)key, key1 = (uint)(key >> 32);
        uint c0 = (uint)counter, c1 = (uint)(counter >> 32), c2 = 0, c3 = 0;
        for (int round = 0; round < 10; round++)
        {
            ulong product0 = (ulong)Multiplier0 * c0, product1 = (ulong)Multiplier1 * c2;
            (c0, c1, c2, c3) = ((uint)(product1 >> 32) ^ c1 ^ key0, (uint)product1, (uint)(product0 >> 32) ^ c3 ^ key1, (uint)product0);
            key0 += Weyl0;
            key1 += Weyl1;
        }

        output[0] = c0;
        output[1] = c1;
        output[2] = c2;
        output[3] = c3;
    }
}
