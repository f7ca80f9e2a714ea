using System.Numerics.Tensors;
using DeepBridge.TensorFlow.Lowering;
using DeepBridge.TensorFlow.Native;

namespace DeepBridge.TensorFlow.Eager;

/// <summary>
/// Runs ops one by one, on one thread, with one op object that is reset each time. What a lowering makes on its way is
/// deleted when it is done; what it says it reads for the last time, before the op runs, so that TensorFlow may write into it.
/// </summary>
internal sealed unsafe class EagerEmitter : Emitter<nint>
{
    private readonly EagerContext _context;
    private readonly byte* _device;
    private readonly nint _status = Status.Mine;
    private readonly List<nint> _made = [], _dying = [];

    // A value whose elements lie with their channels last is its handle with this bit, which no address has.
    private const nint LiesLast = 1;

    // Values of which there is the other layout too, and that one's handle.
    private readonly List<(nint Value, nint Other)> _twins = [];
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
    internal override EagerEmitter Op(ReadOnlySpan<byte> name, params ReadOnlySpan<nint> inputs)
    {
        ReadOnlySpan<nint> plain = Plain(inputs);
        Begin(name);
        Add(plain);
        Bury(plain);
        return this;
    }

    /// <inheritdoc/>
    internal override EagerEmitter ListOp(ReadOnlySpan<byte> name, ReadOnlySpan<nint> list, params ReadOnlySpan<nint> inputs)
    {
        ReadOnlySpan<nint> plain = Plain(list);
        Begin(name);
        fixed (nint* handles = plain)
        {
            C.TFE_OpAddInputList(_op, handles, list.Length, _status);
        }

        Add(inputs);
        Bury(plain);
        return this;
    }

    /// <inheritdoc/>
    internal override nint Map(ReadOnlySpan<byte> name, params ReadOnlySpan<nint> inputs)
    {
        Span<nint> last = stackalloc nint[inputs.Length];
        if (!Lie(inputs, last))
        {
            return Op(name, inputs).One();
        }

        Begin(name);
        Add(last);
        Bury(last);
        return FromChannelsLast(One());
    }

    /// <inheritdoc/>
    internal override nint ToChannelsLast(nint value)
    {
        nint last = Layouts(value).Last;
        if (last == 0)
        {
            last = Transposed(value, [0, 2, 3, 1]);
            _twins.Add((value, last));
        }

        return last;
    }

    /// <inheritdoc/>
    internal override nint FromChannelsLast(nint value) => value | LiesLast;

    /// <summary>Says that there is another layout of an input.</summary>
    /// <param name="value">The input.</param>
    /// <param name="last">The handle with its channels last.</param>
    internal void Know(nint value, nint last) => _twins.Add((value, last));

    /// <summary>A value's handle, and whether it has its channels last.</summary>
    /// <param name="value">The value.</param>
    /// <returns>Both.</returns>
    internal static (nint Handle, bool LiesLast) Apart(nint value) => (value & ~LiesLast, (value & LiesLast) != 0);

    /// <summary>How a value lies.</summary>
    /// <param name="value">The value.</param>
    /// <returns>Its handles, 0 for what there is not.</returns>
    internal (nint Plain, nint Last) Layouts(nint value)
    {
        nint other = 0;
        foreach ((nint known, nint twin) in _twins)
        {
            other = known == value ? twin : other;
        }

        return (value & LiesLast) == 0 ? (value, other) : (other, value & ~LiesLast);
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
    internal override nint Cast(nint value, DType dtype) => Op("Cast"u8, value).Type("DstT"u8, C.Code(dtype)).One();

    /// <inheritdoc/>
    internal override nint Last(nint value)
    {
        if (_made.Remove(value & ~LiesLast))
        {
            _dying.Add(value & ~LiesLast);
        }

        return value;
    }

    /// <summary>Takes over a handle that nobody needs after the next op.</summary>
    /// <param name="handle">The handle.</param>
    internal void Donate(nint handle) => _dying.Add(handle & ~LiesLast);

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
        _twins.Clear();
    }

    /// <summary>Gives what was made to the caller, who deletes it.</summary>
    /// <param name="handle">The handle.</param>
    /// <returns>The handle.</returns>
    internal nint Detach(nint handle)
    {
        _made.Remove(handle);
        return handle;
    }

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

    private bool Lie(ReadOnlySpan<nint> inputs, Span<nint> last)
    {
        bool any = false;
        for (int i = 0; i < inputs.Length; i++)
        {
            last[i] = Layouts(inputs[i]).Last;
            any |= last[i] != 0;
        }

        for (int i = 0; any && i < last.Length; i++)
        {
            if (last[i] == 0)
            {
                any = C.TFE_TensorHandleNumDims(inputs[i], _status) == 0;
                last[i] = inputs[i];
            }
        }

        return any;
    }

    /// <summary>A value as the core sees it.</summary>
    /// <param name="value">The value.</param>
    /// <returns>Its handle.</returns>
    internal nint Plain(nint value)
    {
        nint plain = Layouts(value).Plain;
        if (plain == 0)
        {
            plain = Transposed(value & ~LiesLast, [0, 3, 1, 2]);
            _twins.Add((value, plain));
        }

        return plain;
    }

    private ReadOnlySpan<nint> Plain(ReadOnlySpan<nint> inputs)
    {
        nint all = 0;
        foreach (nint input in inputs)
        {
            all |= input;
        }

        return (all & LiesLast) == 0 ? inputs : Array.ConvertAll(inputs.ToArray(), Plain);
    }

    /// <summary>The handle itself, whatever it stands for, with its axes in another order.</summary>
    private nint Transposed(nint handle, Dims axes)
    {
        nint order = Integers(axes);
        Begin("Transpose"u8);
        Add([handle, order]);
        return One();
    }

    private bool Sees(TensorSpec spec) => _device is null && spec.Count is > 0 and <= int.MaxValue;

    private ReadOnlySpan<T> Look<T>(nint value, TensorSpec spec)
        where T : unmanaged
    {
        void* pointer = C.TFE_TensorHandleDevicePointer(value & ~LiesLast, _status);
        Status.Check(_status, "a look at a value"u8);
        return new ReadOnlySpan<T>(pointer, (int)spec.Count);
    }

    private void Add(ReadOnlySpan<nint> inputs)
    {
        foreach (nint input in inputs)
        {
            C.TFE_OpAddInput(_op, input, _status);
        }
    }

    private void Begin(ReadOnlySpan<byte> name)
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

    /// <summary>Deletes those inputs of the op that nobody needs any more: it holds them itself now.</summary>
    private void Bury(ReadOnlySpan<nint> inputs)
    {
        if (_dying.Count > 0)
        {
            foreach (nint input in inputs)
            {
                if (_dying.Remove(input))
                {
                    C.TFE_DeleteTensorHandle(input);
                }
            }
        }
    }

    private void Run(nint* results, int count)
    {
        C.TFE_Execute(_op, results, &count, _status);
        Check();
    }

    private void Check()
    {
        if (C.TF_GetCode(_status) != 0)
        {
            Status.Check(_status, System.Runtime.InteropServices.MemoryMarshal.CreateReadOnlySpanFromNullTerminated(_name));
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
