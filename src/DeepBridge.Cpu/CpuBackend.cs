using System.Runtime.InteropServices;
using DeepBridge.Backends;
using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <summary>
/// The embedded backend: one device, <c>cpu</c>, in pure C#. The source generator registers it in every assembly that
/// can see it.
/// </summary>
public sealed partial class CpuBackend : Backend
{
    private static readonly CpuBackend s_instance = new();
    private readonly HashSet<int> _takesHalf = [];
    private readonly Device _device;

    private CpuBackend()
    {
        _device = new Device(this, "cpu");
        ImplementElementwise();
        ImplementMovement();
        ImplementReductions();
        ImplementIndexing();
        ImplementRandom();
        ImplementProducts();
        ImplementWindows();
        ImplementNormalization();
        ImplementActivations();
        ImplementLosses();
        ImplementOptimizers();
    }

    /// <inheritdoc/>
    public override string Name => "cpu";

    /// <inheritdoc/>
    public override IReadOnlyList<Device> Devices => [_device];

    /// <summary>Makes the device <c>cpu</c> known; doing so again does nothing.</summary>
    public static void Register() => Device.Register(s_instance);

    /// <summary>Executes an op, holding the native memory of its inputs until it is done.</summary>
    /// <inheritdoc/>
    public override void Execute(Op op, in KernelCall call)
    {
        foreach (BackendTensor input in call.Inputs)
        {
            if (((CpuTensor)input).NeedsCare)
            {
                ExecuteWithCare(op, call);
                return;
            }
        }

        base.Execute(op, call);
    }

    /// <inheritdoc/>
    public override BackendTensor Import(TensorSpec spec, Device device, ReadOnlySpan<byte> data)
    {
        CpuTensor tensor = CpuTensor.Allocate(spec, _device);
        data[..(int)spec.Bytes].CopyTo(MemoryMarshal.CreateSpan(ref tensor.First<byte>(), (int)spec.Bytes));
        return tensor;
    }

    /// <inheritdoc/>
    public override BackendTensor Import(TensorSpec spec, Device device, HostMemory memory) => CpuTensor.Lend(spec, _device, memory);

    /// <inheritdoc/>
    public override void Export(BackendTensor source, Span<byte> destination)
    {
        Copying.ToDense((CpuTensor)source, ref MemoryMarshal.GetReference(destination));

        // A tensor that nobody owns could be finalized, and its native block with it, while its last reader copies.
        GC.KeepAlive(source);
    }

    /// <inheritdoc/>
    public override bool TryBorrow(BackendTensor source, out ReadOnlySpan<byte> data)
    {
        CpuTensor tensor = (CpuTensor)source;
        data = tensor.IsDense ? MemoryMarshal.CreateReadOnlySpan(ref tensor.First<byte>(), (int)tensor.Spec.Bytes) : default;
        return tensor.IsDense;
    }

    /// <inheritdoc/>
    public override HostMemory? Lend(BackendTensor source) =>
        ((CpuTensor)source).OwnAddress is var address and not 0 ? HostMemory.Lend(source, address) : null;

    /// <inheritdoc/>
    public override BackendTensor Copy(BackendTensor source, Device target)
    {
        CpuTensor copy = CpuTensor.Allocate(source.Spec, _device);
        Export(source, MemoryMarshal.CreateSpan(ref copy.First<byte>(), (int)copy.Spec.Bytes));
        return copy;
    }

    /// <inheritdoc/>
    public override void Synchronize(Device device)
    {
    }

    /// <summary>Gives an op a kernel that takes float16 and bfloat16 as they are; others compute in float32.</summary>
    private void ImplementAny<TOp>(Kernel<TOp> kernel, When<TOp>? when = null)
        where TOp : Op<TOp>
    {
        _takesHalf.Add(OpKind<TOp>.Instance.Id);
        Implement(kernel, when);
    }

    private void ExecuteWithCare(Op op, in KernelCall call)
    {
        bool half = false;
        int pinned = 0;
        try
        {
            for (; pinned < call.Inputs.Length; pinned++)
            {
                CpuTensor input = (CpuTensor)call.Inputs[pinned];
                half |= Widening.IsHalf(input.Spec);
                if (!call.IsDonated(pinned))
                {
                    input.Pin();
                }
            }

            if (half && !_takesHalf.Contains(op.Kind.Id))
            {
                Widening.Run(this, op, call);
            }
            else
            {
                base.Execute(op, call);
            }
        }
        finally
        {
            while (--pinned >= 0)
            {
                if (!call.IsDonated(pinned))
                {
                    ((CpuTensor)call.Inputs[pinned]).Unpin();
                }
            }
        }
    }
}
