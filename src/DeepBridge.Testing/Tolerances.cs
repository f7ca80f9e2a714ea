namespace DeepBridge.Testing;

/// <summary>How near to the truth an op can be asked to come.</summary>
public enum OpClass
{
    /// <summary>Moves, picks or compares elements: the same numbers.</summary>
    Exact,

    /// <summary>One correctly rounded operation an element.</summary>
    Arithmetic,

    /// <summary>A function of an element.</summary>
    Function,

    /// <summary>A function of an element whose zeros are not representable: sine and cosine.</summary>
    Periodic,

    /// <summary>Sums, and sums of products.</summary>
    Sum,

    /// <summary>Several of these, one after another.</summary>
    Composite,
}

/// <summary>
/// |actual − expected| ≤ Relative·|expected| + Absolute·scale; the scale is the largest |expected| of the tensor, or of
/// all gradients of an op together.
/// </summary>
/// <param name="Relative">The part of the element.</param>
/// <param name="Absolute">The part of the largest element.</param>
public readonly record struct Tolerance(double Relative, double Absolute);

/// <summary>The one table of tolerances, per dtype and class of op. Integers and bool are always exact.</summary>
public static class Tolerances
{
    /// <summary>The tolerance of values.</summary>
    /// <param name="dtype">The dtype of the result.</param>
    /// <param name="kind">The class of op.</param>
    /// <returns>The tolerance.</returns>
    public static Tolerance Of(DType dtype, OpClass kind) => (dtype, kind) switch
    {
        (_, OpClass.Exact) => default,
        (DType.Float64, OpClass.Arithmetic) => new(2.3e-16, 0),
        (DType.Float64, OpClass.Function) => new(2e-14, 0),
        (DType.Float64, OpClass.Periodic) => new(2e-14, 1e-15),
        (DType.Float64, OpClass.Sum) => new(1e-13, 1e-14),
        (DType.Float64, _) => new(1e-11, 1e-12),
        (DType.Float32, OpClass.Arithmetic) => new(1.2e-7, 0),
        (DType.Float32, OpClass.Function) => new(1e-6, 0),
        (DType.Float32, OpClass.Periodic) => new(1e-6, 1.2e-7),
        (DType.Float32, OpClass.Sum) => new(2e-6, 1e-6),
        (DType.Float32, _) => new(2e-5, 4e-6),
        (DType.Float16, OpClass.Arithmetic) => new(9.8e-4, 0),
        (DType.Float16, OpClass.Function or OpClass.Periodic or OpClass.Sum) => new(9.8e-4, 1e-4),
        (DType.Float16, _) => new(1e-2, 4e-3),
        (DType.BFloat16, OpClass.Arithmetic) => new(7.9e-3, 0),
        (DType.BFloat16, OpClass.Function or OpClass.Periodic or OpClass.Sum) => new(7.9e-3, 1e-3),
        (DType.BFloat16, _) => new(8e-2, 3e-2),
        _ => default,
    };

    /// <summary>The class of an op's gradients, which are made of several ops.</summary>
    /// <param name="kind">The class of the op.</param>
    /// <returns>The class of its gradients.</returns>
    public static OpClass OfGradients(OpClass kind) => kind is OpClass.Exact or OpClass.Sum ? OpClass.Sum : OpClass.Composite;

    /// <summary>Below the smallest normal number a device may flush to zero.</summary>
    /// <param name="dtype">The dtype.</param>
    /// <returns>That number.</returns>
    public static double Tiny(DType dtype) => dtype switch
    {
        DType.Float16 => 6.2e-5,
        DType.Float32 or DType.BFloat16 => 1.2e-38,
        DType.Float64 => 2.3e-308,
        _ => 0,
    };
}
