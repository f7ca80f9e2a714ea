using System.Diagnostics;
using System.Globalization;
using DeepBridge;
using DeepBridge.Checkpoints;
using DeepBridge.Data;
using DeepBridge.Extensions.Terminal;
using DeepBridge.Metrics;
using DeepBridge.Optimizers;
using DeepBridge.Training;
using Samples;

namespace Digits;

/// <summary>Trains, tests and predicts.</summary>
internal static class Run
{
    private const int TrainingRows = 1437, BatchSize = 32, SaveEverySteps = 20;

    internal static async Task<int> StartAsync(Settings settings)
    {
        Stopwatch clock = Stopwatch.StartNew();
        settings.Check();
        CheckpointStore? store = CommandLine.Store(settings.Checkpoint, settings.Resume);
        Engines.Register(settings.Device);
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
            await TrainAsync(model, digits, settings, store).ConfigureAwait(false);
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

    private static async Task TrainAsync(Module<Tensor, Tensor> model, DigitsFile digits, Settings settings, CheckpointStore? store)
    {
        using Tensor images = digits.Images(..TrainingRows), labels = digits.Digits(..TrainingRows);
        using Tensor testImages = digits.Images(TrainingRows..), testLabels = digits.Digits(TrainingRows..);
        Trainer trainer = new(new TrainerOptions
        {
            Epochs = settings.Epochs,
            Compile = settings.Compile,
            Checkpoints = store,
            Resume = settings.Resume,
            SaveEverySteps = SaveEverySteps,
            Callbacks = [new TerminalProgress()],
        });
        await trainer.FitAsync(
            model,
            new Batches(images, labels, BatchSize, shuffle: true),
            Loss.CrossEntropy,
            new Adam(model, learningRate: 1e-3),
            new Batches(testImages, testLabels, testImages.Shape[0]),
            [new Accuracy()]).ConfigureAwait(false);
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
