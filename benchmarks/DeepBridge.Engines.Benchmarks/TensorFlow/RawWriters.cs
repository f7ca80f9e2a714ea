using System.Text;
using Tensorflow;

namespace DeepBridge.Engines.Benchmarks.TensorFlow;

/// <summary>Writes an op down, to be run at once or as a node of a graph: so the rivals' model is written once.</summary>
/// <typeparam name="T">A value.</typeparam>
internal abstract class RawWriter<T>
{
    internal abstract RawWriter<T> Op(ReadOnlySpan<byte> name, params ReadOnlySpan<T> inputs);

    internal abstract RawWriter<T> Type(ReadOnlySpan<byte> name, int value);

    internal abstract RawWriter<T> Flag(ReadOnlySpan<byte> name, bool value);

    internal abstract RawWriter<T> Text(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value);

    internal abstract RawWriter<T> Integers(ReadOnlySpan<byte> name, ReadOnlySpan<long> value);

    /// <summary>Gives up a value that the op begun, or one before, was the last to read: kernels write into such.</summary>
    internal virtual RawWriter<T> Free(T value) => this;

    internal abstract T One();

    internal abstract (T First, T Second) Two();

    internal abstract void None();

    /// <summary>A constant, made when the program starts.</summary>
    internal abstract T Constant<TElement>(ReadOnlySpan<TElement> data, params ReadOnlySpan<int> shape)
        where TElement : unmanaged;
}

/// <summary>Runs each op, with one op object that is reset.</summary>
internal sealed unsafe class RawEager : RawWriter<nint>
{
    private nint _op;

    internal override RawEager Op(ReadOnlySpan<byte> name, params ReadOnlySpan<nint> inputs)
    {
        if (_op == 0)
        {
            _op = Raw.TFE_NewOp(Raw.Context, Raw.At(name), Raw.Status);
        }

        Raw.TFE_OpReset(_op, Raw.At(name), null, Raw.Status);
        foreach (nint input in inputs)
        {
            Raw.TFE_OpAddInput(_op, input, Raw.Status);
        }

        return this;
    }

    internal override RawEager Type(ReadOnlySpan<byte> name, int value)
    {
        Raw.TFE_OpSetAttrType(_op, Raw.At(name), value);
        return this;
    }

    internal RawEager Shape(ReadOnlySpan<byte> name, ReadOnlySpan<int> shape)
    {
        long* dims = stackalloc long[shape.Length + 1];
        for (int i = 0; i < shape.Length; i++)
        {
            dims[i] = shape[i];
        }

        Raw.TFE_OpSetAttrShape(_op, Raw.At(name), dims, shape.Length, Raw.Status);
        return this;
    }

    internal override RawEager Flag(ReadOnlySpan<byte> name, bool value)
    {
        Raw.TFE_OpSetAttrBool(_op, Raw.At(name), value ? (byte)1 : (byte)0);
        return this;
    }

    internal override RawEager Text(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        fixed (byte* text = value)
        {
            Raw.TFE_OpSetAttrString(_op, Raw.At(name), text, (nuint)value.Length);
        }

        return this;
    }

    internal override RawEager Integers(ReadOnlySpan<byte> name, ReadOnlySpan<long> value)
    {
        fixed (long* values = value)
        {
            Raw.TFE_OpSetAttrIntList(_op, Raw.At(name), values, value.Length);
        }

        return this;
    }

    internal override RawEager Free(nint value)
    {
        Raw.TFE_DeleteTensorHandle(value);
        return this;
    }

    internal override nint One()
    {
        nint result;
        Run(&result, 1);
        return result;
    }

    internal override (nint First, nint Second) Two()
    {
        nint* results = stackalloc nint[2];
        Run(results, 2);
        return (results[0], results[1]);
    }

    internal override void None() => Run(null, 0);

    internal override nint Constant<TElement>(ReadOnlySpan<TElement> data, params ReadOnlySpan<int> shape) => Raw.Handle(data, shape);

    private void Run(nint* results, int count)
    {
        Raw.TFE_Execute(_op, results, &count, Raw.Status);
        Raw.Check();
    }
}

/// <summary>Writes nodes of a graph.</summary>
internal sealed unsafe class RawGraph(nint graph) : RawWriter<TF_Output>
{
    private nint _node;
    private int _count;

    /// <summary>The node written last.</summary>
    internal nint Last { get; private set; }

    internal override RawGraph Op(ReadOnlySpan<byte> name, params ReadOnlySpan<TF_Output> inputs)
    {
        fixed (byte* node = Encoding.UTF8.GetBytes($"node{_count++}\0"))
        {
            _node = Raw.TF_NewOperation(graph, Raw.At(name), node);
        }

        foreach (TF_Output input in inputs)
        {
            c_api.TF_AddInput(_node, input);
        }

        return this;
    }

    internal RawGraph After(nint operation)
    {
        c_api.TF_AddControlInput(_node, operation);
        return this;
    }

    internal override RawGraph Type(ReadOnlySpan<byte> name, int value)
    {
        Raw.TF_SetAttrType(_node, Raw.At(name), value);
        return this;
    }

    internal override RawGraph Flag(ReadOnlySpan<byte> name, bool value)
    {
        Raw.TF_SetAttrBool(_node, Raw.At(name), value ? (byte)1 : (byte)0);
        return this;
    }

    internal override RawGraph Text(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        fixed (byte* text = value)
        {
            Raw.TF_SetAttrString(_node, Raw.At(name), text, (nuint)value.Length);
        }

        return this;
    }

    internal override RawGraph Integers(ReadOnlySpan<byte> name, ReadOnlySpan<long> value)
    {
        fixed (long* values = value)
        {
            Raw.TF_SetAttrIntList(_node, Raw.At(name), values, value.Length);
        }

        return this;
    }

    internal override TF_Output One()
    {
        None();
        return new TF_Output(Last, 0);
    }

    internal override (TF_Output First, TF_Output Second) Two()
    {
        None();
        return (new TF_Output(Last, 0), new TF_Output(Last, 1));
    }

    internal override void None()
    {
        Last = Raw.TF_FinishOperation(_node, Raw.Status);
        Raw.Check();
    }

    internal override TF_Output Constant<TElement>(ReadOnlySpan<TElement> data, params ReadOnlySpan<int> shape)
    {
        nint tensor = Raw.Tensor(data, shape);
        Op("Const"u8).Type("dtype"u8, Raw.Code<TElement>());
        Raw.TF_SetAttrTensor(_node, Raw.At("value"u8), tensor, Raw.Status);
        Raw.TF_DeleteTensor(tensor);
        return One();
    }
}
