using DeepBridge.Backends;

namespace DeepBridge.Tests;

/// <summary>A second backend with a device of its own, <c>other</c>. It holds data and computes nothing.</summary>
internal sealed class OtherBackend : Backend
{
    private readonly Device _device;

    private OtherBackend() => _device = new Device(this, "other");

    public static Device Device { get; } = new OtherBackend()._device;

    public override string Name => "other";

    public override IReadOnlyList<Device> Devices => [_device];

    public override BackendTensor Import(TensorSpec spec, Device device, ReadOnlySpan<byte> data) => new Data(spec, device, data.ToArray());

    public override void Export(BackendTensor source, Span<byte> destination) => ((Data)source).Bytes.CopyTo(destination);

    public override BackendTensor Copy(BackendTensor source, Device target) => Import(source.Spec, target, ((Data)source).Bytes);

    public override void Synchronize(Device device)
    {
    }

    private sealed class Data(TensorSpec spec, Device device, byte[] bytes) : BackendTensor(spec, device)
    {
        public byte[] Bytes { get; } = bytes;

        protected override void Free()
        {
        }
    }
}
