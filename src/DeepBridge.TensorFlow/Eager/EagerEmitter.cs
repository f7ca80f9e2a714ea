using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using DeepBridge.TensorFlow.Lowering;
using DeepBridge.TensorFlow.Native;

namespace DeepBridge.TensorFlow.Eager;

/// <summary>
/// Runs ops one by one, on one thread, with one op object that is reset each time. What a lowering makes on its way is
/// deleted when it is done; what it says it reads for the last time, before the op runs, so that TensorFlow may write into it.
/// </summary>
internal sealed unsafe class EagerEmitter : Emitter
{
    private readonly EagerContext _context;
    private readonly byte* _device;
    private readonly nint _status = Status.Mine, _switched = C.TF_NewStatus();
    private readonly List<nint> _made = [], _dying = [];
    private readonly (Scalar Value, DType DType, nint Handle)[] _recent = new (Scalar, DType, nint)[4];
    private (nint Value, double Number) _noted;
    private int _oldest;
    private nint _op;
    private byte* _name;

    /// <summary>Makes one for a thread.</summary>
    /// <param name="context">The context.</param>
    /// <param name="device">Its name in TensorFlow, which must stay where it is; null: TensorFlow's choice.</param>
    internal EagerEmitter(EagerContext context, byte* device)
    {
        _context = context;
        _device = device;
    }

    ~EagerEmitter()
    {
        if (_op != 0)
        {
            C.TFE_DeleteOp(_op);
        }

        C.TF_DeleteStatus(_switched);
        foreach ((_, _, nint handle) in _recent)
        {
            C.TFE_DeleteTensorHandle(handle);
        }
    }

    /// <inheritdoc/>
    internal override bool HasOneDnn => _context.HasOneDnn;

    /// <inheritdoc/>
    internal override long? Peek(nint value) => _device is null ? Look<long>(value, new TensorSpec(default, DType.Int64))[0] : null;

    /// <inheritdoc/>
    internal override bool? Holds(nint values, TensorSpec spec, long number) => !Sees(spec) ? null : spec.DType == DType.Int64
        ? Look<long>(values, spec).Contains(number)
        : Look<int>(values, spec).Contains((int)number);

    /// <inheritdoc/>
    internal override bool? HasNaN(nint values, TensorSpec spec)
    {
        // A maximum is NaN where any element is.
        return !Sees(spec) ? null : spec.DType == DType.Float64
            ? double.IsNaN(TensorPrimitives.Max(Look<double>(values, spec)))
            : float.IsNaN(TensorPrimitives.Max(Look<float>(values, spec)));
    }

    /// <inheritdoc/>
    internal override bool? HasLowest(nint values, TensorSpec spec) => !Sees(spec) ? null : spec.DType == DType.Float64
        ? TensorPrimitives.Min(Look<double>(values, spec)) <= double.MinValue
        : TensorPrimitives.Min(Look<float>(values, spec)) <= float.MinValue;

    /// <inheritdoc/>
    internal override double? NumberOf(nint value) => _noted.Value == value ? _noted.Number : null;

    /// <summary>Says what a scalar is, until the temporaries are deleted.</summary>
    /// <param name="value">The scalar.</param>
    /// <param name="number">Its number.</param>
    internal void Note(nint value, double number) => _noted = (value, number);

    /// <summary>
    /// A scalar that changes from step to step and is the same for many parameters of a step: a few are kept. What it returned the
    /// last time but one is still there.
    /// </summary>
    /// <param name="value">The value.</param>
    /// <param name="dtype">The dtype.</param>
    /// <returns>The value.</returns>
    internal nint Changing(double value, DType dtype)
    {
        int place = _recent.Length - 1;
        while (place >= 0 && !(_recent[place].Handle != 0 && _recent[place].DType == dtype && _recent[place].Value == value))
        {
            place--;
        }

        if (place < 0)
        {
            place = _oldest;
            C.TFE_DeleteTensorHandle(_recent[place].Handle);
            _recent[place] = default;
            _recent[place] = (value, dtype, EagerContext.Import(new TensorSpec(default, dtype), Numbers.Bytes(value, dtype)));
        }

        _oldest = place == _oldest ? (_oldest + 1) % _recent.Length : _oldest;
        return _recent[place].Handle;
    }

    /// <summary>Sets an attribute that is a shape.</summary>
    /// <param name="name">The name.</param>
    /// <param name="shape">The shape.</param>
    /// <returns>This.</returns>
    internal EagerEmitter Shape(ReadOnlySpan<byte> name, Shape shape)
    {
        long* wide = stackalloc long[shape.Rank + 1];
        Numbers.Widen(shape.AsSpan(), wide);
        C.TFE_OpSetAttrShape(_op, C.At(name), wide, shape.Rank, _status);
        return this;
    }

    /// <inheritdoc/>
    internal override nint One()
    {
        nint result;
        Run(&result, 1);
        _made.Add(result);
        return result;
    }

    /// <inheritdoc/>
    internal override nint[] Many(int count)
    {
        nint[] results = new nint[count];
        fixed (nint* pointer = results)
        {
            Run(pointer, count);
        }

        _made.AddRange(results);
        return results;
    }

    /// <inheritdoc/>
    internal override void None() => Run(null, 0);

    /// <inheritdoc/>
    internal override nint Constant(TensorSpec spec, ReadOnlySpan<byte> data) => Own(EagerContext.Import(spec, data), false);

    /// <inheritdoc/>
    internal override nint Matrix(Dims values, int columns) => Own(_context.Integers(values, columns, out bool kept), kept);

    /// <inheritdoc/>
    internal override nint Number(Scalar value, DType dtype) => Own(_context.Number(value, dtype, out bool kept), kept);

    /// <inheritdoc/>
    internal override nint Last(nint value)
    {
        nint handle = Apart(value).Handle;
        if (!IsTwin(handle) && _made.Remove(handle))
        {
            _dying.Add(handle);
        }

        return value;
    }

    /// <summary>Takes over a handle that nobody needs after the next op.</summary>
    /// <param name="handle">The handle.</param>
    internal void Donate(nint handle) => _dying.Add(Apart(handle).Handle);

    /// <summary>Deletes what was made since the last call, but for results.</summary>
    /// <param name="results">What stays, the caller's from now on.</param>
    internal void DeleteTemporaries(ReadOnlySpan<nint> results)
    {
        foreach (nint handle in _made)
        {
            if (results.IndexOf(handle) < 0)
            {
                C.TFE_DeleteTensorHandle(handle);
            }
        }

        _made.Clear();
        foreach (nint handle in _dying)
        {
            C.TFE_DeleteTensorHandle(handle);
        }

        _dying.Clear();
        _noted = default;
        ForgetLayouts();
    }

    /// <summary>Gives what was made to the caller, who deletes it.</summary>
    /// <param name="handle">The handle.</param>
    /// <returns>The handle.</returns>
    internal nint Detach(nint handle)
    {
        _made.Remove(handle);
        return handle;
    }

    /// <summary>Whether nothing waits to be deleted: only then may somebody run ops who deletes what is there when they are done.</summary>
    internal bool IsIdle => _made.Count + _dying.Count == 0;

    /// <summary>Whether a handle was made since the last call of <see cref="DeleteTemporaries"/>.</summary>
    /// <param name="handle">The handle.</param>
    /// <returns>False: it is an input or a constant, and belongs to somebody else.</returns>
    internal bool Made(nint handle) => _made.Contains(handle);

    private nint Own(nint handle, bool kept)
    {
        if (!kept)
        {
            _made.Add(handle);
        }

        return handle;
    }

    private bool Sees(TensorSpec spec) => _device is null && spec.Count is > 0 and <= int.MaxValue;

    private ReadOnlySpan<T> Look<T>(nint value, TensorSpec spec)
        where T : unmanaged
    {
        void* pointer = C.TFE_TensorHandleDevicePointer(Apart(value).Handle, _status);
        Status.Check(_status, "a look at a value"u8);
        return new ReadOnlySpan<T>(pointer, (int)spec.Count);
    }

    /// <inheritdoc/>
    protected override bool IsScalar(nint value) => C.TFE_TensorHandleNumDims(value, _status) == 0;

    /// <inheritdoc/>
    protected override void Add(ReadOnlySpan<nint> handles)
    {
        foreach (nint input in handles)
        {
            C.TFE_OpAddInput(_op, input, _status);
        }
    }

    /// <inheritdoc/>
    protected override void AddList(ReadOnlySpan<nint> handles)
    {
        fixed (nint* inputs = handles)
        {
            C.TFE_OpAddInputList(_op, inputs, handles.Length, _status);
        }
    }

    /// <inheritdoc/>
    protected override void Begin(ReadOnlySpan<byte> name)
    {
        _name = C.At(name);
        if (_op == 0)
        {
            _op = C.TFE_NewOp(_context.Pointer, _name, _status);
            Check();
        }

        C.TFE_OpReset(_op, _name, _device, _status);
        Check();
    }

    /// <summary>Deletes them: the op holds them itself now.</summary>
    /// <inheritdoc/>
    protected override void Release(ReadOnlySpan<nint> inputs)
    {
        if (_dying.Count > 0)
        {
            foreach (nint input in inputs)
            {
                if (!IsTwin(input) && _dying.Remove(input))
                {
                    C.TFE_DeleteTensorHandle(input);
                }
            }
        }
    }

    /// <summary>
    /// Calls a function on this thread. TensorFlow hands what an op of its name calls to another thread and waits, which costs two
    /// wake-ups, on an idle machine more than a small step; a call that is an op itself, and is run as a function, it runs here.
    /// </summary>
    /// <param name="name">The function's name, which ends with 0.</param>
    /// <param name="arguments">The arguments.</param>
    /// <param name="types">The numbers of the results' dtypes in TensorFlow.</param>
    /// <returns>The results; null: not now, since ops of other threads are about.</returns>
    internal nint[]? TryCall(byte* name, ReadOnlySpan<nint> arguments, ReadOnlySpan<int> types)
    {
        if (!_context.Gate.TryBeginCall())
        {
            return null;
        }

        try
        {
            Prepare(name, arguments, types);
            C.TFE_ContextSetRunEagerOpAsFunction(_context.Pointer, 1, _switched);
            nint[] results = new nint[types.Length];
            int count = types.Length;
            fixed (nint* pointer = results)
            {
                C.TFE_Execute(_op, pointer, &count, _status);
            }

            Check();
            _made.AddRange(results);
            return results;
        }
        finally
        {
            C.TFE_ContextSetRunEagerOpAsFunction(_context.Pointer, 0, _switched);
            _context.Gate.EndCall();
        }
    }

    private void Prepare(byte* name, ReadOnlySpan<nint> arguments, ReadOnlySpan<int> types)
    {
        Begin("StatefulPartitionedCall"u8);
        AddList(arguments);
        fixed (int* codes = types)
        {
            C.TFE_OpSetAttrTypeList(_op, C.At("Tout"u8), codes, types.Length);
        }

        C.TFE_OpSetAttrFunctionName(_op, C.At("f"u8), name, (nuint)MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name).Length);
    }

    private void Run(nint* results, int count)
    {
        _context.Gate.BeginOp();
        C.TFE_Execute(_op, results, &count, _status);
        _context.Gate.EndOp();
        Check();
    }

    private void Check()
    {
        if (C.TF_GetCode(_status) != 0)
        {
            Status.Check(_status, MemoryMarshal.CreateReadOnlySpanFromNullTerminated(_name));
        }
    }

    /// <inheritdoc/>
    protected override void SetType(byte* name, int value) => C.TFE_OpSetAttrType(_op, name, value);

    /// <inheritdoc/>
    protected override void SetBool(byte* name, byte value) => C.TFE_OpSetAttrBool(_op, name, value);

    /// <inheritdoc/>
    protected override void SetInt(byte* name, long value) => C.TFE_OpSetAttrInt(_op, name, value);

    /// <inheritdoc/>
    protected override void SetInts(byte* name, long* values, int count) => C.TFE_OpSetAttrIntList(_op, name, values, count);

    /// <inheritdoc/>
    protected override void SetFloat(byte* name, float value) => C.TFE_OpSetAttrFloat(_op, name, value);

    /// <inheritdoc/>
    protected override void SetText(byte* name, byte* value, nuint length) => C.TFE_OpSetAttrString(_op, name, value, length);
}
