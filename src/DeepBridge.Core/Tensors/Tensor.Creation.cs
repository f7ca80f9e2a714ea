using System.Runtime.InteropServices;
using DeepBridge.Backends;
using DeepBridge.Ops;

namespace DeepBridge;

public sealed partial class Tensor
{
    /// <summary>Copies elements into a tensor of one axis; <see cref="Reshape"/> gives it others.</summary>
    /// <typeparam name="T">The element type; it decides the dtype.</typeparam>
    /// <param name="values">The elements.</param>
    /// <param name="device">Where it goes; null: the default device.</param>
    /// <returns>The tensor.</returns>
    public static Tensor From<T>(ReadOnlySpan<T> values, Device? device = null)
        where T : unmanaged => From(values, [values.Length], device);

    /// <summary>Copies elements into a tensor of one axis.</summary>
    /// <typeparam name="T">The element type; it decides the dtype.</typeparam>
    /// <param name="values">The elements.</param>
    /// <param name="device">Where it goes; null: the default device.</param>
    /// <returns>The tensor.</returns>
    public static Tensor From<T>(T[] values, Device? device = null)
        where T : unmanaged => From((ReadOnlySpan<T>)values, device);

    /// <summary>Copies elements, row by row, into a tensor.</summary>
    /// <typeparam name="T">The element type; it decides the dtype.</typeparam>
    /// <param name="values">The elements.</param>
    /// <param name="shape">The shape.</param>
    /// <param name="device">Where it goes; null: the default device.</param>
    /// <returns>The tensor.</returns>
    /// <exception cref="ShapeMismatchException">The number of elements is not the shape's.</exception>
    public static Tensor From<T>(ReadOnlySpan<T> values, Shape shape, Device? device = null)
        where T : unmanaged
    {
        RequireCount(values.Length, shape);
        Device target = (device ?? Device.Default).Real;
        return Adopt(new Tensor(target.Backend.Import(new TensorSpec(shape, DTypes.Of<T>()), target, MemoryMarshal.AsBytes(values))));
    }

    /// <summary>Copies a rectangular array of any rank into a tensor of its shape.</summary>
    /// <typeparam name="T">The element type; it must be the array's.</typeparam>
    /// <param name="values">The array.</param>
    /// <param name="device">Where it goes; null: the default device.</param>
    /// <returns>The tensor.</returns>
    /// <exception cref="ArgumentException">The array holds something else.</exception>
    public static Tensor FromArray<T>(Array values, Device? device = null)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.GetType().GetElementType() != typeof(T))
        {
            throw new ArgumentException($"The array holds {values.GetType().GetElementType()}, not {typeof(T)}.", nameof(values));
        }

        int[] dims = new int[values.Rank];
        for (int axis = 0; axis < dims.Length; axis++)
        {
            dims[axis] = values.GetLength(axis);
        }

        ReadOnlySpan<T> span = values.Length == 0 ? [] : MemoryMarshal.CreateReadOnlySpan(
            ref System.Runtime.CompilerServices.Unsafe.As<byte, T>(ref MemoryMarshal.GetArrayDataReference(values)), values.Length);
        return From(span, dims, device);
    }

    /// <summary>Copies the BCL's tensor.</summary>
    /// <typeparam name="T">The element type; it decides the dtype.</typeparam>
    /// <param name="values">The tensor.</param>
    /// <param name="device">Where it goes; null: the default device.</param>
    /// <returns>The tensor.</returns>
    public static Tensor From<T>(System.Numerics.Tensors.ReadOnlyTensorSpan<T> values, Device? device = null)
        where T : unmanaged
    {
        T[] elements = new T[checked((int)values.FlattenedLength)];
        values.FlattenTo(elements);
        int[] dims = new int[values.Rank];
        for (int axis = 0; axis < dims.Length; axis++)
        {
            dims[axis] = checked((int)values.Lengths[axis]);
        }

        return From<T>(elements, (Shape)dims, device);
    }

    /// <summary>
    /// Makes a tensor over the caller's memory, without a copy where the backend can. The memory must not change as long
    /// as the tensor, or anything made of it, is in use.
    /// </summary>
    /// <typeparam name="T">The element type; it decides the dtype.</typeparam>
    /// <param name="memory">The elements, row by row.</param>
    /// <param name="shape">The shape.</param>
    /// <param name="device">Where it goes; null: the default device.</param>
    /// <returns>The tensor.</returns>
    public static Tensor Wrap<T>(Memory<T> memory, Shape shape, Device? device = null)
        where T : unmanaged
    {
        RequireCount(memory.Length, shape);
        Device target = (device ?? Device.Default).Real;
        return Adopt(new Tensor(target.Backend.Import(new TensorSpec(shape, DTypes.Of<T>()), target, HostMemory.Pin(memory))));
    }

    /// <summary>A scalar as a tensor of rank 0.</summary>
    /// <param name="value">The value.</param>
    /// <param name="dtype">The dtype; null: Float32, Int64 or Bool, after the kind of number.</param>
    /// <param name="device">Where it goes; null: the default device.</param>
    /// <returns>The tensor.</returns>
    public static Tensor Of(Scalar value, DType? dtype = null, Device? device = null) =>
        Full([], value, dtype ?? (value.Kind == DType.Float64 ? DType.Float32 : value.Kind), device);

    /// <summary>A tensor of zeros.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="dtype">The dtype.</param>
    /// <param name="device">Where it goes; null: the default device.</param>
    /// <returns>The tensor.</returns>
    public static Tensor Zeros(Shape shape, DType dtype = DType.Float32, Device? device = null) => Full(shape, 0, dtype, device);

    /// <summary>A tensor of ones.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="dtype">The dtype.</param>
    /// <param name="device">Where it goes; null: the default device.</param>
    /// <returns>The tensor.</returns>
    public static Tensor Ones(Shape shape, DType dtype = DType.Float32, Device? device = null) => Full(shape, 1, dtype, device);

    /// <summary>A tensor of one value.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="value">The value.</param>
    /// <param name="dtype">The dtype.</param>
    /// <param name="device">Where it goes; null: the default device.</param>
    /// <returns>The tensor.</returns>
    public static Tensor Full(Shape shape, Scalar value, DType dtype = DType.Float32, Device? device = null) =>
        Eager.Run(new Fill(shape.Dims, dtype, value), [], device, 0);

    /// <summary>The integers 0 to <paramref name="count"/> − 1.</summary>
    /// <param name="count">How many.</param>
    /// <param name="dtype">A dtype that computes.</param>
    /// <param name="device">Where it goes; null: the default device.</param>
    /// <returns>The tensor.</returns>
    public static Tensor Arange(int count, DType dtype = DType.Int64, Device? device = null) => Eager.Run(new Iota(count, dtype), [], device, 0);

    /// <summary>Numbers from <paramref name="start"/> on in steps, below (or, for a negative step, above) <paramref name="stop"/>.</summary>
    /// <param name="start">The first.</param>
    /// <param name="stop">The bound, excluded.</param>
    /// <param name="step">The step, not 0.</param>
    /// <param name="dtype">A dtype that computes.</param>
    /// <param name="device">Where it goes; null: the default device.</param>
    /// <returns>The tensor.</returns>
    public static Tensor Arange(double start, double stop, double step = 1, DType dtype = DType.Float32, Device? device = null)
    {
        if (step == 0 || !double.IsFinite(start) || !double.IsFinite(stop) || !double.IsFinite(step))
        {
            throw new InvalidAttributeException(nameof(Arange), $"start {start}, stop {stop} and step {step} must be finite, the step not 0.");
        }

        int count = checked((int)Math.Max(0, Math.Ceiling((stop - start) / step)));
        return ((Arange(count, DType.Float64, device) * step) + start).Cast(dtype);
    }

    /// <summary>Evenly spaced numbers, both ends included.</summary>
    /// <param name="start">The first.</param>
    /// <param name="stop">The last.</param>
    /// <param name="count">How many.</param>
    /// <param name="dtype">A floating dtype.</param>
    /// <param name="device">Where it goes; null: the default device.</param>
    /// <returns>The tensor.</returns>
    public static Tensor Linspace(double start, double stop, int count, DType dtype = DType.Float32, Device? device = null)
    {
        Tensor unit = Arange(count, DType.Float64, device) / Math.Max(count - 1, 1);
        return ((unit * (stop - start)) + start).Cast(dtype);
    }

    /// <summary>A matrix with ones on the diagonal.</summary>
    /// <param name="rows">The number of rows.</param>
    /// <param name="columns">The number of columns; null: as many.</param>
    /// <param name="dtype">The dtype.</param>
    /// <param name="device">Where it goes; null: the default device.</param>
    /// <returns>The matrix.</returns>
    public static Tensor Eye(int rows, int? columns = null, DType dtype = DType.Float32, Device? device = null) =>
        (Arange(rows, device: device).Reshape(rows, 1) == Arange(columns ?? rows, device: device)).Cast(dtype);

    /// <summary>Uniform numbers of the current generator.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="low">The least.</param>
    /// <param name="high">The bound.</param>
    /// <param name="dtype">A floating dtype.</param>
    /// <param name="device">Where they go; null: the default device.</param>
    /// <returns>The tensor.</returns>
    public static Tensor Uniform(Shape shape, double low = 0, double high = 1, DType dtype = DType.Float32, Device? device = null) =>
        RandomGenerator.Current.Uniform(shape, low, high, dtype, device);

    /// <summary>Normal numbers of the current generator.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="mean">Their mean.</param>
    /// <param name="deviation">Their standard deviation.</param>
    /// <param name="dtype">A floating dtype.</param>
    /// <param name="device">Where they go; null: the default device.</param>
    /// <returns>The tensor.</returns>
    public static Tensor Normal(Shape shape, double mean = 0, double deviation = 1, DType dtype = DType.Float32, Device? device = null) =>
        RandomGenerator.Current.Normal(shape, mean, deviation, dtype, device);

    /// <summary>Zeros of this tensor's shape, dtype and device.</summary>
    /// <returns>The tensor.</returns>
    public Tensor ZerosLike() => Eager.Constant(0, DType, Data.Device).Expand(Shape);

    /// <summary>Ones of this tensor's shape, dtype and device.</summary>
    /// <returns>The tensor.</returns>
    public Tensor OnesLike() => Eager.Constant(1, DType, Data.Device).Expand(Shape);

    private static void RequireCount(int count, Shape shape)
    {
        if (count != shape.Count)
        {
            throw new ShapeMismatchException("From", $"{count} elements do not make a tensor of shape {shape}, which has {shape.Count}.", [shape]);
        }
    }
}
