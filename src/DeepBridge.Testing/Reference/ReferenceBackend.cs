using DeepBridge.Backends;

namespace DeepBridge.Testing;

/// <summary>
/// The judge of other backends: slow, short, and meant to be obviously right. It has the primitives only, computes
/// everything floating in double and rounds each result to its dtype once, and everything else in long.
/// </summary>
/// <remarks>It is not registered: registered first, it would become a process' default device.</remarks>
public sealed partial class ReferenceBackend : Backend
{
    private ReferenceBackend()
    {
        Device = new Device(this, Name);
        Devices = [Device];
        ImplementElementwise();
        ImplementMovement();
        ImplementReductions();
        ImplementProducts();
        ImplementPooling();
    }

    /// <summary>The one backend.</summary>
    public static ReferenceBackend Instance { get; } = new();

    /// <summary>Its one device, <c>reference</c>.</summary>
    public Device Device { get; }

    /// <inheritdoc/>
    public override string Name => "reference";

    /// <inheritdoc/>
    public override IReadOnlyList<Device> Devices { get; }

    /// <inheritdoc/>
    public override BackendTensor Import(TensorSpec spec, Device device, ReadOnlySpan<byte> data)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return spec.DType.IsFloating()
            ? new ReferenceTensor(spec, device, Elements.Reals(data, spec.DType), [])
            : new ReferenceTensor(spec, device, [], Elements.Wholes(data, spec.DType));
    }

    /// <inheritdoc/>
    public override void Export(BackendTensor source, Span<byte> destination)
    {
        ReferenceTensor tensor = (ReferenceTensor)source;
        DType dtype = tensor.Spec.DType;
        (dtype.IsFloating() ? Elements.Bytes(tensor.Reals, dtype) : Elements.Bytes(tensor.Wholes, dtype)).CopyTo(destination);
    }

    /// <inheritdoc/>
    public override BackendTensor Copy(BackendTensor source, Device target)
    {
        ReferenceTensor tensor = (ReferenceTensor)source;
        return new ReferenceTensor(tensor.Spec, target, tensor.Reals, tensor.Wholes);
    }

    /// <inheritdoc/>
    public override void Synchronize(Device device)
    {
        // Every op has finished when it returns.
    }

    private static ReferenceTensor In(in KernelCall call, int index) => (ReferenceTensor)call.Inputs[index];

    /// <summary>Makes an output of an element function for each kind of dtype.</summary>
    private static void Give(in KernelCall call, Func<int, double> real, Func<int, long> whole, int output = 0)
    {
        TensorSpec spec = call.OutputSpecs[output];
        int count = checked((int)spec.Count);
        double[] reals = new double[spec.DType.IsFloating() ? count : 0];
        long[] wholes = new long[count - reals.Length];
        for (int i = 0; i < reals.Length; i++)
        {
            reals[i] = Elements.Round(real(i), spec.DType);
        }

        for (int i = 0; i < wholes.Length; i++)
        {
            wholes[i] = Elements.Wrap(whole(i), spec.DType);
        }

        call.Outputs[output] = new ReferenceTensor(spec, call.Device, reals, wholes);
    }

    /// <summary>Makes an output of what was accumulated in doubles or in longs.</summary>
    private static void Give(in KernelCall call, double[] reals, long[] wholes, int output = 0) =>
        Give(call, i => reals[i], i => wholes[i], output);
}
