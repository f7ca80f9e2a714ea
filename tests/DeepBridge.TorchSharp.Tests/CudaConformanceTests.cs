using DeepBridge.Testing;

namespace DeepBridge.Torch.Tests;

/// <summary>libtorch's first CUDA device against the conformance suite, wherever there is one.</summary>
public sealed class CudaConformanceTests : BackendConformance
{
    public CudaConformanceTests()
    {
        Setup.Register();
        Assert.SkipUnless(DeepBridge.Device.TryParse("torch:cuda:0", out _), "TorchSharp reports no CUDA device.");
    }

    /// <inheritdoc/>
    protected override Device Device => "torch:cuda:0";

    /// <summary>Skipped alone where the suite cannot run.</summary>
    [Fact]
    public void There_is_a_GPU() => Device.ToString().Should().Be("torch:cuda:0");
}
