namespace DeepBridge.Torch;

/// <summary>How libtorch is set up; it holds for the process.</summary>
public sealed record TorchSharpOptions
{
    /// <summary>
    /// Threads that one op uses on <c>torch:cpu</c>; null: as many as there are processors. libtorch's own default can be 1.
    /// </summary>
    public int? Threads { get; init; }

    /// <summary>Threads for ops beside each other, which only scripts use; null: libtorch's default. Settable once in a process.</summary>
    public int? InteropThreads { get; init; }

    /// <summary>
    /// Whether matrix products and convolutions of float32 may be computed in TF32 on CUDA: 10 bits of mantissa. Off, unlike
    /// PyTorch's default for convolutions, so that devices agree.
    /// </summary>
    public bool AllowTF32 { get; init; }

    /// <summary>
    /// Whether the same program must give the same bits each time. <c>torch:cpu</c> does so in any case for a given number
    /// of threads; TorchSharp cannot ask CUDA for it, so that registering fails where there is a CUDA device.
    /// </summary>
    public bool Deterministic { get; init; }

    /// <summary>Whether registering fails, with the reason, where no CUDA device can be used.</summary>
    public bool RequireCuda { get; init; }

    /// <summary>
    /// Whether the host reads indices, labels and integer divisors before each op that bounds them; null: on
    /// <c>torch:cpu</c>, where it costs little. Where it does not, a bad value is made harmless on the device, and the error
    /// comes when something is read back or <c>Synchronize</c> is called, with the op's name and the module's path. For
    /// debugging on CUDA: true.
    /// </summary>
    public bool? ChecksAtOnce { get; init; }
}
