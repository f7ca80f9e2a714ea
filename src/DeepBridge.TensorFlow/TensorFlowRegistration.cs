using DeepBridge.Backends;

namespace DeepBridge.TensorFlow;

/// <summary>The backend among those of an application.</summary>
public static class TensorFlowRegistration
{
    /// <summary>Adds the backend on TensorFlow: <c>backends.UseTensorFlow(options => options with { IntraOpThreads = 4 })</c>.</summary>
    /// <param name="backends">The application's backends.</param>
    /// <param name="configure">From the default options to those of the application; null: the defaults.</param>
    /// <returns>The application's backends.</returns>
    public static BackendRegistrations UseTensorFlow(
        this BackendRegistrations backends, Func<TensorFlowOptions, TensorFlowOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(backends);
        return backends.Use(() => TensorFlowBackend.Register(configure?.Invoke(new TensorFlowOptions())));
    }
}
