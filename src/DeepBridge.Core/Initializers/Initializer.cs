namespace DeepBridge.Initializers;

/// <summary>
/// First values of parameters, float32 on the default device, drawn from <see cref="RandomGenerator.Current"/>.
/// </summary>
public static class Initializer
{
    /// <summary>
    /// How many inputs and outputs a unit has, as PyTorch counts them: the second and the first extent, each times the
    /// extents after them.
    /// </summary>
    /// <param name="shape">The shape of a weight, of two dimensions or more.</param>
    /// <returns>The numbers.</returns>
    /// <exception cref="ShapeMismatchException">The shape has fewer dimensions.</exception>
    public static (long In, long Out) Fans(Shape shape)
    {
        if (shape.Rank < 2)
        {
            throw new ShapeMismatchException(nameof(Fans), $"takes a shape of two dimensions or more, got {shape}.", [shape]);
        }

        long field = 1;
        foreach (int extent in shape.AsSpan()[2..])
        {
            field *= extent;
        }

        return (shape[1] * field, shape[0] * field);
    }

    /// <summary>
    /// Uniform within ±√(6 / ((1 + slope²) · fan)) (He et al., 2015). With slope √5 that is ±1/√fan, PyTorch's default for
    /// linear and convolution layers.
    /// </summary>
    /// <param name="shape">The shape of a weight, of two dimensions or more.</param>
    /// <param name="slope">The negative slope of the leaky ReLU that follows; 0 for ReLU.</param>
    /// <param name="fanOut">Whether the outputs are counted, not the inputs.</param>
    /// <returns>The tensor.</returns>
    /// <exception cref="ShapeMismatchException">The shape has fewer dimensions.</exception>
    public static Tensor KaimingUniform(Shape shape, double slope = 0, bool fanOut = false)
    {
        (long inputs, long outputs) = Fans(shape);
        double deviation = Math.Sqrt(2 / (1 + (slope * slope))) / Math.Sqrt(fanOut ? outputs : inputs);
        return Symmetric(shape, Math.Sqrt(3) * deviation);
    }

    /// <summary>Uniform within ±gain · √(6 / (inputs + outputs)) (Glorot and Bengio, 2010).</summary>
    /// <param name="shape">The shape of a weight, of two dimensions or more.</param>
    /// <param name="gain">A factor.</param>
    /// <returns>The tensor.</returns>
    /// <exception cref="ShapeMismatchException">The shape has fewer dimensions.</exception>
    public static Tensor XavierUniform(Shape shape, double gain = 1)
    {
        (long inputs, long outputs) = Fans(shape);
        return Symmetric(shape, gain * Math.Sqrt(6.0 / (inputs + outputs)));
    }

    /// <summary>Normal numbers.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="mean">Their mean.</param>
    /// <param name="deviation">Their standard deviation.</param>
    /// <returns>The tensor.</returns>
    public static Tensor Normal(Shape shape, double mean = 0, double deviation = 1) => Tensor.Normal(shape, mean, deviation);

    /// <summary>Uniform numbers.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="low">The least.</param>
    /// <param name="high">The bound.</param>
    /// <returns>The tensor.</returns>
    public static Tensor Uniform(Shape shape, double low = 0, double high = 1) => Tensor.Uniform(shape, low, high);

    /// <summary>One value everywhere.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="value">The value.</param>
    /// <returns>The tensor.</returns>
    public static Tensor Constant(Shape shape, double value) => Tensor.Full(shape, value);

    private static Tensor Symmetric(Shape shape, double bound) => shape.Count == 0 ? Tensor.Zeros(shape) : Tensor.Uniform(shape, -bound, bound);
}
