using DeepBridge.Checkpoints;
using DeepBridge.Optimizers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace DeepBridge.Training;

/// <summary>How a <see cref="Trainer"/> trains.</summary>
public sealed record TrainerOptions
{
    /// <summary>How often the training data is gone through, counted from the start of the run, resumed or not.</summary>
    public int Epochs { get; init; } = 1;

    /// <summary>After how many optimizer steps, counted as the epochs are, training stops, also within an epoch; null: no limit.</summary>
    public long? MaxSteps { get; init; }

    /// <summary>After which time, counted from the call, training stops behind the step that runs; null: no limit.</summary>
    public TimeSpan? MaxTime { get; init; }

    /// <summary>After every how many epochs the validation data is gone through; 0: not at the end of epochs.</summary>
    public int ValidateEveryEpochs { get; init; } = 1;

    /// <summary>After every how many steps the validation data is gone through besides; 0: not between steps.</summary>
    public long ValidateEverySteps { get; init; }

    /// <summary>
    /// Tries everything once: one epoch of two batches, each validation of two batches. Nothing is resumed or saved.
    /// </summary>
    public bool Smoke { get; init; }

    /// <summary>The greatest magnitude of an element of the gradients; null: not limited. Applied before <see cref="ClipNorm"/>.</summary>
    public double? ClipValue { get; init; }

    /// <summary>The greatest norm of all gradients together; null: not limited.</summary>
    public double? ClipNorm { get; init; }

    /// <summary>
    /// How many batches make a step: their gradients are averaged, each by its number of examples, as those of one large
    /// batch whose loss is a mean. The last step of an epoch takes the batches that are left.
    /// </summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>
    /// How much of the weights' moving average stays at each step: average ← decay · average + (1 − decay) · weight, from the
    /// first weights on. Buffers are not averaged. Null: none is kept.
    /// </summary>
    public double? AverageDecay { get; init; }

    /// <summary>Whether validation uses the averaged weights, where they are kept.</summary>
    public bool ValidateAverages { get; init; } = true;

    /// <summary>Whether the averaged weights take the place of the trained ones when training ends, so that they are what is saved next.</summary>
    public bool EndWithAverages { get; init; }

    /// <summary>
    /// Whether the metrics are measured on the training batches too, as they are seen; they appear without the prefix
    /// <c>validation_</c>.
    /// </summary>
    public bool MeasureTraining { get; init; }

    /// <summary>
    /// Whether the step is traced once for each shape of batch and then run as a graph. A last batch of another shape is
    /// run eagerly.
    /// </summary>
    public bool Compile { get; init; }

    /// <summary>
    /// The precision of forward passes, as <see cref="Autocast"/> has it; parameters stay as they are. Predictions come in it too.
    /// <see cref="DeepBridge.Precision.Float32"/> leaves an autocast around the call as it is.
    /// </summary>
    public Precision Precision { get; init; }

    /// <summary>
    /// The loss scale of <see cref="DeepBridge.Precision.Float16"/>, which counts the steps that were skipped; null: one with the
    /// defaults. It is part of checkpoints. An error with another <see cref="Precision"/>, which needs none.
    /// </summary>
    public LossScaler? LossScaler { get; init; }

    /// <summary>
    /// Whether training ends with a <see cref="NonFiniteException"/> when loss or weights are no longer finite. It names the op and
    /// the module that made the first NaN or infinity: batches are held between two reads, and their steps made again.
    /// </summary>
    public bool StopOnNonFinite { get; init; }

    /// <summary>
    /// The seed of a generator for the run: dropout and all else that is drawn while it trains. Null: the generator of the flow.
    /// Weights and the order of the data are drawn before, when model and loader are made.
    /// </summary>
    public long? Seed { get; init; }

    /// <summary>
    /// The least time between two reads of the loss from the device, which progress, log and limits on values need.
    /// </summary>
    public TimeSpan ReadInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Where checkpoints go: at the end of each epoch, at the end of training, and when it is cancelled. Null: nowhere.</summary>
    public CheckpointStore? Checkpoints { get; init; }

    /// <summary>After every how many steps a checkpoint is saved besides; 0: not between epochs.</summary>
    public long SaveEverySteps { get; init; }

    /// <summary>After every how many epochs a checkpoint is saved; 0: not at the end of epochs.</summary>
    public int SaveEveryEpochs { get; init; } = 1;

    /// <summary>Whether training goes on from the newest checkpoint of <see cref="Checkpoints"/>, if there is one.</summary>
    public bool Resume { get; init; }

    /// <summary>What is told of the run while it goes on, in this order.</summary>
    public IReadOnlyList<Callback> Callbacks { get; init; } = [];

    /// <summary>Where events are logged.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>The clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Checks what can be checked before anything is computed.</summary>
    /// <exception cref="InvalidAttributeException">An option is out of range.</exception>
    internal void Validate()
    {
        Require(Epochs >= 0, nameof(Epochs), Epochs, "not negative");
        Require(MaxSteps is null or >= 0, nameof(MaxSteps), MaxSteps, "not negative");
        Require(MaxTime is null || MaxTime >= TimeSpan.Zero, nameof(MaxTime), MaxTime, "not negative");
        Require(ValidateEveryEpochs >= 0, nameof(ValidateEveryEpochs), ValidateEveryEpochs, "not negative");
        Require(ValidateEverySteps >= 0, nameof(ValidateEverySteps), ValidateEverySteps, "not negative");
        Require(ClipValue is null or > 0, nameof(ClipValue), ClipValue, "above 0");
        Require(ClipNorm is null or > 0, nameof(ClipNorm), ClipNorm, "above 0");
        Require(Accumulate >= 1, nameof(Accumulate), Accumulate, "at least 1");
        Require(AverageDecay is null or (>= 0 and < 1), nameof(AverageDecay), AverageDecay, "at least 0 and below 1");
        Require(AverageDecay is not null || !EndWithAverages, nameof(EndWithAverages), EndWithAverages, $"used with {nameof(AverageDecay)}");
        Require(LossScaler is null || Precision == Precision.Float16, nameof(LossScaler), Precision, $"used with {nameof(Precision)} Float16");
        Require(ReadInterval >= TimeSpan.Zero, nameof(ReadInterval), ReadInterval, "not negative");
        Require(SaveEverySteps >= 0, nameof(SaveEverySteps), SaveEverySteps, "not negative");
        Require(SaveEveryEpochs >= 0, nameof(SaveEveryEpochs), SaveEveryEpochs, "not negative");
        Require(!Resume || Checkpoints is not null, nameof(Resume), Resume, $"used with {nameof(Checkpoints)}");
    }

    private static void Require(bool holds, string option, object? value, string expected)
    {
        if (!holds)
        {
            throw new InvalidAttributeException(nameof(Trainer), $"{option} must be {expected}, got {value}.");
        }
    }
}
