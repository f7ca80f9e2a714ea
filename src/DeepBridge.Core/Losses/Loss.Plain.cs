namespace DeepBridge;

/// <summary>The usual losses with nothing chosen, so that their names alone can be given where a function of two tensors is asked for.</summary>
public static partial class Loss
{
    /// <summary>The mean cross-entropy of class labels, on logits; labels of −100 count for nothing.</summary>
    /// <param name="logits">(N, C) or (N, C, d…), floating: the classes lie on axis 1.</param>
    /// <param name="labels">(N) or (N, d…), int32 or int64: 0 to C − 1, or −100. Or probabilities of the logits' shape, floating.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ShapeMismatchException">The shapes do not fit.</exception>
    /// <exception cref="ValueOutOfBoundsException">A label is no class.</exception>
    public static Tensor CrossEntropy(Tensor logits, Tensor labels) => CrossEntropy(logits, labels, labelSmoothing: 0);

    /// <summary>The mean of (prediction − target)².</summary>
    /// <param name="prediction">A floating tensor.</param>
    /// <param name="target">The target, of the same shape.</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ShapeMismatchException">The shapes differ.</exception>
    public static Tensor MeanSquaredError(Tensor prediction, Tensor target) => MeanSquaredError(prediction, target, Reduction.Mean);
}
