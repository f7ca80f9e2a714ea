namespace DeepBridge.Torch;

/// <summary>The backend among those of an application.</summary>
public static class TorchSharpRegistration
{
    /// <summary>Adds the backend on libtorch: <c>backends.UseTorchSharp(options => options with { Threads = 4 })</c>.</summary>
    /// <param name="backends">The application's backends.</param>
    /// <param name="configure">From the default options to those of the application; null: the defaults.</param>
    /// <returns>The application's backends.</returns>
    public static BackendRegistrations UseTorchSharp(
        this BackendRegistrations backends, Func<TorchSharpOptions, TorchSharpOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(backends);
        return backends.Use(() => TorchSharpBackend.Register(configure?.Invoke(new TorchSharpOptions())));
    }
}
