namespace DeepBridge.Torch.Tests;

/// <summary>Registers the backend once for all tests.</summary>
internal static class Setup
{
    /// <summary>
    /// With one thread, since threads of libtorch spin where machines are shared; with as many as there are processors where
    /// the proof is run. The conformance suite wants an error at once, also of CUDA.
    /// </summary>
    internal static void Register() => TorchSharpBackend.Register(
        new TorchSharpOptions { Threads = Environment.GetEnvironmentVariable("DEEPBRIDGE_PROOF") == "full" ? null : 1, ChecksAtOnce = true });
}
