namespace DeepBridge.Testing;

/// <summary>How the elements of a case's input are made: doubles for a floating dtype, longs for any other.</summary>
/// <param name="real">From a generator and the element's position to a floating element.</param>
/// <param name="whole">From a generator and the element's position to an integer.</param>
public sealed class Values(Func<Random, int, double> real, Func<Random, int, long> whole)
{
    /// <summary>Standard normal; integers from −9 to 9.</summary>
    public static Values Normal { get; } = new((random, _) => Gauss(random), (random, _) => random.Next(-9, 10));

    /// <summary>From 0.2 to 3; integers from 1 to 9.</summary>
    public static Values Positive { get; } = Between(0.2, 3);

    /// <summary>Of either sign, from 0.3 to 2.3 away from 0; integers other than 0.</summary>
    public static Values NonZero { get; } = new(
        (random, _) => (random.Next(2) == 0 ? -1 : 1) * (0.3 + (2 * random.NextDouble())),
        (random, _) => (random.Next(2) == 0 ? -1 : 1) * random.Next(1, 10));

    /// <summary>At least a fifth away from every integer.</summary>
    public static Values Broken { get; } = new((random, _) => random.Next(-3, 3) + 0.2 + (0.6 * random.NextDouble()), (random, _) => random.Next(-9, 10));

    /// <summary>Four values only, so that many are equal.</summary>
    public static Values Ties { get; } = new((random, _) => random.Next(-1, 3), (random, _) => random.Next(-1, 3));

    /// <summary>No two of a thousand alike, in no order.</summary>
    public static Values Distinct { get; } = new((_, i) => (i * 7919 % 1009 * 0.01) - 5, (_, i) => (i * 7919 % 1009) - 500);

    /// <summary>True or false.</summary>
    public static Values Bits { get; } = new((random, _) => random.Next(2), (random, _) => random.Next(2));

    /// <summary>What goes wrong first: zeros of both signs, infinities, NaN, tiny and large numbers, halves.</summary>
    public static Values Special { get; } = List(
        0, -0.0, 1, -1, 0.5, -0.5, 2.5, -1.5, double.NaN, double.PositiveInfinity, double.NegativeInfinity, 1e-30, -1e-30, 1e30, -1e30, 3, -3, 88);

    /// <summary>Normal numbers with a NaN in every seventh place or so, and infinities.</summary>
    public static Values WithNaN { get; } = new(
        (random, _) => random.Next(14) switch { 0 or 1 => double.NaN, 2 => double.PositiveInfinity, 3 => double.NegativeInfinity, _ => random.Next(-2, 3) },
        (random, _) => random.Next(-2, 3));

    /// <summary>The floating element of a place.</summary>
    public Func<Random, int, double> Real { get; } = real;

    /// <summary>The integer element of a place.</summary>
    public Func<Random, int, long> Whole { get; } = whole;

    /// <summary>Uniform numbers.</summary>
    /// <param name="low">The least.</param>
    /// <param name="high">The greatest.</param>
    /// <returns>The values; integers from 1 to 9.</returns>
    public static Values Between(double low, double high) =>
        new((random, _) => low + ((high - low) * random.NextDouble()), (random, _) => random.Next(1, 10));

    /// <summary>Integers from 0 on.</summary>
    /// <param name="bound">Their bound, excluded.</param>
    /// <returns>The values.</returns>
    public static Values Below(int bound) => new((random, _) => random.Next(bound), (random, _) => random.Next(bound));

    /// <summary>Given floating numbers, again and again.</summary>
    /// <param name="numbers">The numbers.</param>
    /// <returns>The values.</returns>
    public static Values List(params double[] numbers) => new((_, i) => numbers[i % numbers.Length], (_, i) => (long)numbers[i % numbers.Length]);

    /// <summary>Given integers, again and again.</summary>
    /// <param name="numbers">The numbers.</param>
    /// <returns>The values.</returns>
    public static Values List(params long[] numbers) => new((_, i) => numbers[i % numbers.Length], (_, i) => numbers[i % numbers.Length]);

    internal static double Gauss(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
