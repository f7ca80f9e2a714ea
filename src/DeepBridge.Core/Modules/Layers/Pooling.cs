namespace DeepBridge.Layers;

/// <summary>The maximum of each window, over as many spatial axes as the window has.</summary>
/// <param name="size">The window's extents, one an axis.</param>
/// <param name="stride">The step; none: the window's extents.</param>
/// <param name="padding">−∞ around, at most half of the window.</param>
public sealed partial class MaxPool(Dims size, Dims stride = default, Padding padding = default) : Module<Tensor, Tensor>
{
    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input.MaxPool(size, stride, padding);
}

/// <summary>The mean of each window, over as many spatial axes as the window has.</summary>
/// <param name="size">The window's extents, one an axis.</param>
/// <param name="stride">The step; none: the window's extents.</param>
/// <param name="padding">Zeros around, at most half of the window.</param>
/// <param name="countPadding">Whether the divisor counts padding.</param>
public sealed partial class AveragePool(Dims size, Dims stride = default, Padding padding = default, bool countPadding = true)
    : Module<Tensor, Tensor>
{
    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input.AveragePool(size, stride, padding, countPadding);
}
