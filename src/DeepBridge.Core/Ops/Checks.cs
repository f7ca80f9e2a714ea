using System.Runtime.CompilerServices;

namespace DeepBridge.Ops;

/// <summary>The checks that ops' rules share, with the errors that a person needs.</summary>
public static class Checks
{
    /// <summary>Requires a number of inputs.</summary>
    /// <param name="op">The op.</param>
    /// <param name="inputs">The inputs.</param>
    /// <param name="least">The least number.</param>
    /// <param name="most">The greatest number; null: the same.</param>
    public static void Inputs(Op op, ReadOnlySpan<TensorSpec> inputs, int least, int? most = null)
    {
        if (inputs.Length < least || inputs.Length > (most ?? least))
        {
            throw new InvalidAttributeException(op.Name, $"takes {least}{(most is null ? string.Empty : $" to {most}")} inputs, got {inputs.Length}.");
        }
    }

    /// <summary>Requires a floating dtype.</summary>
    /// <param name="op">The op.</param>
    /// <param name="input">The input.</param>
    public static void Floating(Op op, TensorSpec input)
    {
        if (!input.DType.IsFloating())
        {
            throw new DTypeMismatchException(op.Name, $"takes a floating dtype, got {input.DType.Name()}. Cast first.");
        }
    }

    /// <summary>Requires a dtype that computes: floating, int32 or int64.</summary>
    /// <param name="op">The op.</param>
    /// <param name="input">The input.</param>
    public static void Numeric(Op op, TensorSpec input)
    {
        if (!input.DType.IsNumeric())
        {
            throw new DTypeMismatchException(
                op.Name, $"takes a floating dtype, int32 or int64, got {input.DType.Name()}, which only casts, moves and compares. Cast first.");
        }
    }

    /// <summary>Requires a given dtype.</summary>
    /// <param name="op">The op.</param>
    /// <param name="input">The input.</param>
    /// <param name="expected">The dtype.</param>
    /// <param name="what">What the input is.</param>
    public static void Is(Op op, TensorSpec input, DType expected, string what)
    {
        if (input.DType != expected)
        {
            throw new DTypeMismatchException(op.Name, $"{what} must be {expected.Name()}, got {input.DType.Name()}.");
        }
    }

    /// <summary>Requires int32 or int64.</summary>
    /// <param name="op">The op.</param>
    /// <param name="input">The input.</param>
    /// <param name="what">What the input is.</param>
    public static void Index(Op op, TensorSpec input, string what)
    {
        if (input.DType is not (DType.Int32 or DType.Int64))
        {
            throw new DTypeMismatchException(op.Name, $"{what} must be int32 or int64, got {input.DType.Name()}.");
        }
    }

    /// <summary>Requires equal dtypes.</summary>
    /// <param name="op">The op.</param>
    /// <param name="a">One input.</param>
    /// <param name="b">The other.</param>
    public static void Same(Op op, TensorSpec a, TensorSpec b)
    {
        if (a.DType != b.DType)
        {
            throw new DTypeMismatchException(op.Name, $"takes inputs of one dtype, got {a.DType.Name()} and {b.DType.Name()}.");
        }
    }

    /// <summary>Requires a given shape.</summary>
    /// <param name="op">The op.</param>
    /// <param name="input">The input.</param>
    /// <param name="expected">The shape.</param>
    /// <param name="what">What the input is.</param>
    public static void HasShape(Op op, TensorSpec input, Shape expected, string what)
    {
        if (input.Shape != expected)
        {
            throw new ShapeMismatchException(op.Name, $"{what} must have shape {expected}, got {input.Shape}.", [input.Shape, expected]);
        }
    }

    /// <summary>Requires a given rank.</summary>
    /// <param name="op">The op.</param>
    /// <param name="input">The input.</param>
    /// <param name="least">The least rank.</param>
    /// <param name="most">The greatest; null: the same.</param>
    /// <param name="what">What the input is.</param>
    public static void Rank(Op op, TensorSpec input, int least, int? most, string what)
    {
        if (input.Rank < least || input.Rank > (most ?? least))
        {
            throw new ShapeMismatchException(
                op.Name, $"{what} must have {least}{(most is null ? string.Empty : most == int.MaxValue ? " or more" : $" to {most}")} dimensions, got shape {input.Shape}.", [input.Shape]);
        }
    }

    /// <summary>Requires an attribute to hold.</summary>
    /// <param name="op">The op.</param>
    /// <param name="holds">Whether it does.</param>
    /// <param name="message">What was expected and given.</param>
    public static void Attribute(Op op, bool holds, string message)
    {
        if (!holds)
        {
            throw new InvalidAttributeException(op.Name, message);
        }
    }

    /// <inheritdoc cref="Attribute(Op, bool, string)"/>
    public static void Attribute(Op op, bool holds, [InterpolatedStringHandlerArgument(nameof(holds))] ref CheckMessage message)
    {
        if (!holds)
        {
            throw new InvalidAttributeException(op.Name, message.ToString());
        }
    }

    /// <summary>Requires a dtype that exists.</summary>
    /// <param name="op">The op.</param>
    /// <param name="dtype">The dtype.</param>
    public static void Defined(Op op, DType dtype) => Attribute(op, dtype <= DType.Float64, $"there is no dtype {dtype}.");

    /// <summary>Requires an axis of a shape, counted from the front.</summary>
    /// <param name="op">The op.</param>
    /// <param name="axis">The axis.</param>
    /// <param name="shape">The shape.</param>
    public static void Axis(Op op, int axis, Shape shape)
    {
        if ((uint)axis >= (uint)shape.Rank)
        {
            throw AxisOutOfRange(op.Name, axis, shape);
        }
    }

    /// <summary>Requires ascending axes of a shape, counted from the front.</summary>
    /// <param name="op">The op.</param>
    /// <param name="axes">The axes.</param>
    /// <param name="shape">The shape.</param>
    public static void Axes(Op op, Dims axes, Shape shape)
    {
        int last = -1;
        foreach (int axis in axes)
        {
            Axis(op, axis, shape);
            Attribute(op, axis > last, $"axes must be ascending and distinct, got {axes}.");
            last = axis;
        }
    }

    /// <summary>Counts an axis from the front.</summary>
    /// <param name="op">Whose axis it is, for the error.</param>
    /// <param name="axis">The axis; −1 is the last.</param>
    /// <param name="shape">The shape.</param>
    /// <returns>The axis from 0.</returns>
    /// <exception cref="ShapeMismatchException">There is no such axis.</exception>
    public static int Normalize(string op, int axis, Shape shape)
    {
        int normal = axis < 0 ? axis + shape.Rank : axis;
        return (uint)normal < (uint)shape.Rank ? normal : throw AxisOutOfRange(op, axis, shape);
    }

    /// <summary>Counts axes from the front and sorts them.</summary>
    /// <param name="op">Whose axes they are, for the error.</param>
    /// <param name="axes">The axes; none: all.</param>
    /// <param name="shape">The shape.</param>
    /// <returns>Ascending axes from 0.</returns>
    public static Dims Normalize(string op, ReadOnlySpan<int> axes, Shape shape)
    {
        int[] normal = new int[axes.IsEmpty ? shape.Rank : axes.Length];
        for (int i = 0; i < normal.Length; i++)
        {
            normal[i] = axes.IsEmpty ? i : Normalize(op, axes[i], shape);
        }

        Array.Sort(normal);
        for (int i = 1; i < normal.Length; i++)
        {
            if (normal[i] == normal[i - 1])
            {
                throw new InvalidAttributeException(op, $"axis {normal[i]} is named twice in {Dims.Create(axes)}.");
            }
        }

        return Dims.Take(normal);
    }

    private static ShapeMismatchException AxisOutOfRange(string op, int axis, Shape shape) =>
        new(op, $"axis {axis} does not exist in shape {shape}.", [shape], axis);
}
