namespace DeepBridge.Extensions.DependencyInjection;

/// <summary>What an application's configuration says of DeepBridge, in the section <see cref="Section"/>.</summary>
public sealed class DeepBridgeOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "DeepBridge";

    /// <summary>The default device, such as "cpu" or "torch:cuda:0"; null: as <see cref="Device.Default"/> says without it.</summary>
    public string? Device { get; set; }

    /// <summary>The seed of the process's generator; null: it stays as it is.</summary>
    public long? Seed { get; set; }
}
