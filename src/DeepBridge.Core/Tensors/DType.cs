namespace DeepBridge;

/// <summary>
/// The type of a tensor's elements. <see cref="Float32"/>, <see cref="Float64"/>, <see cref="Int32"/>,
/// <see cref="Int64"/> and <see cref="Bool"/> compute; <see cref="Float16"/> and <see cref="BFloat16"/> compute
/// through float32; <see cref="Int8"/>, <see cref="UInt8"/> and <see cref="Int16"/> are storage: they cast, move
/// and compare.
/// </summary>
public enum DType : byte
{
    /// <summary>True or false, one byte.</summary>
    Bool,

    /// <summary>Unsigned integer of 8 bits; storage.</summary>
    UInt8,

    /// <summary>Signed integer of 8 bits; storage.</summary>
    Int8,

    /// <summary>Signed integer of 16 bits; storage.</summary>
    Int16,

    /// <summary>Signed integer of 32 bits.</summary>
    Int32,

    /// <summary>Signed integer of 64 bits.</summary>
    Int64,

    /// <summary>IEEE 754 binary16.</summary>
    Float16,

    /// <summary>The upper half of a binary32: 8 bits of exponent, 7 of fraction.</summary>
    BFloat16,

    /// <summary>IEEE 754 binary32.</summary>
    Float32,

    /// <summary>IEEE 754 binary64.</summary>
    Float64,
}

/// <summary>What can be asked of a <see cref="DType"/>.</summary>
public static class DTypes
{
    /// <summary>Every dtype, in the order of the enumeration.</summary>
    public static IReadOnlyList<DType> All { get; } = Enum.GetValues<DType>();

    /// <summary>Bytes of one element.</summary>
    /// <param name="dtype">The dtype.</param>
    /// <returns>1, 2, 4 or 8.</returns>
    public static int Size(this DType dtype) => dtype switch
    {
        DType.Bool or DType.UInt8 or DType.Int8 => 1,
        DType.Int16 or DType.Float16 or DType.BFloat16 => 2,
        DType.Int32 or DType.Float32 => 4,
        _ => 8,
    };

    /// <summary>Whether the dtype is a floating-point one, the only kind that carries gradients.</summary>
    /// <param name="dtype">The dtype.</param>
    /// <returns>True for Float16, BFloat16, Float32 and Float64.</returns>
    public static bool IsFloating(this DType dtype) => dtype >= DType.Float16;

    /// <summary>Whether the dtype is an integer, bool excluded.</summary>
    /// <param name="dtype">The dtype.</param>
    /// <returns>True for UInt8, Int8, Int16, Int32 and Int64.</returns>
    public static bool IsInteger(this DType dtype) => dtype is > DType.Bool and < DType.Float16;

    /// <summary>Whether arithmetic is defined on the dtype.</summary>
    /// <param name="dtype">The dtype.</param>
    /// <returns>True for the floating dtypes, Int32 and Int64.</returns>
    public static bool IsNumeric(this DType dtype) => dtype >= DType.Int32;

    /// <summary>The name in lower case, as error messages and graphs print it: "float32".</summary>
    /// <param name="dtype">The dtype.</param>
    /// <returns>The name.</returns>
    public static string Name(this DType dtype) => dtype switch
    {
        DType.Bool => "bool",
        DType.UInt8 => "uint8",
        DType.Int8 => "int8",
        DType.Int16 => "int16",
        DType.Int32 => "int32",
        DType.Int64 => "int64",
        DType.Float16 => "float16",
        DType.BFloat16 => "bfloat16",
        DType.Float32 => "float32",
        DType.Float64 => "float64",
        _ => dtype.ToString(),
    };

    /// <summary>
    /// The dtype in which two tensors meet: the wider of one kind; floating over integer over bool; float16 with
    /// bfloat16 is float32; uint8 with int8 is int16. The table is printed in <c>docs/conventions.md</c>.
    /// </summary>
    /// <param name="left">One dtype.</param>
    /// <param name="right">The other.</param>
    /// <returns>The common dtype; the order of the arguments does not matter.</returns>
    public static DType Promote(DType left, DType right)
    {
        if (left == right)
        {
            return left;
        }

        (DType low, DType high) = left < right ? (left, right) : (right, left);
        return (low, high) switch
        {
            (DType.Float16, DType.BFloat16) => DType.Float32,
            (DType.UInt8, DType.Int8) => DType.Int16,
            _ => high,
        };
    }

    /// <summary>The dtype of a .NET element type.</summary>
    /// <typeparam name="T">bool, byte, sbyte, short, int, long, Half, <see cref="BFloat16"/>, float or double.</typeparam>
    /// <returns>The dtype.</returns>
    /// <exception cref="NotSupportedException"><typeparamref name="T"/> is none of these.</exception>
    public static DType Of<T>()
        where T : unmanaged
    {
        if (typeof(T) == typeof(float))
        {
            return DType.Float32;
        }

        if (typeof(T) == typeof(double))
        {
            return DType.Float64;
        }

        if (typeof(T) == typeof(long))
        {
            return DType.Int64;
        }

        if (typeof(T) == typeof(int))
        {
            return DType.Int32;
        }

        if (typeof(T) == typeof(bool))
        {
            return DType.Bool;
        }

        if (typeof(T) == typeof(byte))
        {
            return DType.UInt8;
        }

        if (typeof(T) == typeof(sbyte))
        {
            return DType.Int8;
        }

        if (typeof(T) == typeof(short))
        {
            return DType.Int16;
        }

        if (typeof(T) == typeof(Half))
        {
            return DType.Float16;
        }

        if (typeof(T) == typeof(BFloat16))
        {
            return DType.BFloat16;
        }

        throw new NotSupportedException(
            $"A tensor cannot hold {typeof(T).Name}: use bool, byte, sbyte, short, int, long, Half, BFloat16, float or double.");
    }
}
