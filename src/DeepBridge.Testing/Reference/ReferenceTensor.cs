using DeepBridge.Backends;

namespace DeepBridge.Testing;

/// <summary>Row-major data that nobody writes to: doubles of a floating dtype, longs of any other.</summary>
internal sealed class ReferenceTensor(TensorSpec spec, Device device, double[] reals, long[] wholes) : BackendTensor(spec, device)
{
    internal double[] Reals { get; private set; } = reals;

    internal long[] Wholes { get; private set; } = wholes;

    /// <summary>Forgets the elements, so that a use after the release fails.</summary>
    protected override void Free() => (Reals, Wholes) = ([], []);
}
