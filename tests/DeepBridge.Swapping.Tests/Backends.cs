using DeepBridge.Cpu;
using DeepBridge.Testing;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace DeepBridge.Swapping.Tests;

/// <summary>The devices that a test swaps to: the reference backend always, the engines where the build has them.</summary>
internal static class Backends
{
    static Backends()
    {
        CpuBackend.Register();
        Device.Register(ReferenceBackend.Instance);
        Samples.Engines.Register("torch:cpu");
        Samples.Engines.Register("tensorflow:cpu");
    }

    /// <summary>Every device of another backend than the embedded one.</summary>
    public static TheoryData<string> Others => [.. Device.All.Select(device => device.Name).Where(name => name != "cpu")];

    /// <summary>The engines' devices; the reference backend is too slow for long runs.</summary>
    public static TheoryData<string> Engines => [.. Others.Select(row => row.Data).Where(name => name != "reference").DefaultIfEmpty("none")];

    /// <summary>Skips a test where no engine was built in.</summary>
    internal static void Require(string device) => Assert.SkipWhen(device == "none", "no engine was built in: the machine's feed has none");
}
