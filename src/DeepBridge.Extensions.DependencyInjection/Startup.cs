using System.Globalization;
using DeepBridge.Backends;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace DeepBridge.Extensions.DependencyInjection;

/// <summary>Asks for the device as the application starts, so that a device that is not there stops it then.</summary>
internal sealed class Startup(Device device) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        device.Synchronize();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Registers the backends and makes what the options name the process's defaults.</summary>
    internal static Device Open(BackendRegistrations backends, DeepBridgeOptions options)
    {
        backends.Register();
        Device device = options.Device is null ? Device.Default : Device.Parse(options.Device);
        Device.SetDefault(device);
        if (options.Seed is { } seed)
        {
            RandomGenerator.Seed(seed);
        }

        return device;
    }
}

/// <summary>Reads the options from the configuration, where there is one; by hand, as a binder would need reflection.</summary>
internal sealed class FromConfiguration(IConfiguration? configuration = null) : IConfigureOptions<DeepBridgeOptions>
{
    public void Configure(DeepBridgeOptions options)
    {
        IConfigurationSection? section = configuration?.GetSection(DeepBridgeOptions.Section);
        options.Device = section?[nameof(DeepBridgeOptions.Device)] ?? options.Device;
        if (section?[nameof(DeepBridgeOptions.Seed)] is { } seed)
        {
            options.Seed = long.TryParse(seed, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
                ? value
                : throw new OptionsValidationException(
                    nameof(DeepBridgeOptions), typeof(DeepBridgeOptions), [$"{section.Path}:{nameof(DeepBridgeOptions.Seed)} is an integer, not '{seed}'."]);
        }
    }
}
