using System.Collections.Concurrent;
using DeepBridge.Backends;
using DeepBridge.Memory;

namespace DeepBridge;

/// <summary>
/// Where tensors live and ops run. A device names its backend: <c>cpu</c>, <c>torch:cuda:0</c>,
/// <c>tensorflow:gpu:0</c>; that name is the one word that swaps a backend. There is one object a device, so devices
/// are compared by reference.
/// </summary>
public sealed class Device
{
    private static readonly ConcurrentDictionary<string, Device> s_devices = new(StringComparer.OrdinalIgnoreCase);
    private static Device? s_first;
    private static Device? s_default;

    /// <summary>Makes a device; only backends do.</summary>
    /// <param name="backend">The backend that runs its ops.</param>
    /// <param name="name">The full name, which begins with the backend's.</param>
    public Device(Backend backend, string name)
    {
        ArgumentNullException.ThrowIfNull(backend);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Executor = backend;
        Backend = backend;
        Name = name;
        Real = this;
    }

    /// <summary>A stand-in for a device while a graph is traced.</summary>
    /// <param name="executor">The tracer.</param>
    /// <param name="real">The device that it stands for.</param>
    internal Device(Executor executor, Device real)
    {
        Executor = executor;
        Backend = real.Backend;
        Name = real.Name;
        Real = real;
    }

    /// <summary>The registered devices, by name.</summary>
    public static IReadOnlyList<Device> All => [.. s_devices.Values.OrderBy(device => device.Name, StringComparer.Ordinal)];

    /// <summary>
    /// Where tensors are created now: the innermost <see cref="Use(Device)"/>, else what <see cref="SetDefault"/> said,
    /// else the variable <c>DEEPBRIDGE_DEVICE</c>, else the first device that was registered.
    /// </summary>
    /// <exception cref="DeviceException">No backend is registered, or the variable names none.</exception>
    public static Device Default => Ambient.Now.Device ?? s_default ?? ProcessDefault();

    /// <summary>The full name.</summary>
    public string Name { get; }

    /// <summary>The backend that runs this device's ops.</summary>
    public Backend Backend { get; }

    /// <summary>Who executes: the backend, or a tracer.</summary>
    internal Executor Executor { get; }

    /// <summary>The device itself, or the one that it stands for while tracing.</summary>
    internal Device Real { get; }

    /// <summary>Small constants that ops on this device share.</summary>
    internal ConstantCache Constants { get; } = new();

    /// <summary>The device of that name.</summary>
    /// <param name="name">The name.</param>
    /// <exception cref="DeviceException">There is none.</exception>
    public static implicit operator Device(string name) => Parse(name);

    /// <summary>Makes a backend's devices known by name. Registering the same object again does nothing.</summary>
    /// <param name="backend">The backend.</param>
    /// <exception cref="DeviceException">Another backend has a device of that name.</exception>
    public static void Register(Backend backend)
    {
        ArgumentNullException.ThrowIfNull(backend);
        foreach (Device device in backend.Devices)
        {
            Device known = s_devices.GetOrAdd(device.Name, device);
            if (!ReferenceEquals(known, device))
            {
                throw new DeviceException($"Another backend has registered a device '{device.Name}': register one object, once or again.");
            }

            Interlocked.CompareExchange(ref s_first, device, null);
        }
    }

    /// <summary>The device of that name; <c>torch:cuda</c> means <c>torch:cuda:0</c>.</summary>
    /// <param name="name">The name, in any case.</param>
    /// <returns>The device.</returns>
    /// <exception cref="DeviceException">There is none.</exception>
    public static Device Parse(string name) =>
        TryParse(name, out Device? device)
            ? device
            : throw new DeviceException(
                $"There is no device '{name}'. Registered: {(s_devices.IsEmpty ? "none" : string.Join(", ", All))}. "
                + "Add the package of its backend and register it before use.");

    /// <summary>The device of that name, if there is one.</summary>
    /// <param name="name">The name, in any case.</param>
    /// <param name="device">The device.</param>
    /// <returns>Whether there is one.</returns>
    public static bool TryParse(string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Device? device)
    {
        ArgumentNullException.ThrowIfNull(name);
        return s_devices.TryGetValue(name, out device) || s_devices.TryGetValue(name + ":0", out device);
    }

    /// <summary>Makes a device the default of the process.</summary>
    /// <param name="device">The device.</param>
    public static void SetDefault(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        s_default = device;
    }

    /// <summary>Makes a device the default of this flow until the result is disposed.</summary>
    /// <param name="device">The device.</param>
    /// <returns>What ends it.</returns>
    public static AmbientChange Use(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return Ambient.Enter(Ambient.Now with { Device = device });
    }

    /// <summary>Waits until everything asked of this device is done.</summary>
    public void Synchronize() => Backend.Synchronize(Real);

    /// <summary>The full name.</summary>
    /// <returns>The name.</returns>
    public override string ToString() => Name;

    private static Device ProcessDefault()
    {
        string? name = Environment.GetEnvironmentVariable("DEEPBRIDGE_DEVICE");
        return !string.IsNullOrEmpty(name) ? Parse(name) : Volatile.Read(ref s_first) ?? throw new DeviceException(
            "No backend is registered. Reference the package DeepBridge, whose embedded backend registers itself, or register one by hand.");
    }
}
