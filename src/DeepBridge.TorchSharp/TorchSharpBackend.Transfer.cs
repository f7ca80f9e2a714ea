using System.Runtime.InteropServices;
using DeepBridge.Memory;

namespace DeepBridge.Torch;

/// <content>Data in and out, and from one device to another.</content>
public sealed partial class TorchSharpBackend
{
    /// <inheritdoc/>
    public override BackendTensor Import(TensorSpec spec, Device device, ReadOnlySpan<byte> data)
    {
        try
        {
            if (spec.Rank == 0 && ReadScalar(spec.DType, data) is { } known && TorchTensor.CanKnow(spec, known))
            {
                return new TorchTensor(spec, device, known);
            }

            using InferenceMode normal = InferenceMode.Leave();
            Native host = torch.empty(spec.Shape.ToLongs(), spec.DType.ToTorch(), torch.CPU);
            if (spec.Count > 0)
            {
                data[..(int)spec.Bytes].CopyTo(host.bytes);
            }

            return new TorchTensor(spec, device, ToDevice(host, device));
        }
        catch (ExternalException error)
        {
            throw Failed("Reading data in", device, error);
        }
    }

    /// <summary>Takes memory over, without a copy on <c>torch:cpu</c>.</summary>
    /// <inheritdoc/>
    public override BackendTensor Import(TensorSpec spec, Device device, HostMemory memory)
    {
        try
        {
            if (spec.Count == 0 || !IsCpu(device))
            {
                return base.Import(spec, device, memory);
            }

            using InferenceMode normal = InferenceMode.Leave();
            if (LentMemory.TryTake(spec, memory) is { } taken)
            {
                return new TorchTensor(spec, device, taken).Expose();
            }

            if (spec.DType.IsHalf() || !memory.TryGetArray(out Array? array, out int offset))
            {
                return base.Import(spec, device, memory);
            }

            using (memory)
            {
                using Native flat = torch.frombuffer(array, spec.DType.ToTorch(), spec.Count, offset);
                return new TorchTensor(spec, device, flat.view(spec.Shape.ToLongs())).Expose();
            }
        }
        catch (ExternalException error)
        {
            throw Failed("Reading data in", device, error);
        }
    }

    /// <inheritdoc/>
    public override void Export(BackendTensor source, Span<byte> destination)
    {
        try
        {
            CheckDeferred(source.Device);
            if (source.Spec.Count > 0)
            {
                using Native host = IsCpu(source.Device) ? ((TorchTensor)source).Value.contiguous() : ((TorchTensor)source).Value.cpu();
                using Native dense = host.contiguous();
                dense.bytes.CopyTo(destination);
            }

            GC.KeepAlive(source);
        }
        catch (ExternalException error)
        {
            throw Failed("Reading data out", source.Device, error);
        }
    }

    /// <inheritdoc/>
    public override bool TryBorrow(BackendTensor source, out ReadOnlySpan<byte> data)
    {
        CheckDeferred(source.Device);
        Native value = ((TorchTensor)source).Value;
        bool can = source.Spec.Count > 0 && source.Spec.Bytes <= int.MaxValue && IsCpu(source.Device) && value.is_contiguous();
        data = can ? value.bytes : default;
        return can || source.Spec.Count == 0;
    }

    /// <inheritdoc/>
    public override HostMemory? Lend(BackendTensor source)
    {
        TorchTensor tensor = (TorchTensor)source;
        return tensor.Spec.Bytes is >= MemoryPressure.Threshold and <= int.MaxValue && !tensor.IsExposed && IsCpu(source.Device) && tensor.Value.is_contiguous()
            ? HostMemory.Lend(source, LentMemory.AddressOf(tensor.Value))
            : null;
    }

    /// <inheritdoc/>
    public override BackendTensor Copy(BackendTensor source, Device target)
    {
        try
        {
            TorchTensor tensor = (TorchTensor)source;
            if (!ReferenceEquals(source.Device, target))
            {
                CheckDeferred(source.Device);
            }

            if (tensor.Known is { } known)
            {
                return new TorchTensor(source.Spec, target, known);
            }

            using InferenceMode normal = InferenceMode.Leave();
            Native copy = ReferenceEquals(source.Device, target) ? tensor.Value.clone() : ToDevice(tensor.Value.alias(), target);
            GC.KeepAlive(source);
            return new TorchTensor(source.Spec, target, copy);
        }
        catch (ExternalException error)
        {
            throw Failed("Copying", target, error);
        }
    }

    /// <inheritdoc/>
    public override void Synchronize(Device device)
    {
        try
        {
            if (On(device) is { type: DeviceType.CUDA } cuda)
            {
                torch.cuda.synchronize(cuda);
            }

            CheckDeferred(device);
        }
        catch (ExternalException error)
        {
            throw Failed("Waiting for what was asked", device, error);
        }
    }

    private static double? ReadScalar(DType dtype, ReadOnlySpan<byte> data) => dtype switch
    {
        DType.Float32 => MemoryMarshal.Read<float>(data),
        DType.Float64 => MemoryMarshal.Read<double>(data),
        DType.Int64 => MemoryMarshal.Read<long>(data),
        _ => null,
    };

    /// <summary>Hands a new tensor of the host on to a device.</summary>
    private static Native ToDevice(Native host, Device device)
    {
        torch.Device target = On(device);
        if (target.type == host.device_type && Math.Max(target.index, 0) == Math.Max(host.device_index, 0))
        {
            return host;
        }

        using Native given = host;
        return given.to(target.type, target.index);
    }
}
