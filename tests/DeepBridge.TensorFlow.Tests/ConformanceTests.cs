using DeepBridge.Testing;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace DeepBridge.TensorFlow.Tests;

/// <summary>The conformance suite, op by op.</summary>
public sealed class EagerConformanceTests : BackendConformance
{
    static EagerConformanceTests() => TensorFlowBackend.Register();

    /// <inheritdoc/>
    protected override Device Device => "tensorflow:cpu";
}
