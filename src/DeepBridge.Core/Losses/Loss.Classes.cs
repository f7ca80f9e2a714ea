using DeepBridge.Ops;

namespace DeepBridge;

/// <content>Losses of classes.</content>
public static partial class Loss
{
    /// <summary>Cross-entropy of classes, on logits.</summary>
    /// <param name="logits">(N, C) or (N, C, d…), floating: the classes lie on axis 1.</param>
    /// <param name="labels">
    /// (N) or (N, d…), int32 or int64: 0 to C − 1, or <paramref name="ignoreIndex"/>. Or the classes' probabilities, floating, of the
    /// logits' shape.
    /// </param>
    /// <param name="labelSmoothing">How much of the target is spread evenly over all classes, 0 to 1.</param>
    /// <param name="ignoreIndex">A label that counts for nothing; null: none.</param>
    /// <param name="reduction">
    /// The mean divides by the sum of the weights of the labels that are not ignored (NaN where all are), and that of probabilities by
    /// N and the extents d….
    /// </param>
    /// <param name="weight">How much each class counts (C), floating; null: 1.</param>
    /// <returns>A scalar, or the labels' shape, or that of the probabilities without their classes.</returns>
    /// <exception cref="ShapeMismatchException">The shapes do not fit.</exception>
    /// <exception cref="DTypeMismatchException">The dtypes do not fit.</exception>
    /// <exception cref="InvalidAttributeException">The label smoothing is not from 0 to 1.</exception>
    /// <exception cref="ValueOutOfBoundsException">A label is no class.</exception>
    public static Tensor CrossEntropy(
        Tensor logits, Tensor labels, double labelSmoothing = 0, long? ignoreIndex = -100, Reduction reduction = Reduction.Mean, Tensor? weight = null)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(labels);
        CrossEntropy op = new(labelSmoothing, ignoreIndex, reduction);
        if (!labels.DType.IsFloating() || labels.Shape != logits.Shape)
        {
            return weight is null ? op.ApplyAll(logits, labels).First() : OfLabels(op, logits, logits.Widen().LogSoftmax(1), labels, weight);
        }

        Tensor target = Same(nameof(CrossEntropy), logits, labels);
        op.InferAll([logits.Spec, new TensorSpec(logits.Shape.Without(1), DType.Int64)]);
        target = (target * (1 - labelSmoothing)) + (labelSmoothing / target.Shape[1]);
        target = weight is null ? target : target * AlongClasses(nameof(CrossEntropy), target, weight);
        return Reduce(reduction, logits, -(target * logits.Widen().LogSoftmax(1)).Sum(1));
    }

    /// <summary>The negative logarithm of the probability of each class label.</summary>
    /// <param name="logProbabilities">(N, C) or (N, C, d…), floating: the classes lie on axis 1.</param>
    /// <param name="labels">(N) or (N, d…), int32 or int64: 0 to C − 1, or <paramref name="ignoreIndex"/>.</param>
    /// <param name="ignoreIndex">A label that counts for nothing; null: none.</param>
    /// <param name="reduction">The mean divides by the sum of the weights of the labels that are not ignored: NaN where all are.</param>
    /// <param name="weight">How much each class counts (C), floating; null: 1.</param>
    /// <returns>A scalar, or the labels' shape.</returns>
    /// <exception cref="ShapeMismatchException">The shapes do not fit.</exception>
    /// <exception cref="DTypeMismatchException">The dtypes do not fit.</exception>
    /// <exception cref="ValueOutOfBoundsException">A label is no class.</exception>
    public static Tensor NegativeLogLikelihood(
        Tensor logProbabilities, Tensor labels, long? ignoreIndex = -100, Reduction reduction = Reduction.Mean, Tensor? weight = null)
    {
        ArgumentNullException.ThrowIfNull(logProbabilities);
        ArgumentNullException.ThrowIfNull(labels);
        return OfLabels(new CrossEntropy(0, ignoreIndex, reduction), logProbabilities, logProbabilities.Widen(), labels, weight);
    }

    /// <summary>What the op computes, on logarithms of probabilities, with weights of the classes.</summary>
    private static Tensor OfLabels(CrossEntropy op, Tensor prediction, Tensor logs, Tensor labels, Tensor? weight)
    {
        op.InferAll([prediction.Spec, labels.Spec]);
        Tensor whole = labels.Cast(DType.Int64);
        Tensor kept = op.IgnoreIndex is { } ignored ? whole != ignored : Tensor.Full(whole.Shape, true, DType.Bool, labels.Device);
        Tensor classes = Tensor.Where(kept, whole, whole.ZerosLike()), counts = kept.Cast(logs.DType);
        Tensor losses = -logs.TakeAlongAxis(classes.Unsqueeze(1), 1).Squeeze(1);
        if (weight is not null)
        {
            Tensor each = AlongClasses(op.Name, logs, weight);
            counts *= each.Reshape(-1).Gather(classes);
            losses *= counts;
            logs *= each;
        }

        if (op.LabelSmoothing > 0)
        {
            losses = (losses * (1 - op.LabelSmoothing)) - (logs.Sum(1) * (op.LabelSmoothing / logs.Shape[1]));
        }

        // Not times 0: the logarithm of a probability that does not count may be infinite.
        losses = Tensor.Where(kept, losses, losses.ZerosLike());
        return op.Reduction == Reduction.Mean
            ? (losses.Sum() / counts.Sum()).Cast(Autocast.Full(prediction.DType))
            : Reduce(op.Reduction, prediction, losses);
    }

    /// <summary>The classes' weights, beside axis 1.</summary>
    private static Tensor AlongClasses(string loss, Tensor logs, Tensor weight)
    {
        int classes = logs.Shape[1];
        return weight.Shape != [classes]
            ? throw new ShapeMismatchException(loss, $"the weights of {classes} classes must have shape [{classes}], got {weight.Shape}.", [weight.Shape, logs.Shape], 1)
            : !weight.DType.IsFloating()
            ? throw new DTypeMismatchException(loss, $"takes floating weights of the classes, got {weight.DType.Name()}. Cast first.")
            : weight.Cast(logs.DType).Reshape([classes, .. Enumerable.Repeat(1, logs.Rank - 2)]);
    }
}
