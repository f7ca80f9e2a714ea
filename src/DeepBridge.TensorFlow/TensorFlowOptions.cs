namespace DeepBridge.TensorFlow;

/// <summary>How TensorFlow is found and set up; it is read once, by the first <see cref="TensorFlowBackend.Register"/>.</summary>
public sealed record TensorFlowOptions
{
    /// <summary>
    /// A libtensorflow, 2.14 or newer: the file, or the folder that holds it. Null: what the environment variable
    /// <c>DEEPBRIDGE_TENSORFLOW_LIBRARY</c> names, else what lies in the folder <c>.cache/deepbridge/tensorflow</c> of the
    /// user, else the system's or the package's <c>tensorflow</c>.
    /// </summary>
    public string? LibraryPath { get; init; }

    /// <summary>Threads that share the work of one kernel; 0: as many as the machine has cores.</summary>
    public int IntraOpThreads { get; init; }

    /// <summary>Threads that run different kernels of one graph at a time; 0: as many as the machine has cores.</summary>
    public int InterOpThreads { get; init; }

    /// <summary>Whether idle threads wait actively, which buys microseconds with a core; off by default.</summary>
    public bool SpinningThreads { get; init; }

    /// <summary>Whether memory of a GPU is taken as it is needed, instead of all of it at once; on by default.</summary>
    public bool GrowingGpuMemory { get; init; } = true;

    /// <summary>Whether compiled graphs go through XLA; off by default. <c>docs/tensorflow.md</c> says when it pays.</summary>
    public bool Xla { get; init; }
}
