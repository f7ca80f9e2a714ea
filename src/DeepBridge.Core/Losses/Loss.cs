using DeepBridge.Ops;

namespace DeepBridge;

/// <summary>The losses.</summary>
public static partial class Loss
{
    /// <summary>(prediction − target)².</summary>
    /// <param name="prediction">A floating tensor.</param>
    /// <param name="target">The target, of the same shape: nothing broadcasts, since that is mostly a mistake here.</param>
    /// <param name="reduction">What becomes of the elements' losses.</param>
    /// <returns>A scalar, or the prediction's shape.</returns>
    /// <exception cref="ShapeMismatchException">The shapes differ.</exception>
    public static Tensor MeanSquaredError(Tensor prediction, Tensor target, Reduction reduction = Reduction.Mean)
    {
        ArgumentNullException.ThrowIfNull(prediction);
        ArgumentNullException.ThrowIfNull(target);
        return new MeanSquaredError(reduction).Apply(prediction, target.Cast(Autocast.Full(prediction.DType)));
    }

    /// <summary>Cross-entropy of probabilities of two outcomes, on logits.</summary>
    /// <param name="logits">A floating tensor.</param>
    /// <param name="target">The probabilities, 0 to 1, of the same shape, of any dtype.</param>
    /// <param name="positiveWeight">How much the positive outcome counts; it broadcasts to the logits. Null: 1.</param>
    /// <param name="reduction">What becomes of the elements' losses.</param>
    /// <returns>A scalar, or the logits' shape.</returns>
    /// <exception cref="ShapeMismatchException">The shapes differ.</exception>
    public static Tensor BinaryCrossEntropyWithLogits(
        Tensor logits, Tensor target, Tensor? positiveWeight = null, Reduction reduction = Reduction.Mean)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(target);
        BinaryCrossEntropyWithLogits op = new(reduction);
        target = target.Cast(Autocast.Full(logits.DType));
        return positiveWeight is null ? op.Apply(logits, target) : op.Apply(logits, target, positiveWeight.Cast(target.DType));
    }
}
