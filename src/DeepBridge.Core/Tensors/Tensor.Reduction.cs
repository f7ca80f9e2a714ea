using DeepBridge.Ops;

namespace DeepBridge;

public sealed partial class Tensor
{
    /// <summary>The sum. Bool and small integers are summed as int64.</summary>
    /// <param name="axes">The axes that are folded; none: all.</param>
    /// <param name="keepDims">Whether they stay, with extent 1.</param>
    /// <returns>The result.</returns>
    public Tensor Sum(Dims axes = default, bool keepDims = false) =>
        Eager.Unary(new Sum(Checks.Normalize(nameof(Sum), axes.AsSpan(), Shape), keepDims), Countable());

    /// <summary>The sum over one axis.</summary>
    /// <param name="axis">The axis; −1 is the last.</param>
    /// <param name="keepDims">Whether it stays, with extent 1.</param>
    /// <returns>The result.</returns>
    public Tensor Sum(int axis, bool keepDims = false) => Sum([axis], keepDims);

    /// <summary>The product. Bool and small integers are multiplied as int64.</summary>
    /// <param name="axes">The axes that are folded; none: all.</param>
    /// <param name="keepDims">Whether they stay, with extent 1.</param>
    /// <returns>The result.</returns>
    public Tensor Product(Dims axes = default, bool keepDims = false) =>
        Eager.Unary(new Product(Checks.Normalize(nameof(Product), axes.AsSpan(), Shape), keepDims), Countable());

    /// <summary>The maximum; ties share the gradient.</summary>
    /// <param name="axes">The axes that are folded; none: all.</param>
    /// <param name="keepDims">Whether they stay, with extent 1.</param>
    /// <returns>The result.</returns>
    public Tensor Max(Dims axes = default, bool keepDims = false) =>
        Eager.Unary(new Max(Checks.Normalize(nameof(Max), axes.AsSpan(), Shape), keepDims), this);

    /// <summary>The minimum; ties share the gradient.</summary>
    /// <param name="axes">The axes that are folded; none: all.</param>
    /// <param name="keepDims">Whether they stay, with extent 1.</param>
    /// <returns>The result.</returns>
    public Tensor Min(Dims axes = default, bool keepDims = false) =>
        Eager.Unary(new Min(Checks.Normalize(nameof(Min), axes.AsSpan(), Shape), keepDims), this);

    /// <summary>The maximum of one axis and where it is; the whole gradient goes there.</summary>
    /// <param name="axis">The axis; −1 is the last.</param>
    /// <param name="keepDims">Whether it stays, with extent 1.</param>
    /// <returns>The maxima, and their positions, int64, the lowest of equals.</returns>
    public (Tensor Values, Tensor Indices) MaxWithIndices(int axis, bool keepDims = false) => Chosen(ArgMax(axis, true), axis, keepDims);

    /// <summary>The minimum of one axis and where it is; the whole gradient goes there.</summary>
    /// <param name="axis">The axis; −1 is the last.</param>
    /// <param name="keepDims">Whether it stays, with extent 1.</param>
    /// <returns>The minima, and their positions, int64, the lowest of equals.</returns>
    public (Tensor Values, Tensor Indices) MinWithIndices(int axis, bool keepDims = false) => Chosen(ArgMin(axis, true), axis, keepDims);

    /// <summary>The position of the maximum, int64: the lowest of equals, the first NaN.</summary>
    /// <param name="axis">The axis; −1 is the last.</param>
    /// <param name="keepDims">Whether it stays, with extent 1.</param>
    /// <returns>The positions.</returns>
    public Tensor ArgMax(int axis, bool keepDims = false) =>
        Eager.Unary(new ArgMax(Checks.Normalize(nameof(ArgMax), axis, Shape), keepDims), this);

    /// <summary>The position of the minimum, int64: the lowest of equals, the first NaN.</summary>
    /// <param name="axis">The axis; −1 is the last.</param>
    /// <param name="keepDims">Whether it stays, with extent 1.</param>
    /// <returns>The positions.</returns>
    public Tensor ArgMin(int axis, bool keepDims = false) =>
        Eager.Unary(new ArgMin(Checks.Normalize(nameof(ArgMin), axis, Shape), keepDims), this);

    /// <summary>Whether any element is true.</summary>
    /// <param name="axes">The axes that are folded; none: all.</param>
    /// <param name="keepDims">Whether they stay, with extent 1.</param>
    /// <returns>The result.</returns>
    public Tensor Any(Dims axes = default, bool keepDims = false) =>
        Eager.Unary(new Any(Checks.Normalize(nameof(Any), axes.AsSpan(), Shape), keepDims), this);

    /// <summary>Whether all elements are true.</summary>
    /// <param name="axes">The axes that are folded; none: all.</param>
    /// <param name="keepDims">Whether they stay, with extent 1.</param>
    /// <returns>The result.</returns>
    public Tensor All(Dims axes = default, bool keepDims = false) =>
        Eager.Unary(new All(Checks.Normalize(nameof(All), axes.AsSpan(), Shape), keepDims), this);

    /// <summary>Running sums along an axis. Bool and small integers are summed as int64.</summary>
    /// <param name="axis">The axis; −1 is the last.</param>
    /// <returns>The result.</returns>
    public Tensor CumulativeSum(int axis) =>
        Eager.Unary(new CumulativeSum(Checks.Normalize(nameof(CumulativeSum), axis, Shape)), Countable());

    private Tensor Countable() => DType.IsFloating() ? this : Cast(DType.Int64);

    private (Tensor Values, Tensor Indices) Chosen(Tensor indices, int axis, bool keepDims)
    {
        Tensor values = TakeAlongAxis(indices, axis);
        return keepDims ? (values, indices) : (values.Squeeze(axis), indices.Squeeze(axis));
    }
}
