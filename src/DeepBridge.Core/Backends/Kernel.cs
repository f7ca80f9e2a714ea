using DeepBridge.Ops;

namespace DeepBridge.Backends;

/// <summary>What an op is executed with.</summary>
/// <param name="device">Where the outputs go; the inputs lie there too.</param>
/// <param name="inputs">The data of the inputs.</param>
/// <param name="outputSpecs">The specs that the op's rule inferred.</param>
/// <param name="outputs">Where the results go, one count each.</param>
/// <param name="donated">Bit i: input i is dead after this op and held by nobody else.</param>
public readonly ref struct KernelCall(
    Device device,
    ReadOnlySpan<BackendTensor> inputs,
    ReadOnlySpan<TensorSpec> outputSpecs,
    Span<BackendTensor> outputs,
    ulong donated = 0)
{
    /// <summary>Where the outputs go; the inputs lie there too.</summary>
    public Device Device { get; } = device;

    /// <summary>The data of the inputs.</summary>
    public ReadOnlySpan<BackendTensor> Inputs { get; } = inputs;

    /// <summary>The specs of the outputs.</summary>
    public ReadOnlySpan<TensorSpec> OutputSpecs { get; } = outputSpecs;

    /// <summary>Where the results go. Each must be new, or an input (or alias of one) with a count added.</summary>
    public Span<BackendTensor> Outputs { get; } = outputs;

    /// <summary>Bit i: input i is dead after this op and held by nobody else; an output may be written into it.</summary>
    public ulong Donated { get; } = donated;

    /// <summary>Whether an output may be written into input <paramref name="index"/>.</summary>
    /// <param name="index">The input.</param>
    /// <returns>True where it is dead after this op and held by nobody else.</returns>
    public bool IsDonated(int index) => index < 64 && ((Donated >> index) & 1) != 0;
}

/// <summary>Computes one op.</summary>
/// <typeparam name="TOp">The op; its attributes are typed fields.</typeparam>
/// <param name="op">The op.</param>
/// <param name="call">Inputs, specs and the place of the outputs.</param>
public delegate void Kernel<in TOp>(TOp op, in KernelCall call)
    where TOp : Op;

/// <summary>Whether a kernel takes an op with these attributes and inputs.</summary>
/// <typeparam name="TOp">The op.</typeparam>
/// <param name="op">The op.</param>
/// <param name="inputs">The specs of the inputs.</param>
/// <returns>False: the core decomposes the op, or says that the device has no way to run it.</returns>
public delegate bool When<in TOp>(TOp op, ReadOnlySpan<TensorSpec> inputs)
    where TOp : Op;

/// <summary>Who executes ops: a backend, or a wrapper around one.</summary>
public abstract class Executor
{
    /// <summary>Executes an op.</summary>
    /// <param name="op">The op; its rule has accepted the inputs.</param>
    /// <param name="call">Inputs, specs and the place of the outputs.</param>
    public abstract void Execute(Op op, in KernelCall call);
}
