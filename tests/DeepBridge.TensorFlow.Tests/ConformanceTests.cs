using DeepBridge.Backends;
using DeepBridge.Testing;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace DeepBridge.TensorFlow.Tests;

/// <summary>The conformance suite, op by op.</summary>
public sealed class EagerConformanceTests : BackendConformance
{
    static EagerConformanceTests() => TensorFlowBackend.Register();

    /// <inheritdoc/>
    protected override Device Device => "tensorflow:cpu";

    /// <inheritdoc/>
    protected override string? SkipReason(OpCase one) => Environment.GetEnvironmentVariable("DEEPBRIDGE_SAMPLE") == "tenth" ? Sample.Skip(one) : null;
}

/// <summary>The conformance suite, each op as a native function of its own.</summary>
public sealed class CompiledConformanceTests : BackendConformance
{
    static CompiledConformanceTests() => TensorFlowBackend.Register();

    /// <inheritdoc/>
    protected override Device Device => "tensorflow:cpu";

    /// <inheritdoc/>
    protected override Wrapper Wrapped => new CompiledOps();

    /// <inheritdoc/>
    protected override string? SkipReason(OpCase one) => Sample.Skip(one);
}

/// <summary>The conformance suite on the first GPU, where TensorFlow sees one.</summary>
public sealed class GpuConformanceTests : BackendConformance
{
    /// <summary>Registers TensorFlow, and skips where it sees no GPU.</summary>
    public GpuConformanceTests()
    {
        TensorFlowBackend.Register();
        Assert.SkipUnless(DeepBridge.Device.TryParse("tensorflow:gpu:0", out _), "TensorFlow reports no GPU.");
    }

    /// <inheritdoc/>
    protected override Device Device => "tensorflow:gpu:0";

    /// <summary>Skipped alone where the suite cannot run.</summary>
    [Fact]
    public void There_is_a_GPU() => Device.ToString().Should().Be("tensorflow:gpu:0");
}

/// <summary>Which cases run where compiling each would take too long: a tenth, the first of each op among them.</summary>
internal static class Sample
{
    internal static bool IsFull => Environment.GetEnvironmentVariable("DEEPBRIDGE_PROOF") == "full";

    internal static string? Skip(OpCase one) => Takes(one.ToString(), 10) || ReferenceEquals(one, OpCases.Of(one.Op.Name)[0])
        ? null
        : "a tenth runs; all of it with DEEPBRIDGE_PROOF=full";

    /// <summary>Whether something is among one of so many, always the same.</summary>
    internal static bool Takes(string name, uint of)
    {
        uint hash = 17;
        foreach (char letter in name)
        {
            hash = unchecked((hash * 31) + letter);
        }

        return IsFull || hash % of == 3;
    }
}
