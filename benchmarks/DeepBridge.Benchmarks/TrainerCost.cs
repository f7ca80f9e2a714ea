using System.Diagnostics;
using System.Globalization;
using DeepBridge.Data;
using DeepBridge.Optimizers;
using DeepBridge.Training;
using Digits;

namespace DeepBridge.Benchmarks;

/// <summary>
/// What the trainer costs over loops written by hand, on the small MLP, where a step is short; in processor time, which
/// other programs on the machine disturb less.
/// </summary>
internal static class TrainerCost
{
    private const int Rows = 1440, Size = 32, Epochs = 20, Rounds = 25, Steps = Epochs * Rows / Size;

    /// <summary>Measures, in turn so that all meet the same noise, and prints medians and least times.</summary>
    internal static async Task RunAsync()
    {
        (string Name, Func<Task> Run)[] loops =
        [
            ("barest loop", Barest()), ("loop that reads each loss", Reading()), ("trainer", Fitting(new TrainerOptions { Epochs = Epochs })),
            ("trainer, compiled", Fitting(new TrainerOptions { Epochs = Epochs, Compile = true })),
        ];
        List<double>[] times = [.. loops.Select(_ => new List<double>())];
        for (int round = -3; round < Rounds; round++)
        {
            for (int i = 0; i < loops.Length; i++)
            {
                TimeSpan start = Environment.CpuUsage.TotalTime;
                await loops[i].Run();
                if (round >= 0)
                {
                    times[i].Add((Environment.CpuUsage.TotalTime - start).TotalMicroseconds / Steps);
                }
            }
        }

        Console.WriteLine($"Digits MLP 64-128-10, batch {Size}, Adam; {Rounds} rounds of {Steps} steps each, in turn; processor time");
        Console.WriteLine("| loop | median, µs a step | least, µs a step | median / barest | least / barest |");
        Console.WriteLine("|---|---|---|---|---|");
        for (int i = 0; i < loops.Length; i++)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {loops[i].Name} | {Median(times[i]):F2} | {times[i].Min():F2} | {Median(times[i].Zip(times[0], (mine, barest) => mine / barest)):F3} | {times[i].Min() / times[0].Min():F3} |"));
        }
    }

    private static (Mlp Model, Batches Data, Adam Optimizer) Make()
    {
        RandomGenerator.Seed(0);
        Mlp model = new();
        return (model, new Batches(Tensor.Uniform([Rows, 1, 8, 8]), Tensor.Arange(Rows) % 10, Size, shuffle: true), new Adam(model));
    }

    private static Func<Task> Barest()
    {
        (Mlp model, Batches data, Adam optimizer) = Make();
        return () =>
        {
            Parameter[] parameters = [.. model.Parameters];
            for (int epoch = 0; epoch < Epochs; epoch++)
            {
                foreach ((Tensor images, Tensor labels) in data)
                {
                    Tensor loss = Loss.CrossEntropy(model.Call(images), labels);
                    optimizer.Step(Gradients.Of(loss, parameters));
                }
            }

            return Task.CompletedTask;
        };
    }

    private static Func<Task> Reading()
    {
        (Mlp model, Batches data, Adam optimizer) = Make();
        return () =>
        {
            for (int epoch = 0; epoch < Epochs; epoch++)
            {
                double sum = 0;
                foreach ((Tensor images, Tensor labels) in data)
                {
                    Tensor loss = Loss.CrossEntropy(model.Call(images), labels);
                    optimizer.Step(Gradients.Of(loss, model.Parameters));
                    sum += loss.Item() * labels.Shape[0];
                }

                Debug.Assert(sum > 0);
            }

            return Task.CompletedTask;
        };
    }

    private static Func<Task> Fitting(TrainerOptions options)
    {
        (Mlp model, Batches data, Adam optimizer) = Make();
        return () => new Trainer(options).FitAsync(model, data, Loss.CrossEntropy, optimizer);
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}
