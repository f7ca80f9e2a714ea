using DeepBridge.Ops;

namespace DeepBridge;

public sealed partial class Tensor
{
    /// <summary>eˣ / Σ eˣ along an axis. Integers and bool become float32.</summary>
    /// <param name="axis">The axis; −1 is the last.</param>
    /// <returns>The probabilities; NaN for a row of −∞.</returns>
    public Tensor Softmax(int axis = -1) => Eager.Unary(new Ops.Softmax(Checks.Normalize(nameof(Softmax), axis, Shape)), Floating());

    /// <summary>The logarithm of <see cref="Softmax"/>, without its underflow. Integers and bool become float32.</summary>
    /// <param name="axis">The axis; −1 is the last.</param>
    /// <returns>The logarithms.</returns>
    public Tensor LogSoftmax(int axis = -1) =>
        Eager.Unary(new Ops.LogSoftmax(Checks.Normalize(nameof(LogSoftmax), axis, Shape)), Floating());

    /// <summary>x · Φ(x), Φ the normal distribution function. Integers and bool become float32.</summary>
    /// <param name="approximation">How Φ is computed.</param>
    /// <returns>The result.</returns>
    public Tensor Gelu(GeluApproximation approximation = GeluApproximation.Erf) => Eager.Unary(new Ops.Gelu(approximation), Floating());

    /// <summary>x · sigmoid(x). Integers and bool become float32.</summary>
    /// <returns>The result.</returns>
    public Tensor Silu() => Eager.Unary(Ops.Silu.Instance, Floating());

    /// <summary>x where x &gt; 0, else slope · x. Integers and bool become float32.</summary>
    /// <param name="slope">The slope below 0, and at 0.</param>
    /// <returns>The result.</returns>
    public Tensor LeakyRelu(double slope = 0.01) => Eager.Unary(new Ops.LeakyRelu(slope), Floating());

    /// <summary>log(1 + e^(βx)) / β. Integers and bool become float32.</summary>
    /// <param name="beta">β, not 0.</param>
    /// <param name="threshold">Where βx exceeds it the result is x.</param>
    /// <returns>The result.</returns>
    public Tensor Softplus(double beta = 1, double threshold = 20) => Eager.Unary(new Ops.Softplus(beta, threshold), Floating());

    /// <summary>
    /// Zeros each element with a probability, drawn from <see cref="RandomGenerator.Current"/>, and scales the others by
    /// 1 / (1 − p). A module asks its <see cref="Module.IsTraining"/> before it calls this.
    /// </summary>
    /// <param name="probability">p, at least 0 and below 1.</param>
    /// <returns>The result; this for p = 0, without a draw.</returns>
    /// <exception cref="InvalidAttributeException">The probability is out of range.</exception>
    public Tensor Dropout(double probability = 0.5)
    {
        Tensor x = Floating();
        return probability == 0 ? x : RandomGenerator.Current.Draw(new Ops.Dropout(probability), null, x);
    }
}
