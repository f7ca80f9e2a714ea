using System.Text.Json.Nodes;

namespace DeepBridge.Training;

/// <summary>
/// Is told of a run while it goes on. Callbacks are called one after another on the flow that trains, in the order in which
/// the options list them; an exception ends the training.
/// </summary>
public abstract class Callback
{
    /// <summary>Training is about to begin, after a resume.</summary>
    /// <param name="run">The run.</param>
    public virtual void OnStart(TrainingRun run)
    {
    }

    /// <summary>
    /// The optimizer has made a step. Values on the device are not read here: what has been read is told by <see cref="OnRead"/>.
    /// </summary>
    /// <param name="run">The run.</param>
    public virtual void OnStep(TrainingRun run)
    {
    }

    /// <summary>Loss and learning rate have been read from the device: a few times a second, and at the end of each epoch.</summary>
    /// <param name="run">The run.</param>
    public virtual void OnRead(TrainingRun run)
    {
    }

    /// <summary>An epoch has ended, or the validation data has been gone through within one.</summary>
    /// <param name="run">The run.</param>
    /// <param name="report">What was measured.</param>
    public virtual void OnReport(TrainingRun run, TrainingReport report)
    {
    }

    /// <summary>Training has ended, has been cancelled or has failed.</summary>
    /// <param name="run">The run.</param>
    public virtual void OnEnd(TrainingRun run)
    {
    }

    /// <summary>The variables that this callback keeps, to be saved with the run; they exist from <see cref="OnStart"/> at the latest.</summary>
    /// <param name="model">The model that is trained.</param>
    /// <returns>Key and variable.</returns>
    public virtual IEnumerable<(string Key, Variable Variable)> NamedVariables(Module model) => [];

    /// <summary>The small values that this callback remembers, to be saved with the run; null: nothing.</summary>
    /// <returns>The values; numbers are finite.</returns>
    public virtual JsonObject? Save() => null;

    /// <summary>Takes back what <see cref="Save"/> gave in the run that is resumed.</summary>
    /// <param name="values">The values.</param>
    public virtual void Load(JsonObject values)
    {
    }
}
