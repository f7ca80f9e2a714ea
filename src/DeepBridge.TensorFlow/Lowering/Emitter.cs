using DeepBridge.TensorFlow.Native;

namespace DeepBridge.TensorFlow.Lowering;

/// <summary>
/// Emits ops of TensorFlow: eagerly, where a value is a handle, or into a graph, where it is a node's output. So there is
/// one table of lowerings for both. An op is begun with its inputs, given attributes, and ended by <see cref="One"/>,
/// <see cref="Many"/> or <see cref="None"/>; one op at a time.
/// </summary>
/// <typeparam name="T">A value.</typeparam>
internal abstract unsafe class Emitter<T>
{
    /// <summary>Whether kernels for gradients of grouped and dilated float32 convolutions are there.</summary>
    internal abstract bool HasOneDnn { get; }

    /// <summary>The value of an int64 that lies on the host; null: it is not known yet.</summary>
    /// <param name="value">The value.</param>
    /// <returns>The number or null.</returns>
    internal virtual long? Peek(T value) => null;

    /// <summary>Whether integers that lie on the host hold a number; null: they are not known yet.</summary>
    /// <param name="values">The integers.</param>
    /// <param name="spec">Their spec: int32 or int64.</param>
    /// <param name="number">The number.</param>
    /// <returns>The answer or null.</returns>
    internal virtual bool? Holds(T values, TensorSpec spec, long number) => null;

    /// <summary>Whether NaN is among floats that lie on the host; null: they are not known yet.</summary>
    /// <param name="values">The floats.</param>
    /// <param name="spec">Their spec: float32 or float64.</param>
    /// <returns>The answer or null.</returns>
    internal virtual bool? HasNaN(T values, TensorSpec spec) => null;

    /// <summary>Whether the least number of its dtype, or less, is among floats that lie on the host; null: they are not known yet.</summary>
    /// <param name="values">The floats, without NaN.</param>
    /// <param name="spec">Their spec: float32 or float64.</param>
    /// <returns>The answer or null.</returns>
    internal virtual bool? HasLowest(T values, TensorSpec spec) => null;

    /// <summary>Begins an op.</summary>
    /// <param name="name">Its name in TensorFlow, a literal.</param>
    /// <param name="inputs">Its inputs, single ones.</param>
    /// <returns>This.</returns>
    internal abstract Emitter<T> Op(ReadOnlySpan<byte> name, params ReadOnlySpan<T> inputs);

    /// <summary>Begins an op whose first input is a list.</summary>
    /// <param name="name">Its name in TensorFlow, a literal.</param>
    /// <param name="list">The list.</param>
    /// <param name="inputs">The inputs after it.</param>
    /// <returns>This.</returns>
    internal abstract Emitter<T> ListOp(ReadOnlySpan<byte> name, ReadOnlySpan<T> list, params ReadOnlySpan<T> inputs);

    /// <summary>Begins an op of element after element: any layout will do, as long as all inputs have the same.</summary>
    /// <param name="name">Its name in TensorFlow, a literal.</param>
    /// <param name="inputs">Its inputs: scalars and values of one shape.</param>
    /// <returns>Its output.</returns>
    internal abstract T Map(ReadOnlySpan<byte> name, params ReadOnlySpan<T> inputs);

    /// <summary>The same elements, (N, H, W, C) instead of (N, C, H, W).</summary>
    /// <param name="value">The value.</param>
    /// <returns>The value in the other layout.</returns>
    internal abstract T ToChannelsLast(T value);

    /// <summary>The same elements, (N, C, H, W) instead of (N, H, W, C).</summary>
    /// <param name="value">The value.</param>
    /// <returns>The value in the other layout.</returns>
    internal abstract T FromChannelsLast(T value);

    /// <summary>Sets an attribute.</summary>
    /// <param name="name">The name, a literal.</param>
    /// <param name="value">The value.</param>
    /// <returns>This.</returns>
    internal Emitter<T> Type(ReadOnlySpan<byte> name, int value)
    {
        SetType(C.At(name), value);
        return this;
    }

    /// <inheritdoc cref="Type"/>
    internal Emitter<T> Flag(ReadOnlySpan<byte> name, bool value)
    {
        SetBool(C.At(name), value ? (byte)1 : (byte)0);
        return this;
    }

    /// <inheritdoc cref="Type"/>
    internal Emitter<T> Integer(ReadOnlySpan<byte> name, long value)
    {
        SetInt(C.At(name), value);
        return this;
    }

    /// <inheritdoc cref="Type"/>
    internal Emitter<T> Integers(ReadOnlySpan<byte> name, ReadOnlySpan<int> value)
    {
        long* wide = stackalloc long[value.Length + 1];
        Numbers.Widen(value, wide);
        SetInts(C.At(name), wide, value.Length);
        return this;
    }

    /// <inheritdoc cref="Type"/>
    internal Emitter<T> Real(ReadOnlySpan<byte> name, float value)
    {
        SetFloat(C.At(name), value);
        return this;
    }

    /// <inheritdoc cref="Type"/>
    internal Emitter<T> Text(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        fixed (byte* bytes = value)
        {
            SetText(C.At(name), bytes, (nuint)value.Length);
        }

        return this;
    }

    /// <summary>Ends an op of one output.</summary>
    /// <returns>The output.</returns>
    internal abstract T One();

    /// <summary>Ends an op of several outputs.</summary>
    /// <param name="count">How many.</param>
    /// <returns>The outputs.</returns>
    internal abstract T[] Many(int count);

    /// <summary>Ends an op without outputs.</summary>
    internal abstract void None();

    /// <summary>A constant.</summary>
    /// <param name="spec">Shape and dtype.</param>
    /// <param name="data">The elements.</param>
    /// <returns>The value.</returns>
    internal abstract T Constant(TensorSpec spec, ReadOnlySpan<byte> data);

    /// <summary>A constant matrix of int32, such as a list of paddings.</summary>
    /// <param name="values">The elements, row by row.</param>
    /// <param name="columns">The columns; 0: a vector.</param>
    /// <returns>The value.</returns>
    internal abstract T Matrix(Dims values, int columns);

    /// <summary>A constant of rank 0.</summary>
    /// <param name="value">The value.</param>
    /// <param name="dtype">The dtype.</param>
    /// <returns>The value.</returns>
    internal abstract T Number(Scalar value, DType dtype);

    /// <summary>Says that the op about to be begun is the last that reads a value which a lowering made.</summary>
    /// <param name="value">The value.</param>
    /// <returns>The value.</returns>
    internal virtual T Last(T value) => value;

    /// <summary>A constant vector of int32.</summary>
    /// <param name="values">The elements.</param>
    /// <returns>The value.</returns>
    internal T Integers(Dims values) => Matrix(values, 0);

    /// <summary>A constant int32.</summary>
    /// <param name="value">The value.</param>
    /// <returns>The value.</returns>
    internal T Integer(int value) => Number(value, DType.Int32);

    /// <summary>The same values in another dtype; floats are truncated as the machine does.</summary>
    /// <param name="value">The value.</param>
    /// <param name="dtype">The dtype.</param>
    /// <returns>The value.</returns>
    internal abstract T Cast(T value, DType dtype);

    /// <summary>The axes in another order.</summary>
    /// <param name="value">The value.</param>
    /// <param name="axes">Axis i of the output is axis axes[i] of the value.</param>
    /// <returns>The value.</returns>
    internal T Transpose(T value, Dims axes) => Op("Transpose"u8, value, Integers(axes)).One();

    /// <summary>The same elements in another shape.</summary>
    /// <param name="value">The value.</param>
    /// <param name="shape">The shape.</param>
    /// <returns>The value.</returns>
    internal T Reshape(T value, Dims shape) => Op("Reshape"u8, value, Integers(shape)).One();

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
}
