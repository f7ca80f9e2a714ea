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

namespace Mnist;

/// <summary>Trains and tests.</summary>
internal static class Run
{
    private const int BatchSize = 64, TestBatchSize = 500;

    internal static async Task<int> StartAsync(Settings settings)
    {
        Stopwatch clock = Stopwatch.StartNew();
        settings.Check();
        CheckpointStore? store = CommandLine.Store(settings.Checkpoint, settings.Resume);
        Engines.Register(settings.Device);
        using AmbientChange device = Device.Use(settings.Device);
        RandomGenerator.Seed(settings.Seed);
        Images images = Images.Read(settings.Data);
        Print($"training on {images.Train.Count} images, testing on {images.Test.Count}{(settings.Data is null ? ", all of them MNIST's test images: --data names a folder with all its files" : string.Empty)}");
        Cnn model = new();
        DataLoaderOptions options = new() { BatchSize = BatchSize, Shuffle = true, Workers = settings.Workers, Prefetch = 4 };
        DataLoader<(HostArray<float> Input, long Label), (Tensor Inputs, Tensor Labels)> loader = DataLoader.Create(images.Train, options);
        Trainer trainer = new(new TrainerOptions
        {
            Epochs = settings.Epochs,
            MaxSteps = settings.Steps,
            Compile = settings.Compile,
            Checkpoints = store,
            Resume = settings.Resume,
            SaveEverySteps = 200,
            Callbacks = [new TerminalProgress()],
        });
        TrainingResult result = await trainer.FitAsync(model, loader, Loss.CrossEntropy, new Adam(model, learningRate: 1e-3)).ConfigureAwait(false);
        Print($"trained to step {result.Steps} in {result.Elapsed.TotalSeconds:F1} s, waiting for data {loader.WaitTime / result.Elapsed:P2} of it");
        IReadOnlyDictionary<string, double> measures = await trainer.EvaluateAsync(
            model, DataLoader.Create(images.Test, new DataLoaderOptions { BatchSize = TestBatchSize }), Loss.CrossEntropy, [new Accuracy()]).ConfigureAwait(false);
        Print($"test accuracy {measures["accuracy"]:F4} device {Device.Default} seconds {clock.Elapsed.TotalSeconds:F1}");
        return 0;
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
