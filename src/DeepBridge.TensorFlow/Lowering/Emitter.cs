using DeepBridge.TensorFlow.Native;

namespace DeepBridge.TensorFlow.Lowering;

/// <summary>
/// Emits ops of TensorFlow: eagerly, where a value is a handle, or into a graph, where it is a node's output. So there is
/// one table of lowerings for both. A value lies (N, C, H, W), (N, H, W, C), or both; what is missing is made when somebody
/// asks, so that transposes between convolutions, and through what stands between them, cancel. An op is begun with its
/// inputs, given attributes, and ended by <see cref="One"/>, <see cref="Many"/> or <see cref="None"/>; one op at a time.
/// </summary>
internal abstract unsafe class Emitter
{
    // A value whose elements lie with their channels last is its handle with this bit, which no handle has.
    private const nint LiesLast = 1;

    // For values of which there is the other layout too, that one's handle.
    private readonly Dictionary<nint, nint> _twins = [];

    /// <summary>Whether TensorFlow's own kernels of the CPU run what is emitted: a GPU has fewer, and XLA's differ.</summary>
    internal required bool OnCpu { get; init; }

    /// <summary>Whether kernels for gradients of grouped and dilated float32 convolutions are there.</summary>
    internal abstract bool HasOneDnn { get; }

    /// <summary>Whether what is emitted is optimized before it runs: TensorFlow and XLA rewrite graphs.</summary>
    internal virtual bool IsRewritten => false;

    /// <summary>The value of an int64 that lies on the host; null: it is not known yet.</summary>
    /// <param name="value">The value.</param>
    /// <returns>The number or null.</returns>
    internal virtual long? Peek(nint value) => null;

    /// <summary>The value of a floating scalar that the host made; null: it is not known yet.</summary>
    /// <param name="value">The value.</param>
    /// <returns>The number or null.</returns>
    internal virtual double? NumberOf(nint value) => null;

    /// <summary>Remembers, where values outlive an op, that one has nothing below 0.</summary>
    /// <param name="value">The value.</param>
    /// <returns>The value.</returns>
    internal virtual nint NoteRectified(nint value) => value;

    /// <summary>Whether it is known that a value has nothing below 0.</summary>
    /// <param name="value">The value.</param>
    /// <returns>True where it is.</returns>
    internal virtual bool IsRectified(nint value) => false;

    /// <summary>Whether integers that lie on the host hold a number; null: they are not known yet.</summary>
    /// <param name="values">The integers.</param>
    /// <param name="spec">Their spec: int32 or int64.</param>
    /// <param name="number">The number.</param>
    /// <returns>The answer or null.</returns>
    internal virtual bool? Holds(nint values, TensorSpec spec, long number) => null;

    /// <summary>Whether NaN is among floats that lie on the host; null: they are not known yet.</summary>
    /// <param name="values">The floats.</param>
    /// <param name="spec">Their spec: float32 or float64.</param>
    /// <returns>The answer or null.</returns>
    internal virtual bool? HasNaN(nint values, TensorSpec spec) => null;

    /// <summary>Whether the least number of its dtype, or less, is among floats that lie on the host; null: they are not known yet.</summary>
    /// <param name="values">The floats, without NaN.</param>
    /// <param name="spec">Their spec: float32 or float64.</param>
    /// <returns>The answer or null.</returns>
    internal virtual bool? HasLowest(nint values, TensorSpec spec) => null;

    /// <summary>Begins an op.</summary>
    /// <param name="name">Its name in TensorFlow, a literal.</param>
    /// <param name="inputs">Its inputs, single ones.</param>
    /// <returns>This.</returns>
    internal virtual Emitter Op(ReadOnlySpan<byte> name, params ReadOnlySpan<nint> inputs)
    {
        ReadOnlySpan<nint> plain = Plain(inputs);
        Begin(name);
        Add(plain);
        Release(plain);
        return this;
    }

    /// <summary>Begins an op whose first input is a list.</summary>
    /// <param name="name">Its name in TensorFlow, a literal.</param>
    /// <param name="list">The list.</param>
    /// <param name="inputs">The inputs after it.</param>
    /// <returns>This.</returns>
    internal Emitter ListOp(ReadOnlySpan<byte> name, ReadOnlySpan<nint> list, params ReadOnlySpan<nint> inputs)
    {
        ReadOnlySpan<nint> plain = Plain(list), others = Plain(inputs);
        Begin(name);
        AddList(plain);
        Add(others);
        Release(plain);
        return this;
    }

    /// <summary>Emits an op of element after element, which broadcasts: any layout will do, as long as all inputs have the same.</summary>
    /// <param name="name">Its name in TensorFlow, a literal.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <returns>Its output.</returns>
    internal nint Map(ReadOnlySpan<byte> name, params ReadOnlySpan<nint> inputs) =>
        BeginsLast(name, inputs) ? FromChannelsLast(One()) : One();

    /// <summary>The same elements, (N, H, W, C) instead of (N, C, H, W).</summary>
    /// <param name="value">The value.</param>
    /// <returns>The value in the other layout.</returns>
    internal nint ToChannelsLast(nint value)
    {
        nint last = Layouts(value).Last;
        return last != 0 ? last : (_twins[value] = Transposed(value, [0, 2, 3, 1]));
    }

    /// <summary>The same elements, (N, C, H, W) instead of (N, H, W, C).</summary>
    /// <param name="value">The value.</param>
    /// <returns>The value in the other layout.</returns>
    internal static nint FromChannelsLast(nint value) => value | LiesLast;

    /// <summary>A value as the core sees it.</summary>
    /// <param name="value">The value.</param>
    /// <returns>Its handle.</returns>
    internal nint Plain(nint value)
    {
        nint plain = Layouts(value).Plain;
        return plain != 0 ? plain : (_twins[value] = Transposed(value & ~LiesLast, [0, 3, 1, 2]));
    }

    /// <summary>A value's handle, and whether it has its channels last.</summary>
    /// <param name="value">The value.</param>
    /// <returns>Both.</returns>
    internal static (nint Handle, bool LiesLast) Apart(nint value) => (value & ~LiesLast, (value & LiesLast) != 0);

    /// <summary>How a value lies.</summary>
    /// <param name="value">The value.</param>
    /// <returns>Its handles, 0 for what there is not.</returns>
    internal (nint Plain, nint Last) Layouts(nint value)
    {
        nint other = _twins.GetValueOrDefault(value);
        return (value & LiesLast) == 0 ? (value, other) : (other, value & ~LiesLast);
    }

    /// <summary>Says that there is another layout of a value.</summary>
    /// <param name="value">The value, which lies plain.</param>
    /// <param name="last">The handle with its channels last.</param>
    internal void Know(nint value, nint last) => _twins[value] = last;

    /// <summary>Sets an attribute.</summary>
    /// <param name="name">The name, a literal.</param>
    /// <param name="value">The value.</param>
    /// <returns>This.</returns>
    internal Emitter Type(ReadOnlySpan<byte> name, int value)
    {
        SetType(C.At(name), value);
        return this;
    }

    /// <inheritdoc cref="Type"/>
    internal Emitter Flag(ReadOnlySpan<byte> name, bool value)
    {
        SetBool(C.At(name), value ? (byte)1 : (byte)0);
        return this;
    }

    /// <inheritdoc cref="Type"/>
    internal Emitter Integer(ReadOnlySpan<byte> name, long value)
    {
        SetInt(C.At(name), value);
        return this;
    }

    /// <inheritdoc cref="Type"/>
    internal Emitter Integers(ReadOnlySpan<byte> name, ReadOnlySpan<int> value)
    {
        long* wide = stackalloc long[value.Length + 1];
        Numbers.Widen(value, wide);
        SetInts(C.At(name), wide, value.Length);
        return this;
    }

    /// <inheritdoc cref="Type"/>
    internal Emitter Real(ReadOnlySpan<byte> name, float value)
    {
        SetFloat(C.At(name), value);
        return this;
    }

    /// <inheritdoc cref="Type"/>
    internal Emitter Text(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        // The value may be an array, which the collector moves.
        fixed (byte* bytes = value)
        {
            SetText(C.At(name), bytes, (nuint)value.Length);
        }

        return this;
    }

    /// <summary>Ends an op of one output.</summary>
    /// <returns>The output.</returns>
    internal abstract nint One();

    /// <summary>Ends an op of several outputs.</summary>
    /// <param name="count">How many.</param>
    /// <returns>The outputs.</returns>
    internal abstract nint[] Many(int count);

    /// <summary>Ends an op without outputs.</summary>
    internal abstract void None();

    /// <summary>A constant.</summary>
    /// <param name="spec">Shape and dtype.</param>
    /// <param name="data">The elements.</param>
    /// <returns>The value.</returns>
    internal abstract nint Constant(TensorSpec spec, ReadOnlySpan<byte> data);

    /// <summary>A constant matrix of int32, such as a list of paddings.</summary>
    /// <param name="values">The elements, row by row.</param>
    /// <param name="columns">The columns; 0: a vector.</param>
    /// <returns>The value.</returns>
    internal abstract nint Matrix(Dims values, int columns);

    /// <summary>A constant of rank 0.</summary>
    /// <param name="value">The value.</param>
    /// <param name="dtype">The dtype.</param>
    /// <returns>The value.</returns>
    internal abstract nint Number(Scalar value, DType dtype);

    /// <summary>Says that the op about to be begun is the last that reads a value which a lowering made.</summary>
    /// <param name="value">The value.</param>
    /// <returns>The value.</returns>
    internal virtual nint Last(nint value) => value;

    /// <summary>A constant vector of int32.</summary>
    /// <param name="values">The elements.</param>
    /// <returns>The value.</returns>
    internal nint Integers(Dims values) => Matrix(values, 0);

    /// <summary>A constant int32.</summary>
    /// <param name="value">The value.</param>
    /// <returns>The value.</returns>
    internal nint Integer(int value) => Number(value, DType.Int32);

    /// <summary>The same values in another dtype; floats are truncated as the machine does.</summary>
    /// <param name="value">The value.</param>
    /// <param name="dtype">The dtype.</param>
    /// <returns>The value.</returns>
    internal nint Cast(nint value, DType dtype) => Typed("Cast"u8, value, "DstT"u8, dtype);

    /// <summary>The same bits as another dtype of the same size.</summary>
    /// <param name="value">The value.</param>
    /// <param name="dtype">The dtype.</param>
    /// <returns>The value.</returns>
    internal nint Bitcast(nint value, DType dtype) => Typed("Bitcast"u8, value, "type"u8, dtype);

    /// <summary>The axes in another order.</summary>
    /// <param name="value">The value.</param>
    /// <param name="axes">Axis i of the output is axis axes[i] of the value.</param>
    /// <returns>The value.</returns>
    internal nint Transpose(nint value, Dims axes) => Op("Transpose"u8, value, Integers(axes)).One();

    /// <summary>The same elements in another shape.</summary>
    /// <param name="value">The value.</param>
    /// <param name="shape">The shape.</param>
    /// <returns>The value.</returns>
    internal nint Reshape(nint value, Dims shape) => Op("Reshape"u8, value, Integers(shape)).One();

    /// <summary>Begins an op without inputs.</summary>
    protected abstract void Begin(ReadOnlySpan<byte> name);

    /// <summary>Adds inputs, handles as they are, to the op that was begun.</summary>
    protected abstract void Add(ReadOnlySpan<nint> handles);

    /// <summary>Adds one input that is a list.</summary>
    protected abstract void AddList(ReadOnlySpan<nint> handles);

    /// <summary>Gives up those inputs of the op that was begun that nobody needs any more.</summary>
    protected virtual void Release(ReadOnlySpan<nint> handles)
    {
    }

    /// <summary>Whether a value has no axes, and so every layout.</summary>
    protected abstract bool IsScalar(nint value);

    /// <summary>Whether a handle is one of the two layouts of a value: somebody may ask for it until the end.</summary>
    protected bool IsTwin(nint handle) =>
        _twins.Count > 0 && (_twins.ContainsKey(handle) || _twins.ContainsKey(handle | LiesLast) || _twins.ContainsValue(handle));

    /// <summary>Forgets which values have two layouts.</summary>
    protected void ForgetLayouts() => _twins.Clear();

    /// <summary>Sets an attribute of the op that was begun.</summary>
    protected abstract void SetType(byte* name, int value);

    /// <inheritdoc cref="SetType"/>
    protected abstract void SetBool(byte* name, byte value);

    /// <inheritdoc cref="SetType"/>
    protected abstract void SetInt(byte* name, long value);

    /// <inheritdoc cref="SetType"/>
    protected abstract void SetInts(byte* name, long* values, int count);

    /// <inheritdoc cref="SetType"/>
    protected abstract void SetFloat(byte* name, float value);

    /// <inheritdoc cref="SetType"/>
    protected abstract void SetText(byte* name, byte* value, nuint length);

    private nint Typed(ReadOnlySpan<byte> name, nint value, ReadOnlySpan<byte> attribute, DType dtype)
    {
        bool last = BeginsLast(name, [value]);
        Type(attribute, C.Code(dtype));
        return last ? FromChannelsLast(One()) : One();
    }

    /// <summary>Begins an op that takes any layout: with channels last where all inputs lie so, plain else.</summary>
    private bool BeginsLast(ReadOnlySpan<byte> name, ReadOnlySpan<nint> inputs)
    {
        Span<nint> lasts = stackalloc nint[inputs.Length];
        for (int i = 0; i < lasts.Length; i++)
        {
            lasts[i] = Layouts(inputs[i]).Last;
        }

        bool all = lasts.ContainsAnyExcept(0);
        for (int i = 0; all && i < lasts.Length; i++)
        {
            all = lasts[i] != 0 || IsScalar(inputs[i]);
            lasts[i] = lasts[i] != 0 ? lasts[i] : inputs[i];
        }

        if (!all)
        {
            Op(name, inputs);
            return false;
        }

        Begin(name);
        Add(lasts);
        Release(lasts);
        return true;
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
}
