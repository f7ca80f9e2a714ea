using DeepBridge.Checkpoints;
using DeepBridge.Optimizers;

namespace DeepBridge.Tests.Checkpoints;

/// <summary>A small run with everything that a checkpoint holds, in a folder of its own that goes with this object.</summary>
internal sealed class Run : IDisposable
{
    private readonly DirectoryInfo _folder = System.IO.Directory.CreateTempSubdirectory("deepbridge-");

    public Run(long seed = 1)
    {
        Generator = new RandomGenerator(seed);
        Optimizer = new Adam(Tower, 0.1);
        State = StateOf(Tower, Optimizer, Generator);
    }

    public Tower Tower { get; } = new();

    public Optimizer Optimizer { get; }

    public RandomGenerator Generator { get; }

    public TrainingState State { get; }

    public string Directory => Path.Combine(_folder.FullName, "run");

    public static TrainingState StateOf(Tower tower, Optimizer optimizer, RandomGenerator generator) =>
        new TrainingState().Add("model", tower).Add("optimizer", optimizer).Add("generator", generator);

    public CheckpointStore Store(CheckpointRetention? retention = null) => new(Directory, retention);

    /// <summary>One step on random numbers.</summary>
    public float Step()
    {
        using TensorScope scope = new();
        Tensor distance = Tower.Call(Generator.Uniform([4, 2])) - 3, loss = (distance * distance).Mean();
        Optimizer.Step(Gradients.Of(loss, Tower.Parameters));
        State.Step++;
        return loss.Item<float>();
    }

    public Checkpoint StepAndSave(CheckpointStore store, double? score = null)
    {
        Step();
        return store.Save(State, score is { } value ? new Dictionary<string, double> { ["loss"] = value } : null);
    }

    /// <summary>Every bit of the run.</summary>
    public string Fingerprint() => FingerprintOf(State);

    public static string FingerprintOf(TrainingState state)
    {
        using TensorScope scope = new();
        return string.Join('\n', state.Sections.SelectMany(section => section.Value.Save().Select(pair =>
            $"{section.Key}/{pair.Key} {pair.Value.Spec} {Convert.ToHexString(SafetensorsTests.BytesOf(pair.Value))}")))
            + $"\n{state.Step} {state.Epoch} {state.Values.ToJsonString()}";
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
