using System.Diagnostics.CodeAnalysis;

namespace DeepBridge.Training;

/// <summary>What was measured at the end of an epoch, or by a validation within one.</summary>
/// <param name="Epoch">The epoch, from 1.</param>
/// <param name="Step">Steps made since the start of the run.</param>
/// <param name="EndsEpoch">Whether the epoch has ended.</param>
/// <param name="LearningRate">The learning rate of the last step.</param>
/// <param name="Elapsed">Time since the call.</param>
/// <param name="Measures">
/// <c>loss</c>: the mean over the epoch's examples so far; with validation <c>validation_loss</c> and, for each metric,
/// <c>validation_</c> and its name.
/// </param>
public sealed record TrainingReport(
    int Epoch, long Step, bool EndsEpoch, double LearningRate, TimeSpan Elapsed, IReadOnlyDictionary<string, double> Measures)
{
    /// <summary>Finds a measure; null means <c>validation_loss</c>, or <c>loss</c> where there is no validation.</summary>
    internal bool TryFind(string? measure, [NotNullWhen(true)] out string? name, out double value)
    {
        name = measure ?? (Measures.ContainsKey("validation_loss") ? "validation_loss" : "loss");
        return Measures.TryGetValue(name, out value);
    }
}

/// <summary>Why training ended.</summary>
public enum StopReason
{
    /// <summary>All epochs are done.</summary>
    Epochs,

    /// <summary>The limit of steps.</summary>
    Steps,

    /// <summary>The limit of time.</summary>
    Time,

    /// <summary>A callback asked for it.</summary>
    Callback,
}

/// <summary>What a run came to.</summary>
/// <param name="Reason">Why it ended.</param>
/// <param name="Detail">What the callback that stopped it said, or null.</param>
/// <param name="Epochs">Epochs finished since the start of the run.</param>
/// <param name="Steps">Steps made since the start of the run.</param>
/// <param name="Elapsed">Time since the call.</param>
/// <param name="History">The reports of this call, in order.</param>
public sealed record TrainingResult(
    StopReason Reason, string? Detail, int Epochs, long Steps, TimeSpan Elapsed, IReadOnlyList<TrainingReport> History)
{
    /// <summary>What the last report measured; empty where there was none.</summary>
    public IReadOnlyDictionary<string, double> Measures => History.Count > 0 ? History[^1].Measures : new Dictionary<string, double>();
}

/// <summary>The loss of a batch and, for metrics, what it was computed from.</summary>
/// <param name="Loss">A scalar, the mean over the batch's examples; tracked while training.</param>
/// <param name="Prediction">What metrics take as the prediction; null: there is nothing for them.</param>
/// <param name="Target">What metrics take as the target.</param>
public readonly record struct StepOutput(Tensor Loss, Tensor? Prediction = null, Tensor? Target = null)
{
    /// <summary>How many examples the loss is a mean of; null: the length of axis 0 of the batch's first tensor.</summary>
    public long? Examples { get; init; }

    /// <summary>A loss without anything for metrics.</summary>
    /// <param name="loss">The loss.</param>
    public static implicit operator StepOutput(Tensor loss) => new(loss);
}
