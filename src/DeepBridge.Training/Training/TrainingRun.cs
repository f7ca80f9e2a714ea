using DeepBridge.Optimizers;

namespace DeepBridge.Training;

/// <summary>A run as callbacks see it.</summary>
public sealed class TrainingRun
{
    internal TrainingRun(Module model, Optimizer optimizer, TrainerOptions options, int batches, Averages? averages)
    {
        (Model, Optimizer, Options, Batches, Averages) = (model, optimizer, options, batches, averages);
    }

    /// <summary>The model.</summary>
    public Module Model { get; }

    /// <summary>The optimizer.</summary>
    public Optimizer Optimizer { get; }

    /// <summary>The trainer's options.</summary>
    public TrainerOptions Options { get; }

    /// <summary>Batches of an epoch.</summary>
    public int Batches { get; }

    /// <summary>Epochs that were to be made.</summary>
    public int Epochs => Options.Smoke ? 1 : Options.Epochs;

    /// <summary>Epochs finished since the start of the run.</summary>
    public int Epoch { get; internal set; }

    /// <summary>Optimizer steps made since the start of the run.</summary>
    public long Step { get; internal set; }

    /// <summary>Batches of this epoch that were trained on.</summary>
    public int Batch { get; internal set; }

    /// <summary>The mean loss of the examples between the last two reads; NaN before the first.</summary>
    public double Loss { get; internal set; } = double.NaN;

    /// <summary>The learning rate when it was last read; NaN before.</summary>
    public double LearningRate { get; internal set; } = double.NaN;

    /// <summary>Steps a second between the last two reads.</summary>
    public double StepsPerSecond { get; internal set; }

    /// <summary>Examples a second between the last two reads.</summary>
    public double ExamplesPerSecond { get; internal set; }

    /// <summary>Time since the call, at the last read.</summary>
    public TimeSpan Elapsed { get; internal set; }

    /// <summary>The reports so far.</summary>
    public IReadOnlyList<TrainingReport> History => Reports;

    /// <summary>Why training ends, where it does by itself; null while it goes on, and where it was cancelled or failed.</summary>
    public StopReason? Stopped { get; private set; }

    /// <summary>The moving averages, where they are kept.</summary>
    internal Averages? Averages { get; }

    /// <summary>Where new reports go.</summary>
    internal List<TrainingReport> Reports { get; } = [];

    /// <summary>What the callback that stopped it said.</summary>
    internal string? Detail { get; private set; }

    /// <summary>Whether a checkpoint was asked for.</summary>
    internal bool IsSaveDue { get; set; }

    /// <summary>The variable whose value validation saw in the place of another.</summary>
    internal Variable Judged(Variable variable) => Options.ValidateAverages && Averages is { } averages ? averages.Of(variable) : variable;

    /// <summary>Ends training behind the step, or the report, that is going on.</summary>
    /// <param name="reason">Why, for a person.</param>
    public void Stop(string reason) => Stop(StopReason.Callback, reason);

    /// <summary>Saves a checkpoint as soon as all callbacks have been called; does nothing without a store.</summary>
    public void Save() => IsSaveDue = true;

    /// <summary>Ends training; the first reason stays.</summary>
    internal void Stop(StopReason reason, string? detail = null)
    {
        if (Stopped is null)
        {
            (Stopped, Detail) = (reason, detail);
        }
    }
}
