using System.Reflection;
using System.Runtime.InteropServices;

namespace DeepBridge.TensorFlow.Native;

/// <summary>Finds libtensorflow, and answers for it when .NET looks for the declarations' library.</summary>
internal static unsafe partial class LibraryLoader
{
    /// <summary>The variable that names a libtensorflow.</summary>
    internal const string Variable = "DEEPBRIDGE_TENSORFLOW_LIBRARY";

    private static readonly string[] s_names = OperatingSystem.IsWindows() ? ["tensorflow.dll"]
        : OperatingSystem.IsMacOS() ? ["libtensorflow_cc.2.dylib", "libtensorflow.2.dylib", "libtensorflow.dylib"]
        : ["libtensorflow_cc.so.2", "libtensorflow.so.2", "libtensorflow.so"];

    /// <summary>What no version that we take lacks, but a slimmed build may.</summary>
    private static readonly string[] s_needed =
    [
        "TF_Version", "TFE_NewContext", "TFE_Execute", "TFE_OpReset", "TFE_TensorHandleDevicePointer", "TFE_TensorHandleCopySharingTensor",
        "TF_GraphToFunctionWithControlOutputs", "TFE_ContextAddFunction", "TF_SetAttrIntList",
    ];

    private static nint s_library;

    /// <summary>Loads the library.</summary>
    /// <param name="path">The file or its folder, or null; see <see cref="TensorFlowOptions.LibraryPath"/>.</param>
    /// <param name="xla">Whether XLA will be used, whose fast maxima drop NaN.</param>
    /// <returns>The version.</returns>
    /// <exception cref="BackendUnavailableException">There is none, or it is not fit.</exception>
    internal static Version Load(string? path, bool xla)
    {
        if (xla)
        {
            SetDefault("XLA_FLAGS", "--xla_cpu_enable_fast_min_max=false");
        }

        SetDefault("TF_CPP_MIN_LOG_LEVEL", "2");
        s_library = Open(path);
        foreach (Assembly assembly in new[] { typeof(C).Assembly, typeof(Tensorflow.c_api).Assembly })
        {
            try
            {
                NativeLibrary.SetDllImportResolver(assembly, static (name, _, _) => name == C.Library ? s_library : 0);
            }
            catch (InvalidOperationException)
            {
                // The program resolves it by itself already, or a first attempt failed after this point.
            }
        }

        string[] missing = [.. s_needed.Where(name => !Has(name))];
        if (missing.Length > 0)
        {
            throw Unavailable($"it lacks {string.Join(", ", missing)}");
        }

        // A declaration would go on calling the library that it met first.
        string text = C.Text(((delegate* unmanaged[Cdecl]<byte*>)NativeLibrary.GetExport(s_library, "TF_Version"))());
        return Version.TryParse(text.Split('-')[0], out Version? version) && version >= new Version(2, 14)
            ? version
            : throw Unavailable($"it is version {text}, and 2.14 is the oldest that will do");
    }

    /// <summary>Whether the library that was loaded has an export.</summary>
    /// <param name="name">The export.</param>
    /// <returns>True where it has.</returns>
    internal static bool Has(string name) => NativeLibrary.TryGetExport(s_library, name, out _);

    private static BackendUnavailableException Unavailable(string why) =>
        new("tensorflow", $"The library of TensorFlow that was found is not fit: {why}. Name another by TensorFlowOptions.LibraryPath or {Variable}.");

    private static nint Open(string? path)
    {
        string? named = path ?? Environment.GetEnvironmentVariable(Variable);
        if (!string.IsNullOrEmpty(named))
        {
            string file = Directory.Exists(named) ? Find(named) ?? named : named;
            try
            {
                return NativeLibrary.Load(Path.GetFullPath(file));
            }
            catch (Exception error) when (error is DllNotFoundException or BadImageFormatException)
            {
                throw new BackendUnavailableException("tensorflow", $"The library of TensorFlow that was named, {file}, cannot be loaded: {error.Message}", error);
            }
        }

        string cache = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "deepbridge", "tensorflow");
        if (Find(cache) is { } cached && NativeLibrary.TryLoad(cached, out nint library))
        {
            return library;
        }

        Assembly tensorflow = typeof(Tensorflow.c_api).Assembly;
        return NativeLibrary.TryLoad(C.Library, tensorflow, null, out library) ? library : throw new BackendUnavailableException(
            "tensorflow",
            $"There is no library of TensorFlow. Add the package SciSharp.TensorFlow.Redist, or name a libtensorflow of 2.14 or newer by TensorFlowOptions.LibraryPath or the environment variable {Variable}.");
    }

    private static string? Find(string folder) => s_names.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>Sets a variable that the library reads while it is loaded, unless the user has set it: .NET's own are not seen by libc.</summary>
    private static void SetDefault(string name, string value)
    {
        if (Environment.GetEnvironmentVariable(name) is null)
        {
            _ = OperatingSystem.IsWindows() ? PutEnvironment(name, value) : SetEnvironment(name, value, 0);
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    [LibraryImport("ucrtbase", EntryPoint = "_putenv_s", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int PutEnvironment(string name, string value);
}
