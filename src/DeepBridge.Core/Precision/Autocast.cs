using System.Collections.Concurrent;
using DeepBridge.Memory;
using DeepBridge.Ops;

namespace DeepBridge;

/// <summary>
/// Mixed precision: inside <see cref="Use"/> each op casts its inputs as its <see cref="AutocastClass"/> says, so parameters
/// stay float32 while products run in 16 bits. The casts are recorded, so the gradient of a float32 parameter is float32.
/// A backward pass, and what runs in it, repeats the dtypes of the forward pass, wherever it is called.
/// </summary>
public static class Autocast
{
    private static readonly ConcurrentDictionary<(Device Device, Precision Precision), string?> s_refusals = new();

    // What a training step computes in low precision: the ops that autocast casts for, and some that follow them.
    private static readonly (string Name, Func<Tensor, Tensor> Function)[] s_probes =
    [
        (nameof(MatMul), x => x.MatMul(x)),
        (nameof(Linear), x => x.Linear(x.Reshape(4, 4))),
        (nameof(Convolution), x => x.Convolve(x)),
        (nameof(ScaledDotProductAttention), x => x.ScaledDotProductAttention(x, x)),
        (nameof(MaxPool), x => x.MaxPool([2, 2])),
        (nameof(Relu), x => (x + x).Relu()),
    ];

    /// <summary>The precision that holds in this flow.</summary>
    public static Precision Precision => Ambient.Now.Precision;

    /// <summary>
    /// Sets the precision of this flow until the result is disposed; <see cref="Precision.Float32"/> turns autocast off inside an
    /// outer one. A graph that is traced here holds the casts.
    /// </summary>
    /// <param name="precision">The precision.</param>
    /// <param name="device">Where the model is; null: the default device.</param>
    /// <returns>What ends it.</returns>
    /// <exception cref="UnsupportedOpException">The device cannot train in this precision.</exception>
    public static AmbientChange Use(Precision precision, Device? device = null)
    {
        Require(precision, device ?? Device.Default);
        return Enter(precision);
    }

    /// <summary>
    /// Requires that a device can train in a precision, by trying what a training step needs on a few numbers, once a process.
    /// </summary>
    /// <param name="precision">The precision.</param>
    /// <param name="device">The device.</param>
    /// <exception cref="UnsupportedOpException">It cannot; the message names what it cannot do.</exception>
    public static void Require(Precision precision, Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (precision != Precision.Float32 && s_refusals.GetOrAdd((device.Real, precision), Probe) is { } refusal)
        {
            throw new UnsupportedOpException(refusal);
        }
    }

    /// <summary>Sets the precision without asking the device.</summary>
    /// <param name="precision">The precision.</param>
    /// <returns>What ends it.</returns>
    internal static AmbientChange Enter(Precision precision) => Ambient.Enter(Ambient.Now with { Precision = precision });

    /// <summary>An input as an op takes it.</summary>
    /// <param name="op">The op.</param>
    /// <param name="input">The input.</param>
    /// <param name="precision">The precision that holds.</param>
    /// <returns>The input, perhaps cast.</returns>
    internal static Tensor Cast(Op op, Tensor input, Precision precision) => op.AutocastClass switch
    {
        _ when input is null => throw new ArgumentNullException(nameof(input)),
        AutocastClass.Low when input.DType.Wide() == DType.Float32 => input.Cast(Low(precision)),
        AutocastClass.Full => input.Widen(),
        _ => input,
    };

    /// <summary>The inputs as an op takes them.</summary>
    /// <param name="op">The op.</param>
    /// <param name="inputs">The inputs.</param>
    /// <param name="precision">The precision that holds.</param>
    /// <returns>The inputs, perhaps cast.</returns>
    internal static Tensor[] Cast(Op op, ReadOnlySpan<Tensor> inputs, Precision precision) =>
        Array.ConvertAll(inputs.ToArray(), input => Cast(op, input, precision));

    /// <summary>The dtype in which an op of class <see cref="AutocastClass.Full"/> runs in this flow.</summary>
    /// <param name="dtype">The dtype of its input.</param>
    /// <returns>The same where autocast is off.</returns>
    internal static DType Full(DType dtype) => Precision == Precision.Float32 ? dtype : dtype.Wide();

    private static DType Low(Precision precision) => precision switch
    {
        Precision.BFloat16 => DType.BFloat16,
        Precision.Float16 => DType.Float16,
        _ => throw new InvalidAttributeException(nameof(Autocast), $"there is no precision {precision}."),
    };

    private static string? Probe((Device Device, Precision Precision) asked)
    {
        DType low = Low(asked.Precision);
        List<string> failures = [];
        using AmbientChange change = Ambient.Enter(new Ambient { Device = asked.Device });
        using TensorScope scope = new(nameof(Autocast));
        foreach ((string name, Func<Tensor, Tensor> function) in s_probes)
        {
            try
            {
                Tensor x = Tensor.Ones([1, 1, 4, 4], device: asked.Device).Cast(low).Track();
                Gradients.Of(function(x).Cast(DType.Float32).Sum(), [x])[0].Cast(DType.Float32).Sum().Item();
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                failures.Add($"{name} ({exception.Message})");
            }
        }

        return failures.Count == 0 ? null : $"{asked.Device} cannot train in {low.Name()}: it fails at {string.Join("; ", failures)}";
    }
}
