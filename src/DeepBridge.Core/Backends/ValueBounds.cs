using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using DeepBridge.Ops;

namespace DeepBridge.Backends;

/// <summary>
/// What the values of an integer input must satisfy; visible only when the op runs.
/// </summary>
/// <param name="Input">The input.</param>
/// <param name="Minimum">The least legal value.</param>
/// <param name="Maximum">The greatest legal value.</param>
/// <param name="Exempt">A value outside them that is legal too (an ignored label); null: none.</param>
/// <param name="NotZero">Whether zero is illegal (a divisor).</param>
public readonly record struct ValueBound(int Input, long Minimum, long Maximum, long? Exempt = null, bool NotZero = false);

/// <summary>An op some of whose integer inputs are bounded.</summary>
public interface IBoundedOp
{
    /// <summary>The bounds for inputs of these specs.</summary>
    /// <param name="inputs">The specs.</param>
    /// <returns>One for each bounded input; none where the dtype is floating.</returns>
    IReadOnlyList<ValueBound> Bounds(ReadOnlySpan<TensorSpec> inputs);
}

/// <summary>Checks bounded values in managed code, before a kernel sees them.</summary>
public static class ValueBounds
{
    /// <summary>Reads the bounded inputs of a call and throws for the first value out of bounds.</summary>
    /// <param name="op">The op.</param>
    /// <param name="call">Its inputs.</param>
    /// <exception cref="ValueOutOfBoundsException">A value is out of bounds.</exception>
    public static void Check(Op op, in KernelCall call)
    {
        if (op is not IBoundedOp bounded)
        {
            return;
        }

        foreach (ValueBound bound in bounded.Bounds(Decomposition.SpecsOf(call.Inputs)))
        {
            Check(op, bound, call.Inputs[bound.Input], null);
        }
    }

    /// <summary>Reads a bounded input and throws for the first value out of bounds.</summary>
    /// <param name="op">The op.</param>
    /// <param name="bound">The bounds.</param>
    /// <param name="input">The input.</param>
    /// <param name="path">The module that recorded the op, where it is not the one that runs.</param>
    /// <returns>Whether a value is exempt.</returns>
    /// <exception cref="ValueOutOfBoundsException">A value is out of bounds.</exception>
    internal static bool Check(Op op, ValueBound bound, BackendTensor input, string? path)
    {
        Backend backend = input.Device.Backend;
        if (!backend.TryBorrow(input, out ReadOnlySpan<byte> bytes))
        {
            byte[] copy = Transfer.Room(input.Spec);
            backend.Export(input, copy);
            bytes = copy;
        }

        return input.Spec.DType == DType.Int64
            ? Check<long, ulong>(op, bound, bytes, path)
            : Check<int, uint>(op, bound, bytes, path);
    }

    private static bool Check<T, TUnsigned>(Op op, ValueBound bound, ReadOnlySpan<byte> bytes, string? path)
        where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
        where TUnsigned : unmanaged, IBinaryInteger<TUnsigned>
    {
        ReadOnlySpan<T> values = MemoryMarshal.Cast<byte, T>(bytes);
        if (values.IsEmpty)
        {
            return false;
        }

        // Read without its sign, a negative number is greater than any bound: one pass answers for both ends.
        bool fine = bound.NotZero ? values.IndexOf(T.Zero) < 0
            : bound.Minimum == 0 && bound.Maximum >= 0
                ? ulong.CreateChecked(TensorPrimitives.Max(MemoryMarshal.Cast<byte, TUnsigned>(bytes))) <= (ulong)Math.Min(bound.Maximum, long.CreateChecked(T.MaxValue))
                : long.CreateChecked(TensorPrimitives.Min(values)) >= bound.Minimum && long.CreateChecked(TensorPrimitives.Max(values)) <= bound.Maximum;
        if (fine)
        {
            return bound.Exempt is { } exempt && exempt >= bound.Minimum && exempt <= bound.Maximum && values.Contains(T.CreateSaturating(exempt));
        }

        foreach (T value in values)
        {
            long number = long.CreateChecked(value);
            if (bound.NotZero ? number == 0 : (number < bound.Minimum || number > bound.Maximum) && number != bound.Exempt)
            {
                throw Error(op, bound, number, path);
            }
        }

        // What is out of bounds and legal is exempt.
        return true;
    }

    /// <summary>The error of a value that is out of its bounds.</summary>
    /// <param name="op">The op.</param>
    /// <param name="bound">The bounds.</param>
    /// <param name="number">The value.</param>
    /// <param name="path">The module that recorded the op, where it is not the one that runs.</param>
    /// <returns>The error.</returns>
    internal static ValueOutOfBoundsException Error(Op op, ValueBound bound, long number, string? path)
    {
        string expected = bound.NotZero ? "an integer divisor other than 0"
            : bound.Maximum < bound.Minimum ? "no value at all, since the axis is empty"
            : $"values from {bound.Minimum} to {bound.Maximum}";
        string where = path is null ? string.Empty : $" (in module '{path}')";
        return new ValueOutOfBoundsException(op.Name, $"input {bound.Input} holds {number}; expected {expected}.{where}", number);
    }
}
