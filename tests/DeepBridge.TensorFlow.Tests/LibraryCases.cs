using System.Diagnostics;
using DeepBridge.Backends;

namespace DeepBridge.TensorFlow.Tests;

/// <summary>How a missing or unfit library is met. Runs where none is loaded yet.</summary>
public sealed class MissingLibraryCases
{
    [Fact(Explicit = true)]
    public void A_missing_an_unfit_and_at_last_a_fit_library()
    {
        Action missing = () => TensorFlowBackend.Register(new TensorFlowOptions { LibraryPath = "/nowhere/libtensorflow.so.2" });
        missing.Should().Throw<BackendUnavailableException>().Which.Backend.Should().Be("tensorflow");
        missing.Should().Throw<BackendUnavailableException>().WithMessage("*/nowhere/libtensorflow.so.2*");
        BackendRegistrations added = new BackendRegistrations().UseTensorFlow(options => options with { LibraryPath = "/nowhere" });
        added.Invoking(backends => backends.Register()).Should().Throw<BackendUnavailableException>("adding loads nothing").WithMessage("*/nowhere*");
        string other = NamedLibraryCases.Module("clrjit");
        Action unfit = () => TensorFlowBackend.Register(new TensorFlowOptions { LibraryPath = other });
        unfit.Should().Throw<BackendUnavailableException>().WithMessage("*lacks*TFE_Execute*");
        TensorFlowOptions options = new() { IntraOpThreads = 1, InterOpThreads = 1 };
        TensorFlowBackend backend = TensorFlowBackend.Register(options);
        backend.Version.Should().BeGreaterThanOrEqualTo(new Version(2, 14));
        TensorFlowBackend.Register().Should().BeSameAs(backend);
        new BackendRegistrations().UseTensorFlow().UseTensorFlow(defaults => defaults with { IntraOpThreads = 1, InterOpThreads = 1 }).Register();
        added.Invoking(backends => backends.Register()).Should().Throw<DeviceException>("it is set up otherwise");
        Action again = () => TensorFlowBackend.Register(new TensorFlowOptions { Xla = true });
        again.Should().Throw<DeviceException>();
        (Tensor.Ones([2], device: "tensorflow:cpu") + 1).ToArray<float>().Should().Equal(2, 2);
    }
}

/// <summary>The library that the environment names, where nothing is loaded yet.</summary>
public sealed class NamedLibraryCases
{
    internal const string Variable = "DEEPBRIDGE_TENSORFLOW_LIBRARY";

    [Fact(Explicit = true)]
    public void The_environment_decides()
    {
        string named = Environment.GetEnvironmentVariable(Variable)!;
        if (!Path.Exists(named))
        {
            Action missing = () => TensorFlowBackend.Register();
            missing.Should().Throw<BackendUnavailableException>().WithMessage($"*{named}*");
            return;
        }

        TensorFlowBackend.Register();
        Loaded().Should().StartWith(named);
    }

    /// <summary>The library of TensorFlow that this process has loaded.</summary>
    internal static string Loaded() => Module("tensorflow_cc", "tensorflow.so", "tensorflow.dll", "tensorflow.2.dylib");

    /// <summary>The file of a library that this process has loaded, by a part of its name.</summary>
    internal static string Module(params string[] parts) => Process.GetCurrentProcess().Modules.Cast<ProcessModule>()
        .Select(module => module.FileName).First(file => parts.Any(part => Path.GetFileName(file).Contains(part, StringComparison.Ordinal)));
}
