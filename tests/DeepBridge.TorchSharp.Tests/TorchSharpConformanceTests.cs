using DeepBridge.Testing;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace DeepBridge.Torch.Tests;

/// <summary>libtorch's processor device against the conformance suite.</summary>
public sealed class TorchSharpConformanceTests : BackendConformance
{
    static TorchSharpConformanceTests() => Setup.Register();

    /// <inheritdoc/>
    protected override Device Device => "torch:cpu";
}
