using DeepBridge;
using DeepBridge.Backends;
using DeepBridge.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>DeepBridge among an application's services.</summary>
public static class DeepBridgeServices
{
    /// <summary>
    /// Adds the backends and, as the service <see cref="Device"/>, the device that <see cref="DeepBridgeOptions"/> names. It
    /// becomes the process's default device when the host starts or when it is first asked for; one that no backend has
    /// stops the start with a <see cref="DeviceException"/>. The options come from the configuration's section
    /// "DeepBridge"; <c>services.Configure&lt;DeepBridgeOptions&gt;(…)</c> after this call wins over it. The embedded backend is
    /// there without being named. An endpoint asks for the device with <c>[FromServices]</c>: it can be parsed, so it would be
    /// looked for in the query.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="backends">Adds backends: <c>backends => backends.UseTorchSharp()</c>; calls add up.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddDeepBridge(this IServiceCollection services, Action<BackendRegistrations>? backends = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<DeepBridgeOptions>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<DeepBridgeOptions>, FromConfiguration>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, Startup>());
        BackendRegistrations? registrations = services
            .Select(service => service.ImplementationInstance)
            .OfType<BackendRegistrations>()
            .SingleOrDefault();
        if (registrations is null)
        {
            registrations = new BackendRegistrations();
            services.AddSingleton(registrations);
            services.AddSingleton(provider => Startup.Open(registrations, provider.GetRequiredService<IOptions<DeepBridgeOptions>>().Value));
        }

        backends?.Invoke(registrations);
        return services;
    }

    /// <summary>
    /// Adds a model, made once, on the configured device, and set to evaluation: its <see cref="Module{TInput, TOutput}.Call"/>
    /// may then be used by many requests at once.
    /// </summary>
    /// <typeparam name="TModule">The model.</typeparam>
    /// <param name="services">The services.</param>
    /// <param name="make">Makes it, loads its weights, or trains it; tensors that it makes lie on the configured device.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddModule<TModule>(this IServiceCollection services, Func<IServiceProvider, TModule> make)
        where TModule : Module
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(make);
        return services.AddSingleton(provider =>
        {
            using AmbientChange change = Device.Use(provider.GetRequiredService<Device>());
            TModule module = make(provider);
            module.Eval();
            return module;
        });
    }
}
