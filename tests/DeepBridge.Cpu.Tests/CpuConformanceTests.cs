using DeepBridge.Testing;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace DeepBridge.Cpu.Tests;

/// <summary>The embedded backend against the conformance suite.</summary>
public sealed class CpuConformanceTests : BackendConformance
{
    static CpuConformanceTests() => CpuBackend.Register();

    /// <inheritdoc/>
    protected override Device Device => "cpu";
}
