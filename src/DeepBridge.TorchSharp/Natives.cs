using System.Runtime.InteropServices;

namespace DeepBridge.Torch;

/// <summary>Loads libtorch once, and says what is missing where it does not load.</summary>
internal static class Natives
{
    private const string Packages = "TorchSharp-cpu, TorchSharp-cuda-linux or TorchSharp-cuda-windows";

    /// <summary>Loads the native libraries.</summary>
    /// <exception cref="BackendUnavailableException">They are missing, or do not load here.</exception>
    internal static void Load()
    {
        // Loaded here first, so that TorchSharp finds them loaded and prints nothing; it has other places to look in.
        System.Reflection.Assembly assembly = typeof(torch).Assembly;
        _ = NativeLibrary.TryLoad("torch_cpu", assembly, null, out _) & NativeLibrary.TryLoad("LibTorchSharp", assembly, null, out _);
        try
        {
            torch.InitializeDeviceType(DeviceType.CPU);
        }
        catch (Exception error) when (error is TypeInitializationException or DllNotFoundException or NotSupportedException
            or EntryPointNotFoundException or BadImageFormatException or ExternalException or InvalidOperationException)
        {
            throw new BackendUnavailableException("torch", $"libtorch did not load. {WhatWasTried(assembly)}\n{Innermost(error).Message}", error);
        }
    }

    /// <summary>Why there is no CUDA device.</summary>
    /// <returns>The error.</returns>
    internal static BackendUnavailableException NoCuda()
    {
        System.Reflection.Assembly assembly = typeof(torch).Assembly;
        string driver = OperatingSystem.IsWindows() ? "nvcuda" : "libcuda.so.1";
        string reason = !NativeLibrary.TryLoad("torch_cuda", assembly, null, out _)
            ? $"The library torch_cuda did not load: the libtorch that is installed computes on the processor alone, or libraries of CUDA are missing. "
                + $"Reference TorchSharp-cuda-linux or TorchSharp-cuda-windows instead of TorchSharp-cpu. {WhatWasTried(assembly)}"
            : !NativeLibrary.TryLoad(driver, out _)
                ? $"libtorch has CUDA, but {driver} did not load: install NVIDIA's driver."
                : "libtorch and the driver are there, but no device can be used: the driver may be too old for libtorch's CUDA, or "
                    + "CUDA_VISIBLE_DEVICES hides the devices. `nvidia-smi` says which CUDA the driver supports.";
        return new BackendUnavailableException("torch", $"no CUDA device. {reason}");
    }

    private static string WhatWasTried(System.Reflection.Assembly assembly) =>
        $"Looked for torch_cpu and LibTorchSharp in {AppContext.BaseDirectory}, in runtimes/{RuntimeInformation.RuntimeIdentifier}/native, "
        + $"and on the system's path for libraries; {Path.GetFileName(assembly.Location)} is {assembly.GetName().Version}. "
        + $"Add one of the packages {Packages}, of TorchSharp's version, to the program.";

    private static Exception Innermost(Exception error) => error.InnerException is { } inner ? Innermost(inner) : error;
}
