namespace DeepBridge.Backends;

/// <summary>
/// The backends that an application is built with, collected first and registered when it starts. Each backend's package
/// adds itself with an extension method, such as <c>UseTorchSharp</c>.
/// </summary>
public sealed class BackendRegistrations
{
    private readonly List<Action> _registrations = [];

    /// <summary>Adds a backend.</summary>
    /// <param name="register">Registers it, such as <c>CpuBackend.Register</c>; it may be called more than once.</param>
    /// <returns>This.</returns>
    public BackendRegistrations Use(Action register)
    {
        ArgumentNullException.ThrowIfNull(register);
        _registrations.Add(register);
        return this;
    }

    /// <summary>Registers the backends, in the order in which they were added.</summary>
    public void Register()
    {
        foreach (Action registration in _registrations)
        {
            registration();
        }
    }
}
