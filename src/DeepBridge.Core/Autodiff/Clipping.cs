namespace DeepBridge;

public sealed partial class Gradients
{
    /// <summary>The 2-norm of all gradients as one vector, on the device of the first.</summary>
    /// <returns>A scalar, float32 unless the first gradient is float64.</returns>
    /// <exception cref="GradientException">There are no gradients.</exception>
    public Tensor Norm()
    {
        Tensor? sum = null;
        foreach (Tensor gradient in _gradients.Values)
        {
            Tensor square = gradient.SquaredNorm();
            sum = sum is null ? square : sum + square.To(sum.Device).Cast(sum.DType);
        }

        return sum?.Sqrt() ?? throw new GradientException("There are no gradients to take the norm of.");
    }

    /// <summary>
    /// Scales all gradients by min(1, max / (norm + 1e-6)), the norm being that of all of them, as
    /// <c>torch.nn.utils.clip_grad_norm_</c>. Nothing is read back.
    /// </summary>
    /// <param name="maxNorm">The greatest norm.</param>
    /// <returns>New gradients.</returns>
    /// <exception cref="GradientException">There are no gradients.</exception>
    public Gradients ClipNorm(double maxNorm)
    {
        Tensor scale = (maxNorm / (Norm() + 1e-6)).Clamp(0, 1);
        return Map((_, gradient) => gradient * scale.To(gradient.Device).Cast(gradient.DType));
    }

    /// <summary>Limits each element of the gradients to a range.</summary>
    /// <param name="limit">The greatest magnitude.</param>
    /// <returns>New gradients.</returns>
    public Gradients ClipValue(double limit) => Map((_, gradient) => gradient.Clamp(-limit, limit));
}
