using System.Diagnostics;
using System.Globalization;
using DeepBridge;
using DeepBridge.Checkpoints;
using DeepBridge.Data;
using DeepBridge.Extensions.Terminal;
using DeepBridge.Optimizers;
using DeepBridge.Schedules;
using DeepBridge.Training;
using Samples;
using Batch = (DeepBridge.Tensor Inputs, DeepBridge.Tensor Labels);

namespace CharacterModel;

/// <summary>Trains, measures and writes.</summary>
internal static class Run
{
    private const int BatchSize = 12, EpochSteps = 500, WarmUpSteps = 100;

    internal static async Task<int> StartAsync(Settings settings)
    {
        settings.Check();
        Engines.Register(settings.Device);
        using AmbientChange device = Device.Use(settings.Device);
        RandomGenerator.Seed(settings.Seed);
        return settings.Generate is { } count ? Generate(settings, count) : await LearnAsync(settings).ConfigureAwait(false);
    }

    private static int Generate(Settings settings, int count)
    {
        Checkpoint checkpoint = new CheckpointStore(settings.Checkpoint!).Latest() ?? throw new InvalidInputException($"'{settings.Checkpoint}' has no checkpoint.");
        CharacterVocabulary vocabulary = new(Learning.Characters(checkpoint.Values["callbacks"]?[Learning.Name]));
        Gpt model = new(vocabulary.Count);
        model.Load(Path.Combine(checkpoint.Path, "model.safetensors"));
        string prompt = settings.Prompt ?? vocabulary.Characters[..1];
        Stopwatch clock = Stopwatch.StartNew();
        Console.WriteLine(new Writer(model, vocabulary, RandomGenerator.Current).Write(prompt, count));
        Print($"generated {count} device {Device.Default} characters/s {count / clock.Elapsed.TotalSeconds:F0}");
        return 0;
    }

    private static async Task<int> LearnAsync(Settings settings)
    {
        Stopwatch clock = Stopwatch.StartNew();
        CheckpointStore? store = CommandLine.Store(settings.Checkpoint, settings.Resume);
        string text = File.ReadAllText(settings.Text ?? Path.Combine(AppContext.BaseDirectory, "data", "shakespeare.txt"));
        CharacterVocabulary vocabulary = new(text);
        ReadOnlyMemory<int> numbers = vocabulary.Encode(text);
        int split = (int)(numbers.Length * 9L / 10);
        IDataset<(HostArray<int> Input, HostArray<int> Label)> windows = CharacterVocabulary.Windows(numbers[..split], Gpt.Context);
        IDataset<(HostArray<int> Input, HostArray<int> Label)> rest = CharacterVocabulary.Windows(numbers[split..], Gpt.Context, Gpt.Context);
        if (windows.Count == 0 || rest.Count == 0)
        {
            throw new InvalidInputException($"A text of {text.Length} characters is too short: a tenth of it must be more than {Gpt.Context}.");
        }

        Gpt model = new(vocabulary.Count);
        Learning learning = new(vocabulary, new Writer(model, vocabulary, new RandomGenerator(settings.Seed)));
        Trainer trainer = new(new TrainerOptions
        {
            Epochs = (settings.Steps + EpochSteps - 1) / EpochSteps,
            MaxSteps = settings.Steps,
            ClipNorm = 1,
            Compile = settings.Compile,
            Checkpoints = store,
            Resume = settings.Resume,
            SaveEverySteps = 100,
            Callbacks = [new TerminalProgress(), learning],
        });
        AdamW optimizer = new(model, 1e-3, 0.9, 0.99, weightDecay: 0.1)
        {
            Schedule = new WarmUp(WarmUpSteps, new CosineSchedule(1e-3, Math.Max(1, settings.Steps - WarmUpSteps), 1e-4), 0.01),
        };

        // An epoch is so many windows, each from anywhere: what is drawn follows from the seed, the epoch and the window's number.
        IDataset<(HostArray<int> Input, HostArray<int> Label)> drawn = Dataset.From(EpochSteps * BatchSize, (_, random) => windows.Get(random.Integer(windows.Count)));
        TrainingResult result = await trainer.FitAsync(
            model, DataLoader.Create(drawn, new DataLoaderOptions { BatchSize = BatchSize }), batch => Step(model, batch), optimizer).ConfigureAwait(false);
        Print($"trained {learning.Steps} steps in {result.Elapsed.TotalSeconds:F1} s, tokens/s {learning.Steps * BatchSize * Gpt.Context / result.Elapsed.TotalSeconds:F0}");
        double loss = (await trainer.EvaluateAsync(
            model, DataLoader.Create(rest, new DataLoaderOptions { BatchSize = 64 }), batch => Step(model, batch)).ConfigureAwait(false))["loss"];
        Print($"validation loss {loss:F4} perplexity {Math.Exp(loss):F2} device {Device.Default} seconds {clock.Elapsed.TotalSeconds:F1}");
        return 0;
    }

    private static StepOutput Step(Gpt model, Batch batch) =>
        Loss.CrossEntropy(model.Call(new Passage(batch.Inputs, [])).Logits.Flatten(0, 1), batch.Labels.Flatten());

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
