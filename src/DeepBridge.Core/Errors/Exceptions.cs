using DeepBridge.Memory;

namespace DeepBridge;

/// <summary>The base of every error that this library throws for a mistake in its use.</summary>
/// <param name="message">What a person needs to know.</param>
/// <param name="inner">The cause, if there is one.</param>
public class DeepBridgeException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Where it happened: the path of the module that was running, such as <c>encoder.layers.2</c>, or null.</summary>
    public string? ModulePath { get; } = Ambient.Now.Frame?.Path;

    /// <inheritdoc/>
    public override string Message => ModulePath is null ? base.Message : $"{base.Message} (in module '{ModulePath}')";
}

/// <summary>Shapes do not fit an op.</summary>
/// <param name="op">The op's name.</param>
/// <param name="message">What was expected and what was given.</param>
/// <param name="shapes">The shapes of the inputs.</param>
/// <param name="dimension">The axis where they disagree, or null.</param>
public sealed class ShapeMismatchException(string op, string message, IReadOnlyList<Shape> shapes, int? dimension = null)
    : DeepBridgeException($"{op}: {message}")
{
    /// <summary>The op's name.</summary>
    public string Op { get; } = op;

    /// <summary>The shapes of the inputs.</summary>
    public IReadOnlyList<Shape> Shapes { get; } = shapes;

    /// <summary>The axis where the shapes disagree, or null where there is no single one.</summary>
    public int? Dimension { get; } = dimension;
}

/// <summary>An op was given a dtype that it does not take.</summary>
/// <param name="op">The op's name.</param>
/// <param name="message">What was expected and what was given.</param>
public sealed class DTypeMismatchException(string op, string message) : DeepBridgeException($"{op}: {message}")
{
    /// <summary>The op's name.</summary>
    public string Op { get; } = op;
}

/// <summary>Tensors of different devices met in one op, or a device is not there.</summary>
/// <param name="message">Which devices, and what to do.</param>
public sealed class DeviceException(string message) : DeepBridgeException(message);

/// <summary>An attribute of an op is outside what the op allows.</summary>
/// <param name="op">The op's name.</param>
/// <param name="message">What was expected and what was given.</param>
public sealed class InvalidAttributeException(string op, string message) : DeepBridgeException($"{op}: {message}")
{
    /// <summary>The op's name.</summary>
    public string Op { get; } = op;
}

/// <summary>A value (an index, a class label, an integer divisor) is outside what an op allows.</summary>
/// <param name="op">The op's name.</param>
/// <param name="message">What was expected and what was given.</param>
/// <param name="value">The offending value.</param>
public sealed class ValueOutOfBoundsException(string op, string message, long value) : DeepBridgeException($"{op}: {message}")
{
    /// <summary>The op's name.</summary>
    public string Op { get; } = op;

    /// <summary>The offending value.</summary>
    public long Value { get; } = value;
}

/// <summary>A tensor was used after its release.</summary>
/// <param name="message">Which tensor, released by whom.</param>
public sealed class TensorReleasedException(string message) : DeepBridgeException(message);

/// <summary>A gradient was asked for that does not exist.</summary>
/// <param name="message">Why, and what to do.</param>
public sealed class GradientException(string message) : DeepBridgeException(message);

/// <summary>Something was done while tracing that a graph cannot hold.</summary>
/// <param name="message">What, and what to do instead.</param>
public sealed class TracingException(string message) : DeepBridgeException(message);

/// <summary>A device has no way to run an op: neither a kernel nor a decomposition.</summary>
/// <param name="message">The op, the device, the shapes and dtypes.</param>
public sealed class UnsupportedOpException(string message) : DeepBridgeException(message);

/// <summary>A backend cannot start: its native libraries, a driver or a device is missing or does not fit.</summary>
/// <param name="backend">The backend's name.</param>
/// <param name="message">What was looked for, where, and what to install.</param>
/// <param name="inner">The cause, if there is one.</param>
public sealed class BackendUnavailableException(string backend, string message, Exception? inner = null)
    : DeepBridgeException($"{backend}: {message}", inner)
{
    /// <summary>The backend's name.</summary>
    public string Backend { get; } = backend;
}

/// <summary>The engine under a backend failed at an op whose inputs were right: no memory left, a device lost.</summary>
/// <param name="message">The op, the device and what the engine said.</param>
/// <param name="inner">The engine's own error.</param>
public sealed class EngineException(string message, Exception? inner = null) : DeepBridgeException(message, inner);

/// <summary>A module or a state dictionary is not put together as it must be.</summary>
/// <param name="message">What is wrong, and what to do.</param>
public sealed class ModuleException(string message) : DeepBridgeException(message);

/// <summary>A file is not what it claims to be, or not what was expected.</summary>
/// <param name="message">What is wrong with it.</param>
/// <param name="inner">The cause, if there is one.</param>
public sealed class FileFormatException(string message, Exception? inner = null) : DeepBridgeException(message, inner);

/// <summary>A dataset failed to make a sample.</summary>
/// <param name="index">The sample's number in the dataset.</param>
/// <param name="inner">What the dataset threw.</param>
public sealed class SampleException(int index, Exception inner) : DeepBridgeException($"Sample {index} could not be made: {inner.Message}", inner)
{
    /// <summary>The sample's number in the dataset.</summary>
    public int Index { get; } = index;
}
