using System.Runtime.InteropServices;
using DeepBridge.TensorFlow.Native;
using Google.Protobuf;
using Tensorflow;

namespace DeepBridge.TensorFlow.SavedModels;

/// <summary>Pieces of TensorFlow's protobufs.</summary>
internal static class Piece
{
    /// <summary>A node.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="op">Its op.</param>
    /// <param name="inputs">The names of its inputs.</param>
    /// <param name="attributes">Its attributes.</param>
    /// <returns>The node.</returns>
    internal static NodeDef Node(string name, string op, IEnumerable<string> inputs, params ReadOnlySpan<(string Name, AttrValue Value)> attributes)
    {
        NodeDef node = new() { Name = name, Op = op, Input = { inputs } };
        foreach ((string key, AttrValue value) in attributes)
        {
            node.Attr[key] = value;
        }

        return node;
    }

    /// <summary>A constant node.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="value">Its value.</param>
    /// <param name="inputs">What it waits for.</param>
    /// <returns>The node.</returns>
    internal static NodeDef Const(string name, TensorProto value, params IEnumerable<string> inputs) =>
        Node(name, nameof(Const), inputs, ("dtype", new AttrValue { Type = value.Dtype }), ("value", new AttrValue { Tensor = value }));

    /// <summary>A tensor of strings.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="texts">The strings.</param>
    /// <returns>The tensor.</returns>
    internal static TensorProto Strings(Shape shape, params IEnumerable<string> texts) =>
        new() { Dtype = DataType.DtString, TensorShape = Shape(shape), StringVal = { texts.Select(ByteString.CopyFromUtf8) } };

    /// <summary>A dtype as an attribute.</summary>
    /// <param name="dtype">The dtype.</param>
    /// <returns>The attribute.</returns>
    internal static AttrValue Type(DType dtype) => new() { Type = (DataType)C.Code(dtype) };

    /// <summary>Dtypes as an attribute.</summary>
    /// <param name="dtypes">The dtypes.</param>
    /// <returns>The attribute.</returns>
    internal static AttrValue Types(IEnumerable<DType> dtypes) =>
        new() { List = new AttrValue.Types.ListValue { Type = { dtypes.Select(dtype => (DataType)C.Code(dtype)) } } };

    /// <summary>A shape.</summary>
    /// <param name="shape">The shape.</param>
    /// <returns>The shape.</returns>
    internal static TensorShapeProto Shape(Shape shape) =>
        new() { Dim = { shape.AsSpan().ToArray().Select(extent => new TensorShapeProto.Types.Dim { Size = extent }) } };

    /// <summary>A tensor of a signature.</summary>
    /// <param name="tensor">Its name in the graph.</param>
    /// <param name="dtype">The dtype.</param>
    /// <param name="shape">The shape.</param>
    /// <returns>The description.</returns>
    internal static TensorInfo Info(string tensor, DType dtype, TensorShapeProto shape) =>
        new() { Name = tensor, Dtype = (DataType)C.Code(dtype), TensorShape = shape };

    /// <summary>Opens the extents of a shape that another has not.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="other">The other.</param>
    /// <returns>False: the ranks differ.</returns>
    internal static bool Open(TensorShapeProto shape, TensorShapeProto other)
    {
        foreach ((TensorShapeProto.Types.Dim mine, TensorShapeProto.Types.Dim others) in shape.Dim.Zip(other.Dim))
        {
            mine.Size = mine.Size == others.Size ? mine.Size : -1;
        }

        return shape.Dim.Count == other.Dim.Count;
    }

    /// <summary>A tensor of int32.</summary>
    /// <param name="values">The elements, row by row.</param>
    /// <param name="shape">The shape.</param>
    /// <returns>The tensor.</returns>
    internal static TensorProto Integers(int[] values, TensorShapeProto shape) =>
        new() { Dtype = DataType.DtInt32, TensorShape = shape, IntVal = { values } };

    /// <summary>The elements of a tensor of int32.</summary>
    /// <param name="tensor">The tensor, as TensorFlow writes a node's: several elements as bytes.</param>
    /// <returns>The elements.</returns>
    internal static int[] Numbers(TensorProto tensor) =>
        tensor.TensorContent.Length > 0 ? MemoryMarshal.Cast<byte, int>(tensor.TensorContent.Span).ToArray() : [.. tensor.IntVal];
}
