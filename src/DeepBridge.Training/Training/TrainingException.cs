namespace DeepBridge.Training;

/// <summary>A step of a training run failed. Parameters and buffers are as they were before it, unless the optimizer itself failed.</summary>
/// <param name="epoch">The epoch, from 1.</param>
/// <param name="step">The step, from 1.</param>
/// <param name="doing">What failed, such as <c>training on batch 3</c>.</param>
/// <param name="inner">The cause.</param>
public sealed class TrainingException(int epoch, long step, string doing, Exception inner)
    : DeepBridgeException($"Epoch {epoch}, step {step}, {doing}: {inner.Message}", inner)
{
    /// <summary>The epoch, from 1.</summary>
    public int Epoch { get; } = epoch;

    /// <summary>The step, from 1.</summary>
    public long Step { get; } = step;
}

/// <summary>A loss or a weight became NaN or infinite. Model, optimizer and generator are as they were before that step.</summary>
/// <param name="message">Where it came from.</param>
/// <param name="op">The op that made the first NaN or infinity, or null where no op could be found.</param>
/// <param name="path">The module that ran it, or null where it ran in none.</param>
/// <param name="epoch">The epoch, from 1.</param>
/// <param name="step">The step, from 1.</param>
public sealed class NonFiniteException(string message, string? op, string? path, int epoch, long step) : DeepBridgeException(message)
{
    /// <summary>The op that made the first NaN or infinity, or null where no op could be found.</summary>
    public string? Op { get; } = op;

    /// <summary>The path of the module that ran the op, or whose op's gradient it is; null where it ran in none.</summary>
    public string? Path { get; } = path;

    /// <summary>The epoch, from 1.</summary>
    public int Epoch { get; } = epoch;

    /// <summary>The step, from 1.</summary>
    public long Step { get; } = step;
}
