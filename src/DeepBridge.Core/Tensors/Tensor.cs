using System.Diagnostics;
using System.Runtime.InteropServices;
using DeepBridge.Autodiff;
using DeepBridge.Backends;
using DeepBridge.Memory;
using DeepBridge.Ops;

namespace DeepBridge;

/// <summary>
/// An immutable array of numbers on a device, with a shape and dtype known at run time. No op writes into a tensor.
/// A <see cref="TensorScope"/> releases what was created inside it; outside any scope <see cref="Dispose"/> frees a
/// tensor at once, and otherwise the garbage collector does in its time.
/// </summary>
[DebuggerDisplay("{DebuggerText,nq}")]
public sealed partial class Tensor : IDisposable
{
    private readonly TensorSpec _spec;
    private readonly Device _device;
    private BackendTensor? _data;
    private Node? _node;

    internal Tensor(BackendTensor data, Node? node = null, int output = 0)
    {
        _data = data;
        _spec = data.Spec;
        _device = data.Device;
        _node = node;
        OutputIndex = output;
    }

    /// <summary>Shape and dtype.</summary>
    public TensorSpec Spec => _spec;

    /// <summary>The extents, outermost first.</summary>
    public Shape Shape => _spec.Shape;

    /// <summary>The type of the elements.</summary>
    public DType DType => _spec.DType;

    /// <summary>The number of dimensions; 0 for a scalar.</summary>
    public int Rank => _spec.Rank;

    /// <summary>The number of elements.</summary>
    public long Count => _spec.Count;

    /// <summary>Where the data lies.</summary>
    public Device Device => _device.Real;

    /// <summary>Whether gradients flow through this tensor: it derives from a trainable parameter or from <see cref="Track"/>.</summary>
    public bool IsTracked => _node is not null;

    /// <summary>Whether the data has been given up, by <see cref="Dispose"/> or by a scope.</summary>
    public bool IsReleased => _data is null;

    /// <summary>The data, or an error that says who released it.</summary>
    internal BackendTensor Data => _data ?? throw Released(null);

    /// <summary>The data for an op, or an error that says who released it and which op asked.</summary>
    /// <param name="op">The op.</param>
    /// <returns>The data.</returns>
    internal BackendTensor DataFor(Op op) => _data ?? throw Released(op.Name);

    /// <summary>What computed this, if it is tracked.</summary>
    internal Node? Node => _node;

    /// <summary>Which output of <see cref="Node"/> this is.</summary>
    internal int OutputIndex { get; }

    /// <summary>Who owns this; after the release, who released it.</summary>
    internal TensorScope? Scope { get; set; }

    /// <summary>Whether somebody asked a scope to keep this, so that a container does not drop it.</summary>
    internal bool IsKept { get; set; }

    internal Tensor? PreviousInScope { get; set; }

    internal Tensor? NextInScope { get; set; }

    private string DebuggerText => _data is null ? $"{_spec} released" : $"{_spec} {Device}{(IsTracked ? " tracked" : string.Empty)}";

    /// <summary>
    /// Gives up the data at once. Others that hold it (a view, the tape, a variable) keep it. Disposing twice does nothing.
    /// </summary>
    public void Dispose()
    {
        Scope?.TryRemove(this);
        GiveUp();
    }

    /// <summary>The same value without history: no gradient flows through it.</summary>
    /// <returns>This where it has none.</returns>
    public Tensor Detach() => _node is null ? this : Adopt(new Tensor(Data.Retain()));

    /// <summary>The same value as a leaf whose gradient can be asked for.</summary>
    /// <returns>A tracked tensor.</returns>
    /// <exception cref="DTypeMismatchException">The dtype is not a floating one.</exception>
    public Tensor Track() => _spec.IsFloating
        ? Adopt(new Tensor(Data.Retain(), Node.Leaf(_spec, null)))
        : throw new DTypeMismatchException(nameof(Track), $"only floating tensors carry gradients; this one is {DType.Name()}.");

    /// <summary>Copies to another device, also of another backend; gradients cross back.</summary>
    /// <param name="device">The device.</param>
    /// <returns>This where it lies there already.</returns>
    /// <exception cref="TracingException">A graph is being traced: it lives on one device.</exception>
    public Tensor To(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (ReferenceEquals(device.Real, Device))
        {
            return this;
        }

        if (!ReferenceEquals(_device, _device.Real))
        {
            throw new TracingException($"A graph lives on one device ({Device}); move its inputs to {device} before tracing.");
        }

        Device source = Device;
        return Gradients.Custom(
            nameof(To),
            [this],
            inputs => [Adopt(new Tensor(Transfer.Copy(inputs[0].Data, device)))],
            (incoming, _) => [incoming[0]?.To(source)])[0];
    }

    /// <summary>The one element of a tensor of one element.</summary>
    /// <typeparam name="T">The element type; it must match the dtype.</typeparam>
    /// <returns>The element.</returns>
    /// <exception cref="ShapeMismatchException">The tensor has not exactly one element.</exception>
    public T Item<T>()
        where T : unmanaged
    {
        if (Count != 1)
        {
            throw new ShapeMismatchException(nameof(Item), $"a tensor of shape {Shape} has {Count} elements, not one.", [Shape]);
        }

        T item = default;
        CopyTo(new Span<T>(ref item));
        return item;
    }

    /// <summary>The one element of a tensor of one element, as a double, whatever its dtype.</summary>
    /// <returns>The element.</returns>
    /// <exception cref="ShapeMismatchException">The tensor has not exactly one element.</exception>
    public double Item() => DType == DType.Float64 ? Item<double>() : Cast(DType.Float64).Item<double>();

    /// <summary>The elements, row by row.</summary>
    /// <typeparam name="T">The element type; it must match the dtype.</typeparam>
    /// <returns>A new array.</returns>
    /// <exception cref="ShapeMismatchException">There are more elements than an array holds.</exception>
    public T[] ToArray<T>()
        where T : unmanaged
    {
        T[] array = Count <= Array.MaxLength ? new T[Count] : throw new ShapeMismatchException(
            nameof(ToArray), $"{Count} elements are more than an array holds: take them in parts.", [Shape]);
        CopyTo(array.AsSpan());
        return array;
    }

    /// <summary>The elements as the BCL's tensor.</summary>
    /// <typeparam name="T">The element type; it must match the dtype.</typeparam>
    /// <returns>A dense copy of the same shape.</returns>
    public System.Numerics.Tensors.Tensor<T> ToNumerics<T>()
        where T : unmanaged
    {
        nint[] lengths = new nint[Rank];
        for (int axis = 0; axis < lengths.Length; axis++)
        {
            lengths[axis] = Shape[axis];
        }

        return System.Numerics.Tensors.Tensor.Create(ToArray<T>(), lengths);
    }

    /// <summary>Copies the elements out, row by row.</summary>
    /// <typeparam name="T">The element type; it must match the dtype.</typeparam>
    /// <param name="destination">Where they go; at least as long as <see cref="Count"/>.</param>
    /// <exception cref="DTypeMismatchException"><typeparamref name="T"/> is not the dtype.</exception>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    /// <exception cref="TracingException">A graph is being traced: there is no value yet.</exception>
    public void CopyTo<T>(Span<T> destination)
        where T : unmanaged
    {
        RequireElement<T>();
        if (destination.Length < Count)
        {
            throw new ArgumentException($"{Count} elements do not fit into {destination.Length}.", nameof(destination));
        }

        Device.Backend.Export(Readable(), MemoryMarshal.AsBytes(destination[..(int)Count]));
    }

    /// <summary>
    /// Lends the elements, row by row, without a copy where the backend can (<c>cpu</c> can where the layout is dense),
    /// else from a copy.
    /// </summary>
    /// <typeparam name="T">The element type; it must match the dtype.</typeparam>
    /// <param name="read">What reads them; it must not keep the span.</param>
    public void Read<T>(Action<ReadOnlySpan<T>> read)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(read);
        RequireElement<T>();
        ReadBytes(bytes => read(MemoryMarshal.Cast<byte, T>(bytes)));
    }

    /// <summary>Lends the elements as bytes, row by row, in the machine's byte order.</summary>
    /// <param name="read">What reads them; it must not keep the span.</param>
    internal void ReadBytes(Action<ReadOnlySpan<byte>> read)
    {
        BackendTensor data = Readable().Retain();
        try
        {
            if (!Device.Backend.TryBorrow(data, out ReadOnlySpan<byte> bytes))
            {
                byte[] copy = Transfer.Room(_spec);
                Device.Backend.Export(data, copy);
                bytes = copy;
            }

            read(bytes);
        }
        finally
        {
            data.Release();
        }
    }

    /// <summary>Puts a new tensor into the current scope.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <returns>The tensor.</returns>
    internal static Tensor Adopt(Tensor tensor) => Ambient.Now.Scope is { } scope ? scope.Own(tensor) : tensor;

    /// <summary>Gives up the data on behalf of the scope that owns this, and remembers the scope for the error message.</summary>
    internal void ReleaseByScope() => GiveUp();

    /// <summary>The data, or an error where a graph is traced and there is none.</summary>
    /// <returns>The data, without a count added.</returns>
    internal BackendTensor Readable()
    {
        BackendTensor data = Data;
        return ReferenceEquals(data.Device, data.Device.Real) ? data : throw new TracingException(
            "The value of a tensor is not known while a graph is traced. Branch with Where, or compute the value outside and pass it as an argument.");
    }

    private void RequireElement<T>()
        where T : unmanaged
    {
        if (DTypes.Of<T>() != DType)
        {
            throw new DTypeMismatchException(
                "Read", $"the tensor is {DType.Name()} and was read as {DTypes.Of<T>().Name()}. Cast({nameof(DType)}.{DTypes.Of<T>()}) first.");
        }
    }

    private void GiveUp()
    {
        Interlocked.Exchange(ref _data, null)?.Release();
        if (_node is not null)
        {
            Interlocked.Exchange(ref _node, null)?.Release();
        }
    }

    private TensorReleasedException Released(string? op) => new(
        (op is null ? $"A {_spec} tensor was used after " : $"{op}: a {_spec} tensor was used after ")
        + (Scope is null ? "it was disposed." : $"the scope '{Scope.Name}' released it. Keep it with scope.Keep(tensor)."));
}
