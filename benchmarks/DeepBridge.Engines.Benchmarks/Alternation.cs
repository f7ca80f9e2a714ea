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

    /// <summary>Prints a row: medians in microseconds, and each way's ratio to the first; the ratio is the median of the rounds' ratios.</summary>
    /// <param name="name">The work.</param>
    /// <param name="ways">The ways: a step each.</param>
    internal static void Row(string name, params (string Name, Action Step)[] ways)
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

        double[][] times = [.. ways.Select(_ => new double[Rounds])];
        for (int round = 0; round < Rounds; round++)
        {
            for (int i = 0; i < ways.Length; i++)
            {
                long start = Stopwatch.GetTimestamp();
                for (int step = 0; step < counts[i]; step++)
                {
                    ways[i].Step();
                }

                times[i][round] = Stopwatch.GetElapsedTime(start).TotalMicroseconds / counts[i];
            }
        }

        for (int i = 0; i < ways.Length; i++)
        {
            double ratio = Median([.. times[i].Zip(times[0], (mine, first) => mine / first)]);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {ways[i].Name} | {Median(times[i]):F1} | {ratio:F2} |"));
        }
    }

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return values[values.Length / 2];
    }
}
