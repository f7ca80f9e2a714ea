using System.Text;
using DeepBridge.TensorFlow.Eager;
using DeepBridge.TensorFlow.Lowering;
using DeepBridge.TensorFlow.Native;
using Tensorflow;
using Status = DeepBridge.TensorFlow.Native.Status;

namespace DeepBridge.TensorFlow.Graphs;

/// <summary>Emits nodes of a graph. A value's handle is twice its place in the list of outputs.</summary>
internal sealed unsafe class GraphEmitter : Emitter
{
    private readonly nint _graph;
    private readonly EagerContext _context;
    private readonly nint _status = Status.Mine;
    private readonly List<nint> _after = [];
    private readonly List<TF_Output> _outputs = [default];
    private readonly HashSet<nint> _scalars = [], _whole = [], _rectified = [];
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

    /// <inheritdoc/>
    internal override bool IsRewritten => true;

    /// <summary>The operation that was emitted last.</summary>
    internal nint Previous { get; private set; }

    /// <inheritdoc/>
    internal override nint NoteRectified(nint value)
    {
        _rectified.Add(value);
        return value;
    }

    /// <inheritdoc/>
    internal override bool IsRectified(nint value) => _rectified.Contains(value);

    /// <inheritdoc/>
    internal override bool? Holds(nint values, TensorSpec spec, long number) => _whole.Contains(values) ? false : null;

    /// <inheritdoc/>
    internal override Emitter Op(ReadOnlySpan<byte> name, params ReadOnlySpan<nint> inputs)
    {
        // Transposes that are made on the way wait for nothing.
        nint[] after = [.. _after];
        _after.Clear();
        base.Op(name, inputs);
        foreach (nint operation in after)
        {
            c_api.TF_AddControlInput(_node, operation);
        }

        return this;
    }

    /// <inheritdoc/>
    internal override nint One() => Many(1)[0];

    /// <inheritdoc/>
    internal override nint[] Many(int count)
    {
        None();
        nint[] outputs = new nint[count];
        for (int i = 0; i < count; i++)
        {
            outputs[i] = 2 * _outputs.Count;
            _outputs.Add(new TF_Output(Previous, i));
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
    internal override nint Constant(TensorSpec spec, ReadOnlySpan<byte> data)
    {
        nint tensor = EagerContext.Tensor(spec, data);
        Begin("Const"u8);
        Type("dtype"u8, C.Code(spec.DType));
        C.TF_SetAttrTensor(_node, C.At("value"u8), tensor, _status);
        C.TF_DeleteTensor(tensor);
        Status.Check(_status, "Const"u8);
        return spec.Rank == 0 ? Scalar(One()) : One();
    }

    /// <inheritdoc/>
    internal override nint Matrix(Dims values, int columns) => Constant(
        new TensorSpec(columns == 0 ? [values.Length] : [values.Length / columns, columns], DType.Int32),
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));

    /// <inheritdoc/>
    internal override nint Number(Scalar value, DType dtype) => Constant(new TensorSpec(default, dtype), Numbers.Bytes(value, dtype));

    /// <summary>An argument.</summary>
    /// <param name="code">The dtype's number in TensorFlow.</param>
    /// <param name="shape">The shape; null: not said.</param>
    /// <param name="isWhole">Whether it holds no label that is ignored.</param>
    /// <returns>The argument.</returns>
    internal nint Argument(int code, Shape? shape, bool isWhole = false)
    {
        Begin("Placeholder"u8);
        Type("dtype"u8, code);
        if (shape is { } known)
        {
            long* dims = stackalloc long[known.Rank + 1];
            Numbers.Widen(known.AsSpan(), dims);
            C.TF_SetAttrShape(_node, C.At("shape"u8), dims, known.Rank);
        }

        nint value = One();
        if (isWhole)
        {
            _whole.Add(value);
        }

        return shape is { Rank: 0 } ? Scalar(value) : value;
    }

    /// <summary>Says that a value has no axes.</summary>
    /// <param name="value">The value.</param>
    /// <returns>Its handle.</returns>
    internal nint Scalar(nint value)
    {
        value = Plain(value);
        _scalars.Add(value);
        return value;
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
    /// <param name="value">The value.</param>
    /// <returns>The node's output.</returns>
    internal TF_Output Output(nint value) => At(Plain(value));

    /// <inheritdoc/>
    protected override bool IsScalar(nint value) => _scalars.Contains(value);

    /// <inheritdoc/>
    protected override void Begin(ReadOnlySpan<byte> name)
    {
        _name = C.At(name);
        fixed (byte* node = Encoding.UTF8.GetBytes($"n{_count++}\0"))
        {
            _node = C.TF_NewOperation(_graph, _name, node);
        }
    }

    /// <inheritdoc/>
    protected override void Add(ReadOnlySpan<nint> handles)
    {
        foreach (nint input in handles)
        {
            c_api.TF_AddInput(_node, At(input));
        }
    }

    /// <inheritdoc/>
    protected override void AddList(ReadOnlySpan<nint> handles) =>
        c_api.TF_AddInputList(_node, Array.ConvertAll(handles.ToArray(), At), handles.Length);

    private TF_Output At(nint handle) => _outputs[(int)handle / 2];

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
