using System.Diagnostics;
using System.Globalization;
using DeepBridge;
using DeepBridge.Data;
using DeepBridge.Optimizers;

namespace Digits;

/// <summary>Trains, tests and predicts.</summary>
internal static class Run
{
    private const int TrainingRows = 1437, BatchSize = 32;

    internal static int Start(Settings settings)
    {
        Stopwatch clock = Stopwatch.StartNew();
        settings.Check();
        Samples.Engines.Register(settings.Device);
        using AmbientChange device = Device.Use(settings.Device);
        DigitsFile? asked = settings.Predict is null ? null : DigitsFile.Read(settings.Predict, labelled: false);
        RandomGenerator.Seed(settings.Seed);
        Module<Tensor, Tensor> model = settings.Model == "mlp" ? new Mlp() : new Cnn();
        DigitsFile digits = DigitsFile.Read(DigitsFile.Carried, labelled: true);
        if (settings.Load is not null)
        {
            model.Load(settings.Load);
        }
        else
        {
            Train(model, digits, settings.Epochs);
        }

        if (settings.Save is not null)
        {
            model.Save(settings.Save);
        }

        model.Eval();
        foreach (long digit in asked is null ? [] : Predict(model, asked.Images(..)))
        {
            Console.WriteLine(digit);
        }

        string result;
        if (asked is not null && settings.Load is not null)
        {
            result = $"predicted {asked.Labels.Length}";
        }
        else
        {
            long[] predicted = Predict(model, digits.Images(TrainingRows..));
            ReadOnlySpan<long> expected = digits.Labels.AsSpan(TrainingRows);
            if (asked is null)
            {
                Report.Confusion(predicted, expected);
            }

            result = string.Create(CultureInfo.InvariantCulture, $"test accuracy {Accuracy(predicted, expected):F4}");
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{result} device {Device.Default} seconds {clock.Elapsed.TotalSeconds:F1}"));
        return 0;
    }

    private static void Train(Module<Tensor, Tensor> model, DigitsFile digits, int epochs)
    {
        using Tensor images = digits.Images(..TrainingRows), labels = digits.Digits(..TrainingRows), test = digits.Images(TrainingRows..);
        Adam optimizer = new(model.Parameters, learningRate: 1e-3);
        Batches batches = new(images, labels, BatchSize, shuffle: true);
        using Report report = new(epochs);
        for (int epoch = 1; epoch <= epochs; epoch++)
        {
            model.Train();
            double sum = 0;
            int steps = 0;
            foreach ((Tensor input, Tensor expected) in batches)
            {
                Tensor loss = Loss.CrossEntropy(model.Call(input), expected);
                optimizer.Step(Gradients.Of(loss, model.Parameters));
                sum += loss.Item();
                steps++;
            }

            model.Eval();
            report.Epoch(epoch, sum / steps, Accuracy(Predict(model, test), digits.Labels.AsSpan(TrainingRows)));
        }
    }

    private static long[] Predict(Module<Tensor, Tensor> model, Tensor images)
    {
        using TensorScope scope = new("predict");
        using AmbientChange change = Gradients.NoGradient();
        return model.Call(images).ArgMax(-1).ToArray<long>();
    }

    private static double Accuracy(ReadOnlySpan<long> predicted, ReadOnlySpan<long> expected)
    {
        int right = 0;
        for (int i = 0; i < predicted.Length; i++)
        {
            right += predicted[i] == expected[i] ? 1 : 0;
        }

        return (double)right / predicted.Length;
    }
}
