using System.Collections.Concurrent;

namespace DeepBridge.Torch;

/// <summary>
/// Numbers as TorchSharp's calls take them. TorchSharp does not hold a temporary one during its native call, where it can
/// be finalized; these are held.
/// </summary>
internal static class Numbers
{
    private const int Bound = 4096;
    private static readonly ConcurrentDictionary<(bool IsWhole, long Bits), Number> s_numbers = new();
    private static readonly Number?[] s_recent = new Number?[Bound];
    private static int s_next;

    /// <summary>One, the factor that <c>add</c> and <c>sub</c> take.</summary>
    internal static Number One { get; } = Of(1L);

    /// <summary>Minus one.</summary>
    internal static Number MinusOne { get; } = Of(-1L);

    /// <summary>Zero.</summary>
    internal static Number Zero { get; } = Of(0L);

    /// <summary>A floating number, an attribute of an op.</summary>
    /// <param name="value">The value.</param>
    /// <returns>The number; the caller does not dispose it.</returns>
    internal static Number Of(double value) => Find((false, BitConverter.DoubleToInt64Bits(value)));

    /// <summary>A whole number, an attribute of an op.</summary>
    /// <param name="value">The value.</param>
    /// <returns>The number; the caller does not dispose it.</returns>
    internal static Number Of(long value) => Find((true, value));

    private static Number Find((bool IsWhole, long Bits) key)
    {
        if (s_numbers.TryGetValue(key, out Number? number))
        {
            return number;
        }

        Number made = key.IsWhole ? key.Bits.ToScalar() : BitConverter.Int64BitsToDouble(key.Bits).ToScalar();
        if (s_numbers.Count < Bound)
        {
            return s_numbers.GetOrAdd(key, made);
        }

        // A program that makes ever new numbers: each is held until as many others were made.
        s_recent[(uint)Interlocked.Increment(ref s_next) % Bound] = made;
        return made;
    }
}
