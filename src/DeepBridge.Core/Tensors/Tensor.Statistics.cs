using DeepBridge.Ops;

namespace DeepBridge;

public sealed partial class Tensor
{
    /// <summary>The mean; NaN of nothing. Integers and bool become float32.</summary>
    /// <param name="axes">The axes that are folded; none: all.</param>
    /// <param name="keepDims">Whether they stay, with extent 1.</param>
    /// <returns>The result.</returns>
    public Tensor Mean(Dims axes = default, bool keepDims = false) =>
        Eager.Unary(new Ops.Mean(Checks.Normalize(nameof(Mean), axes.AsSpan(), Shape), keepDims), Floating());

    /// <summary>The mean over one axis.</summary>
    /// <param name="axis">The axis; −1 is the last.</param>
    /// <param name="keepDims">Whether it stays, with extent 1.</param>
    /// <returns>The result.</returns>
    public Tensor Mean(int axis, bool keepDims = false) => Mean([axis], keepDims);

    /// <summary>The variance: squared distances from the mean over max(n − correction, 0). Integers and bool become float32.</summary>
    /// <param name="correction">0: the biased variance (NumPy's default); 1: the unbiased one (PyTorch's).</param>
    /// <param name="axes">The axes that are folded; none: all.</param>
    /// <param name="keepDims">Whether they stay, with extent 1.</param>
    /// <returns>The result; NaN of one element with correction 1.</returns>
    public Tensor Variance(int correction, Dims axes = default, bool keepDims = false) =>
        Eager.Unary(new Ops.Variance(Checks.Normalize(nameof(Variance), axes.AsSpan(), Shape), keepDims, correction), Floating());

    /// <summary>The standard deviation, the root of <see cref="Variance"/>; its gradient where it is 0 is 0.</summary>
    /// <param name="correction">0: the biased one (NumPy's default); 1: the unbiased one (PyTorch's).</param>
    /// <param name="axes">The axes that are folded; none: all.</param>
    /// <param name="keepDims">Whether they stay, with extent 1.</param>
    /// <returns>The result.</returns>
    public Tensor Std(int correction, Dims axes = default, bool keepDims = false)
    {
        // The root never sees a zero, at which its gradient is infinite.
        Tensor variance = Variance(correction, axes, keepDims), zero = variance == 0;
        return Where(zero, variance.ZerosLike(), Where(zero, variance.OnesLike(), variance).Sqrt());
    }

    /// <summary>log Σ eˣ, right for large numbers and rows of −∞. Integers and bool become float32.</summary>
    /// <param name="axes">The axes that are folded; none: all.</param>
    /// <param name="keepDims">Whether they stay, with extent 1.</param>
    /// <returns>The result.</returns>
    public Tensor LogSumExp(Dims axes = default, bool keepDims = false) =>
        Eager.Unary(new Ops.LogSumExp(Checks.Normalize(nameof(LogSumExp), axes.AsSpan(), Shape), keepDims), Floating());

    /// <summary>log Σ eˣ over one axis.</summary>
    /// <param name="axis">The axis; −1 is the last.</param>
    /// <param name="keepDims">Whether it stays, with extent 1.</param>
    /// <returns>The result.</returns>
    public Tensor LogSumExp(int axis, bool keepDims = false) => LogSumExp([axis], keepDims);

    /// <summary>The sum of the squares of all elements, in float32 for the 16-bit floats.</summary>
    /// <returns>A scalar.</returns>
    public Tensor SquaredNorm() => Eager.Unary(Ops.SquaredNorm.Instance, Floating());
}
