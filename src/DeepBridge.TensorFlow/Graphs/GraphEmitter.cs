using System.Text;
using DeepBridge.TensorFlow.Eager;
using DeepBridge.TensorFlow.Lowering;
using DeepBridge.TensorFlow.Native;
using Tensorflow;
using Status = DeepBridge.TensorFlow.Native.Status;

namespace DeepBridge.TensorFlow.Graphs;

/// <summary>
/// A value of a graph of TensorFlow: (N, C, H, W), (N, H, W, C), or both; what is missing is made when somebody asks.
/// </summary>
internal sealed class Wire
{
    /// <summary>The value as the core sees it.</summary>
    internal TF_Output? Plain { get; set; }

    /// <summary>The value with its channels last.</summary>
    internal TF_Output? ChannelsLast { get; set; }

    /// <summary>Whether it is a scalar, which has every layout.</summary>
    internal bool IsScalar { get; init; }

    /// <summary>Whether it holds no label that is ignored.</summary>
    internal bool IsWhole { get; init; }
}

/// <summary>Emits nodes of a graph. Transposes between convolutions, and through what stands between them, cancel.</summary>
internal sealed unsafe class GraphEmitter : Emitter<Wire>
{
    private readonly nint _graph;
    private readonly EagerContext _context;
    private readonly nint _status = Status.Mine;
    private readonly List<nint> _after = [];
    private int _count;
    private nint _node;
    private byte* _name;

    /// <summary>Makes one for a graph.</summary>
    /// <param name="context">The context.</param>
    /// <param name="graph">The graph.</param>
    internal GraphEmitter(EagerContext context, nint graph)
    {
        _context = context;
        _graph = graph;
    }

    /// <inheritdoc/>
    internal override bool HasOneDnn => _context.HasOneDnn;

    /// <summary>The operation that was emitted last.</summary>
    internal nint Previous { get; private set; }

    /// <inheritdoc/>
    internal override bool? Holds(Wire values, TensorSpec spec, long number) => values.IsWhole ? false : null;

    /// <inheritdoc/>
    internal override GraphEmitter Op(ReadOnlySpan<byte> name, params ReadOnlySpan<Wire> inputs)
    {
        // Transposes that are made on the way wait for nothing.
        nint[] after = [.. _after];
        _after.Clear();
        Span<TF_Output> outputs = stackalloc TF_Output[inputs.Length];
        for (int i = 0; i < outputs.Length; i++)
        {
            outputs[i] = Plain(inputs[i]);
        }

        Begin(name, outputs);
        foreach (nint operation in after)
        {
            c_api.TF_AddControlInput(_node, operation);
        }

        return this;
    }

    /// <inheritdoc/>
    internal override GraphEmitter ListOp(ReadOnlySpan<byte> name, ReadOnlySpan<Wire> list, params ReadOnlySpan<Wire> inputs)
    {
        TF_Output[] outputs = [.. list.ToArray().Select(Plain)], more = [.. inputs.ToArray().Select(Plain)];
        Begin(name, []);
        c_api.TF_AddInputList(_node, outputs, outputs.Length);
        foreach (TF_Output output in more)
        {
            c_api.TF_AddInput(_node, output);
        }

        return this;
    }

    /// <inheritdoc/>
    internal override Wire Map(ReadOnlySpan<byte> name, params ReadOnlySpan<Wire> inputs)
    {
        bool last = LiesLast(inputs);
        Span<TF_Output> outputs = stackalloc TF_Output[inputs.Length];
        for (int i = 0; i < outputs.Length; i++)
        {
            outputs[i] = last && !inputs[i].IsScalar ? inputs[i].ChannelsLast!.Value : Plain(inputs[i]);
        }

        Begin(name, outputs);
        return last ? FromChannelsLast(One()) : One();
    }

    /// <inheritdoc/>
    internal override Wire ToChannelsLast(Wire value)
    {
        value.ChannelsLast ??= Transpose(new Wire { Plain = value.Plain }, [0, 2, 3, 1]).Plain;
        return new Wire { Plain = value.ChannelsLast };
    }

    /// <inheritdoc/>
    internal override Wire FromChannelsLast(Wire value) => new() { ChannelsLast = value.Plain };

    /// <inheritdoc/>
    internal override Wire Cast(Wire value, DType dtype)
    {
        bool last = LiesLast([value]);
        Begin("Cast"u8, [last ? value.ChannelsLast!.Value : Plain(value)]);
        Type("DstT"u8, C.Code(dtype));
        return last ? FromChannelsLast(One()) : One();
    }

    /// <inheritdoc/>
    internal override Wire One() => Many(1)[0];

    /// <inheritdoc/>
    internal override Wire[] Many(int count)
    {
        None();
        Wire[] outputs = new Wire[count];
        for (int i = 0; i < count; i++)
        {
            outputs[i] = new Wire { Plain = new TF_Output(Previous, i) };
        }

        return outputs;
    }

    /// <inheritdoc/>
    internal override void None()
    {
        using SafeStatusHandle status = c_api.TF_NewStatus();
        Previous = c_api.TF_FinishOperation(_node, status);
        if (c_api.TF_GetCode(status) != TF_Code.TF_OK)
        {
            Status.Check(status.DangerousGetHandle(), System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpanFromNullTerminated(_name));
        }
    }

    /// <inheritdoc/>
    internal override Wire Constant(TensorSpec spec, ReadOnlySpan<byte> data)
    {
        nint tensor = EagerContext.Tensor(spec, data);
        Begin("Const"u8, []);
        Type("dtype"u8, C.Code(spec.DType));
        C.TF_SetAttrTensor(_node, C.At("value"u8), tensor, _status);
        C.TF_DeleteTensor(tensor);
        Status.Check(_status, "Const"u8);
        None();
        return new Wire { Plain = new TF_Output(Previous, 0), IsScalar = spec.Rank == 0 };
    }

    /// <inheritdoc/>
    internal override Wire Matrix(Dims values, int columns) => Constant(
        new TensorSpec(columns == 0 ? [values.Length] : [values.Length / columns, columns], DType.Int32),
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));

    /// <inheritdoc/>
    internal override Wire Number(Scalar value, DType dtype) => Constant(new TensorSpec(default, dtype), Numbers.Bytes(value, dtype));

    /// <summary>An argument.</summary>
    /// <param name="code">The dtype's number in TensorFlow.</param>
    /// <param name="shape">The shape; null: not said.</param>
    /// <param name="isWhole">Whether it holds no label that is ignored.</param>
    /// <returns>The argument.</returns>
    internal Wire Argument(int code, Shape? shape, bool isWhole = false)
    {
        Begin("Placeholder"u8, []);
        Type("dtype"u8, code);
        if (shape is { } known)
        {
            long* dims = stackalloc long[known.Rank + 1];
            Numbers.Widen(known.AsSpan(), dims);
            C.TF_SetAttrShape(_node, C.At("shape"u8), dims, known.Rank);
        }

        None();
        return new Wire { Plain = new TF_Output(Previous, 0), IsScalar = shape is { Rank: 0 }, IsWhole = isWhole };
    }

    /// <summary>Says that the next node runs after another.</summary>
    /// <param name="operation">The other; 0: none.</param>
    internal void After(nint operation)
    {
        if (operation != 0)
        {
            _after.Add(operation);
        }
    }

    /// <summary>A value as the core sees it.</summary>
    /// <param name="wire">The value.</param>
    /// <returns>The node's output.</returns>
    internal TF_Output Plain(Wire wire) =>
        (wire.Plain ??= Transpose(new Wire { Plain = wire.ChannelsLast }, [0, 3, 1, 2]).Plain)!.Value;

    private static bool LiesLast(ReadOnlySpan<Wire> inputs)
    {
        bool any = false;
        foreach (Wire input in inputs)
        {
            if (!input.IsScalar)
            {
                if (input.ChannelsLast is null)
                {
                    return false;
                }

                any = true;
            }
        }

        return any;
    }

    private GraphEmitter Begin(ReadOnlySpan<byte> name, ReadOnlySpan<TF_Output> inputs)
    {
        _name = C.At(name);
        fixed (byte* node = Encoding.UTF8.GetBytes($"n{_count++}\0"))
        {
            _node = C.TF_NewOperation(_graph, _name, node);
        }

        foreach (TF_Output input in inputs)
        {
            c_api.TF_AddInput(_node, input);
        }

        return this;
    }

    /// <inheritdoc/>
    protected override void SetType(byte* name, int value) => C.TF_SetAttrType(_node, name, value);

    /// <inheritdoc/>
    protected override void SetBool(byte* name, byte value) => C.TF_SetAttrBool(_node, name, value);

    /// <inheritdoc/>
    protected override void SetInt(byte* name, long value) => C.TF_SetAttrInt(_node, name, value);

    /// <inheritdoc/>
    protected override void SetInts(byte* name, long* values, int count) => C.TF_SetAttrIntList(_node, name, values, count);

    /// <inheritdoc/>
    protected override void SetFloat(byte* name, float value) => C.TF_SetAttrFloat(_node, name, value);

    /// <inheritdoc/>
    protected override void SetText(byte* name, byte* value, nuint length) => C.TF_SetAttrString(_node, name, value, length);
}
