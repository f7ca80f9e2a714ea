using System.Runtime.InteropServices;
using DeepBridge.Backends;
using DeepBridge.Ops;

namespace DeepBridge.Primitives.Tests;

/// <summary>
/// A backend as a stranger would write it: kernels for the primitives alone, in plain loops, in the precision of the
/// dtype. It counts what arrives and what its kernels run.
/// </summary>
internal sealed partial class PrimitivesBackend : Backend
{
    private readonly HashSet<string> _arrived = [], _ran = [];
    private readonly bool _checksBounds;

    internal PrimitivesBackend(string name = "primitives", bool checksBounds = true)
    {
        Name = name;
        _checksBounds = checksBounds;
        Device = new Device(this, Name);
        Devices = [Device];
        Elementwise();
        Movement();
        Reductions();
        Products();
    }

    internal static PrimitivesBackend Instance { get; } = new();

    /// <summary>One that lets the core make bad values harmless.</summary>
    internal static PrimitivesBackend Deferring { get; } = new("deferring", false);

    internal Device Device { get; }

    public override string Name { get; }

    public override IReadOnlyList<Device> Devices { get; }

    /// <summary>The ops that were asked for, directly or by a decomposition, since the last call; and those that kernels ran.</summary>
    internal (string[] Arrived, string[] Ran) TakeCounts()
    {
        (string[], string[]) counts = ([.. _arrived], [.. _ran]);
        _arrived.Clear();
        _ran.Clear();
        return counts;
    }

    public override void Execute(Op op, in KernelCall call)
    {
        _arrived.Add(op.Name);
        base.Execute(op, call);
    }

    public override BackendTensor Import(TensorSpec spec, Device device, ReadOnlySpan<byte> data)
    {
        ReadOnlySpan<byte> bytes = data;
        Array elements = spec.DType switch
        {
            DType.Bool or DType.UInt8 => Array.ConvertAll(bytes.ToArray(), x => (long)x),
            DType.Int8 => Array.ConvertAll(bytes.ToArray(), x => (long)(sbyte)x),
            DType.Int16 => Array.ConvertAll(MemoryMarshal.Cast<byte, short>(bytes).ToArray(), x => (long)x),
            DType.Int32 => Array.ConvertAll(MemoryMarshal.Cast<byte, int>(bytes).ToArray(), x => (long)x),
            DType.Int64 => MemoryMarshal.Cast<byte, long>(bytes).ToArray(),
            DType.Float16 => Array.ConvertAll(MemoryMarshal.Cast<byte, Half>(bytes).ToArray(), x => (float)x),
            DType.BFloat16 => Array.ConvertAll(MemoryMarshal.Cast<byte, BFloat16>(bytes).ToArray(), x => (float)x),
            DType.Float32 => MemoryMarshal.Cast<byte, float>(bytes).ToArray(),
            _ => MemoryMarshal.Cast<byte, double>(bytes).ToArray(),
        };
        return new Block(spec, device, elements);
    }

    public override void Export(BackendTensor source, Span<byte> destination)
    {
        CheckDeferred(source.Device);
        Block block = (Block)source;
        int[] at = block.Positions();
        switch (block.Elements)
        {
            case float[] floats when block.Spec.DType == DType.Float32:
                Fill(MemoryMarshal.Cast<byte, float>(destination), i => floats[at[i]]);
                break;
            case float[] floats when block.Spec.DType == DType.Float16:
                Fill(MemoryMarshal.Cast<byte, Half>(destination), i => (Half)floats[at[i]]);
                break;
            case float[] floats:
                Fill(MemoryMarshal.Cast<byte, BFloat16>(destination), i => (BFloat16)floats[at[i]]);
                break;
            case double[] doubles:
                Fill(MemoryMarshal.Cast<byte, double>(destination), i => doubles[at[i]]);
                break;
            case long[] longs when block.Spec.DType.Size() == 1:
                Fill(destination, i => (byte)longs[at[i]]);
                break;
            case long[] longs when block.Spec.DType.Size() == 2:
                Fill(MemoryMarshal.Cast<byte, short>(destination), i => (short)longs[at[i]]);
                break;
            case long[] longs when block.Spec.DType.Size() == 4:
                Fill(MemoryMarshal.Cast<byte, int>(destination), i => (int)longs[at[i]]);
                break;
            case long[] longs:
                Fill(MemoryMarshal.Cast<byte, long>(destination), i => longs[at[i]]);
                break;
        }
    }

    public override BackendTensor Copy(BackendTensor source, Device target)
    {
        Block block = (Block)source;
        return new Block(block.Spec, target, block.Elements, block.Offset, block.Strides);
    }

    public override void Synchronize(Device device) => CheckDeferred(device);

    protected override bool ChecksBounds(Device device) => _checksBounds;

    /// <summary>Registers a kernel that is counted.</summary>
    private void Primitive<TOp>(Kernel<TOp> kernel)
        where TOp : Op<TOp> => Implement<TOp>((op, in call) =>
        {
            _ran.Add(op.Name);
            kernel(op, call);
        });

    private static Block In(in KernelCall call, int index) => (Block)call.Inputs[index];

    private static void Fill<T>(Span<T> span, Func<int, T> element)
    {
        for (int i = 0; i < span.Length; i++)
        {
            span[i] = element(i);
        }
    }

    /// <summary>Hands over row-major elements after rounding or wrapping them to the output's dtype.</summary>
    private static void Give(in KernelCall call, Array elements, int output = 0)
    {
        TensorSpec spec = call.OutputSpecs[output];
        switch (elements)
        {
            case float[] floats when spec.DType == DType.Float16:
                Fill<float>(floats, i => (float)(Half)floats[i]);
                break;
            case float[] floats when spec.DType == DType.BFloat16:
                Fill<float>(floats, i => (float)(BFloat16)floats[i]);
                break;
            case long[] longs when spec.DType == DType.Int32:
                Fill<long>(longs, i => (int)longs[i]);
                break;
        }

        call.Outputs[output] = new Block(spec, call.Device, elements);
    }

    private static T[] Array1<T>(TensorSpec spec, Func<int, T> element)
    {
        T[] elements = new T[spec.Count];
        Fill<T>(elements, element);
        return elements;
    }

    private static bool IsDouble(TensorSpec spec) => spec.DType == DType.Float64;

    private static bool IsLong(TensorSpec spec) => !spec.DType.IsFloating();
}
