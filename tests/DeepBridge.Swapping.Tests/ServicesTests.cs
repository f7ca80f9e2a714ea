using DeepBridge.Extensions.DependencyInjection;
using DeepBridge.Layers;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Options;

namespace DeepBridge.Swapping.Tests;

/// <summary>A backend is swapped by a line of configuration.</summary>
public sealed class ServicesTests
{
    static ServicesTests() => Backends.Others.Should().NotBeEmpty();

    public static TheoryData<string> Devices => ["cpu", .. Backends.Others.Select(row => row.Data)];

    /// <summary>The device comes from the configuration, and becomes the process's default with the host's start.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public async Task The_configuration_names_the_device(string name)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Configuration.AddInMemoryCollection([new("DeepBridge:Device", name), new("DeepBridge:Seed", "5")]);
        builder.Services.AddDeepBridge();
        builder.Services.AddModule(_ => new Linear(3, 2));
        using IHost host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);

        Device.Default.Name.Should().Be(name);
        host.Services.GetRequiredService<Device>().Should().BeSameAs(Device.Default);
        Linear model = host.Services.GetRequiredService<Linear>();
        model.Parameters.Should().OnlyContain(parameter => parameter.Device.Name == name);
        model.IsTraining.Should().BeFalse();
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>The same seed gives the same weights, whatever device the configuration names.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void The_seed_gives_the_same_weights_everywhere(string name)
    {
        float[] Weights(string device)
        {
            ServiceCollection services = new();
            services.AddDeepBridge().AddModule(_ => new Linear(5, 4)).Configure<DeepBridgeOptions>(options => (options.Device, options.Seed) = (device, 7));
            using ServiceProvider provider = services.BuildServiceProvider();
            return provider.GetRequiredService<Linear>().Parameters.First().Value.ToArray<float>();
        }

        Weights(name).Should().Equal(Weights("cpu")).And.OnlyHaveUniqueItems();
    }

    /// <summary>A device that is not there stops the start, and the message lists those that are.</summary>
    [Fact]
    public async Task An_unknown_device_stops_the_start()
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(["--DeepBridge:Device=abacus:3"]);
        builder.Services.AddDeepBridge();
        using IHost host = builder.Build();
        await FluentActions.Awaiting(() => host.StartAsync(TestContext.Current.CancellationToken)).Should().ThrowAsync<DeviceException>().WithMessage("*abacus:3*cpu*");
    }

    /// <summary>So does a seed that is no integer.</summary>
    [Fact]
    public void A_seed_is_an_integer()
    {
        ServiceCollection services = new();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection([new("DeepBridge:Seed", "lucky")]).Build());
        services.AddDeepBridge();
        using ServiceProvider provider = services.BuildServiceProvider();
        provider.Invoking(p => p.GetRequiredService<Device>()).Should().Throw<OptionsValidationException>().WithMessage("*lucky*");
    }

    /// <summary>Registrations of several calls add up, each once, and run when the device is asked for.</summary>
    [Fact]
    public void Backends_of_several_calls_add_up()
    {
        List<string> registered = [];
        ServiceCollection services = new();
        services.AddDeepBridge(backends => backends.Use(() => registered.Add("one"))).AddDeepBridge(backends => backends.Use(() => registered.Add("two")));
        using ServiceProvider provider = services.BuildServiceProvider();
        registered.Should().BeEmpty();
        provider.GetRequiredService<Device>().Should().BeSameAs(provider.GetRequiredService<Device>());
        registered.Should().Equal("one", "two");
    }

    /// <summary>The sample service learns and reads digits on the device that its configuration names.</summary>
    [Theory]
    [MemberData(nameof(ServiceDevices))]
    public async Task The_sample_service_reads_digits(string name)
    {
        await using WebApplication service = Service.DigitsService.Build([$"--DeepBridge:Device={name}", "--DeepBridge:Seed=0"], builder => builder.WebHost.UseTestServer());
        await service.StartAsync(TestContext.Current.CancellationToken);
        HttpClient client = service.GetTestClient();
        (await client.GetStringAsync("/", TestContext.Current.CancellationToken)).Should().StartWith($"{name}: ");

        Digits.DigitsFile digits = Digits.DigitsFile.Read(Digits.DigitsFile.Carried, labelled: true);
        float[][] images = [.. digits.Pixels.Chunk(64).Skip(1437).Select(image => image.Select(pixel => pixel * 16).ToArray())];
        HttpResponseMessage response = await client.PostAsJsonAsync("/read", images, TestContext.Current.CancellationToken);
        long[] read = (await response.Content.ReadFromJsonAsync<long[]>(TestContext.Current.CancellationToken))!;
        read.Zip(digits.Labels.Skip(1437)).Count(pair => pair.First == pair.Second).Should().BeGreaterThan(images.Length * 85 / 100);

        HttpResponseMessage refused = await client.PostAsJsonAsync("/read", new[] { new[] { 1f, 17f } }, TestContext.Current.CancellationToken);
        ((int)refused.StatusCode).Should().Be(400);
        await service.StopAsync(TestContext.Current.CancellationToken);
    }

    public static TheoryData<string> ServiceDevices => [.. Devices.Select(row => row.Data).Where(name => name != "reference")];
}
