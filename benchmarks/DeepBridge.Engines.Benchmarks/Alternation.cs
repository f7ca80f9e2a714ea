using System.Diagnostics;
using System.Globalization;

namespace DeepBridge.Engines.Benchmarks;

/// <summary>
/// Times several ways of doing the same work in turns, a few milliseconds each, so that whatever else the machine does
/// disturbs all alike. (BenchmarkDotNet finishes one before it starts the next.)
/// </summary>
internal static class Alternation
{
    private const int Rounds = 41, WarmUps = 5;
    private const double RoundMilliseconds = 60;

    /// <summary>Prints a row: medians in microseconds, by the clock and of the processor, which other programs disturb less, each with its ratio to the first way; the ratio is the median of the rounds' ratios.</summary>
    /// <param name="name">The work.</param>
    /// <param name="ways">The ways: a step each.</param>
    internal static void Row(string name, params (string Name, Action Step)[] ways) => Print(name, ways, ways.Length);

    /// <summary>Prints a row of pairs: the second of each is compared with the first.</summary>
    /// <inheritdoc cref="Row"/>
    internal static void Pairs(string name, params (string Name, Action Step)[] ways) => Print(name, ways, 2);

    private static void Print(string name, (string Name, Action Step)[] ways, int group)
    {
        int[] counts = new int[ways.Length];
        for (int i = 0; i < ways.Length; i++)
        {
            long start = Stopwatch.GetTimestamp();
            int steps = 0;
            while (steps < WarmUps || Stopwatch.GetElapsedTime(start).TotalMilliseconds < 20 * RoundMilliseconds)
            {
                ways[i].Step();
                steps++;
            }

            counts[i] = Math.Max(1, (int)(steps * RoundMilliseconds / Stopwatch.GetElapsedTime(start).TotalMilliseconds));
        }

        double[][] times = [.. ways.Select(_ => new double[Rounds])], processor = [.. ways.Select(_ => new double[Rounds])];
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < ways.Length; i++)
            {
                TimeSpan used = Environment.CpuUsage.TotalTime;
                long start = Stopwatch.GetTimestamp();
                for (int step = 0; step < counts[i]; step++)
                {
                    ways[i].Step();
                }

                times[i][round] = Stopwatch.GetElapsedTime(start).TotalMicroseconds / counts[i];
                processor[i][round] = (Environment.CpuUsage.TotalTime - used).TotalMicroseconds / counts[i];
            }
        }

        for (int i = 0; i < ways.Length; i++)
        {
            int first = i / group * group;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {name} | {ways[i].Name} | {Median(times[i]):F1} | {Ratio(times, i, first):F2} | {Median(processor[i]):F1} | {Ratio(processor, i, first):F2} |"));
        }
    }

    private static double Ratio(double[][] times, int way, int first) => Median(times[way].Zip(times[first], (mine, its) => mine / its));

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
