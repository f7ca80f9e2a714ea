using DeepBridge.Ops;

namespace DeepBridge;

/// <content>Losses of numbers, probabilities and vectors that are made of other ops, with PyTorch's formulas.</content>
public static partial class Loss
{
    // Added to squared norms before they divide, as PyTorch's cosine_embedding_loss does.
    private const double NormEpsilon = 1e-12;

    /// <summary>|prediction − target|; its gradient at 0 is 0.</summary>
    /// <param name="prediction">A floating tensor.</param>
    /// <param name="target">The target, of the same shape.</param>
    /// <param name="reduction">What becomes of the elements' losses.</param>
    /// <returns>A scalar, or the prediction's shape.</returns>
    /// <exception cref="ShapeMismatchException">The shapes differ.</exception>
    public static Tensor L1(Tensor prediction, Tensor target, Reduction reduction = Reduction.Mean) =>
        Reduce(reduction, prediction, Distance(nameof(L1), prediction, target));

    /// <summary>Half the squared distance where it is at most δ, beyond δ · (distance − δ/2) (Huber, 1964).</summary>
    /// <param name="prediction">A floating tensor.</param>
    /// <param name="target">The target, of the same shape.</param>
    /// <param name="delta">δ, above 0.</param>
    /// <param name="reduction">What becomes of the elements' losses.</param>
    /// <returns>A scalar, or the prediction's shape.</returns>
    /// <exception cref="ShapeMismatchException">The shapes differ.</exception>
    /// <exception cref="InvalidAttributeException">δ is not above 0.</exception>
    public static Tensor Huber(Tensor prediction, Tensor target, double delta = 1, Reduction reduction = Reduction.Mean)
    {
        Require(nameof(Huber), delta > 0, $"delta must be above 0, got {delta}.");
        return Reduce(reduction, prediction, Bend(Distance(nameof(Huber), prediction, target), delta));
    }

    /// <summary>Huber's loss divided by β: its slope is 1 far out. With β = 0, <see cref="L1"/>.</summary>
    /// <param name="prediction">A floating tensor.</param>
    /// <param name="target">The target, of the same shape.</param>
    /// <param name="beta">β, at least 0.</param>
    /// <param name="reduction">What becomes of the elements' losses.</param>
    /// <returns>A scalar, or the prediction's shape.</returns>
    /// <exception cref="ShapeMismatchException">The shapes differ.</exception>
    /// <exception cref="InvalidAttributeException">β is negative.</exception>
    public static Tensor SmoothL1(Tensor prediction, Tensor target, double beta = 1, Reduction reduction = Reduction.Mean)
    {
        Require(nameof(SmoothL1), beta >= 0, $"beta must not be negative, got {beta}.");
        Tensor distance = Distance(nameof(SmoothL1), prediction, target);
        return Reduce(reduction, prediction, beta == 0 ? distance : Bend(distance, beta) / beta);
    }

    /// <summary>
    /// Cross-entropy of probabilities of two outcomes: −t·log p − (1 − t)·log(1 − p). Logarithms stop at −100, and the
    /// gradient's divisor p·(1 − p) at 1e-12, as PyTorch's. <see cref="BinaryCrossEntropyWithLogits"/> needs neither.
    /// </summary>
    /// <param name="probabilities">p, a floating tensor; NaN where it is not from 0 to 1.</param>
    /// <param name="target">t, 0 to 1, of the same shape, of any dtype.</param>
    /// <param name="reduction">What becomes of the elements' losses.</param>
    /// <returns>A scalar, or the probabilities' shape.</returns>
    /// <exception cref="ShapeMismatchException">The shapes differ.</exception>
    public static Tensor BinaryCrossEntropy(Tensor probabilities, Tensor target, Reduction reduction = Reduction.Mean)
    {
        Tensor expected = Same(nameof(BinaryCrossEntropy), probabilities, target);
        Tensor losses = Gradients.Custom(
            nameof(BinaryCrossEntropy),
            [probabilities.Widen(), expected],
            given => [-((given[1] * Bounded(given[0])) + ((1 - given[1]) * Bounded(1 - given[0])))],
            (incoming, given) =>
            [
                incoming[0]! * (given[0] - given[1]) / ((1 - given[0]) * given[0]).Maximum(1e-12),
                given[1].IsTracked ? incoming[0]! * (Bounded(1 - given[0]) - Bounded(given[0])) : null,
            ])[0];
        return Reduce(reduction, probabilities, losses);
    }

    /// <summary>The divergence of Kullback and Leibler (1951) of each element: t · (log t − prediction), 0 where t is 0.</summary>
    /// <param name="logProbabilities">The prediction: logarithms of probabilities, floating.</param>
    /// <param name="target">t, of the same shape: probabilities, or their logarithms.</param>
    /// <param name="logTarget">Whether the target holds logarithms.</param>
    /// <param name="batchMean">
    /// Whether the mean divides by the extent of axis 0 instead of the number of elements, which alone is the divergence.
    /// </param>
    /// <param name="reduction">What becomes of the elements' losses.</param>
    /// <returns>A scalar, or the prediction's shape.</returns>
    /// <exception cref="ShapeMismatchException">The shapes differ.</exception>
    /// <exception cref="InvalidAttributeException">A mean over the batch was asked for with another reduction, or without an axis.</exception>
    public static Tensor KlDivergence(
        Tensor logProbabilities, Tensor target, bool logTarget = false, bool batchMean = false, Reduction reduction = Reduction.Mean)
    {
        Tensor expected = Same(nameof(KlDivergence), logProbabilities, target), given = logProbabilities.Widen();
        Require(nameof(KlDivergence), !batchMean || (reduction == Reduction.Mean && given.Rank > 0), "the mean over the batch is a mean, and takes a batch.");
        Tensor losses = logTarget
            ? expected.Exp() * (expected - given)
            : expected * (Tensor.Where(expected == 0, expected.OnesLike(), expected).Log() - given);
        return batchMean ? (losses.Sum() / given.Shape[0]).Cast(Autocast.Full(logProbabilities.DType)) : Reduce(reduction, logProbabilities, losses);
    }

    /// <summary>The distance itself where the label is 1, max(margin − distance, 0) where it is −1.</summary>
    /// <param name="distance">A floating tensor.</param>
    /// <param name="labels">1 or −1, of the same shape, of any dtype.</param>
    /// <param name="margin">Beyond this nothing is pushed away.</param>
    /// <param name="reduction">What becomes of the elements' losses.</param>
    /// <returns>A scalar, or the distance's shape.</returns>
    /// <exception cref="ShapeMismatchException">The shapes differ.</exception>
    public static Tensor HingeEmbedding(Tensor distance, Tensor labels, double margin = 1, Reduction reduction = Reduction.Mean)
    {
        Tensor expected = Same(nameof(HingeEmbedding), distance, labels), given = distance.Widen();
        return Reduce(reduction, distance, Choose(expected != -1, given, expected != 1, Hinge(margin - given)));
    }

    /// <summary>max(margin − label · (first − second), 0): 1 wants the first higher, −1 the second.</summary>
    /// <param name="first">A floating tensor.</param>
    /// <param name="second">Of the same shape.</param>
    /// <param name="labels">1 or −1, of the same shape, of any dtype.</param>
    /// <param name="margin">By how much it wants it.</param>
    /// <param name="reduction">What becomes of the elements' losses.</param>
    /// <returns>A scalar, or the inputs' shape.</returns>
    /// <exception cref="ShapeMismatchException">The shapes differ.</exception>
    public static Tensor MarginRanking(Tensor first, Tensor second, Tensor labels, double margin = 0, Reduction reduction = Reduction.Mean)
    {
        Tensor expected = Same(nameof(MarginRanking), first, labels), other = Same(nameof(MarginRanking), first, second);
        return Reduce(reduction, first, Hinge(margin - (expected * (first.Widen() - other))));
    }

    /// <summary>1 − cosine where the label is 1, max(cosine − margin, 0) where it is −1.</summary>
    /// <param name="first">(N, D), floating.</param>
    /// <param name="second">(N, D).</param>
    /// <param name="labels">(N), 1 or −1, of any dtype.</param>
    /// <param name="margin">The cosine that vectors may have which do not belong together.</param>
    /// <param name="reduction">What becomes of the pairs' losses.</param>
    /// <returns>A scalar, or (N).</returns>
    /// <exception cref="ShapeMismatchException">The shapes do not fit.</exception>
    public static Tensor CosineEmbedding(Tensor first, Tensor second, Tensor labels, double margin = 0, Reduction reduction = Reduction.Mean)
    {
        Tensor b = Same(nameof(CosineEmbedding), first, second), a = first.Widen();
        RequireVectors(nameof(CosineEmbedding), a);
        Tensor divisor = (((a * a).Sum(-1) + NormEpsilon) * ((b * b).Sum(-1) + NormEpsilon)).Sqrt();
        Tensor cosine = (a * b).Sum(-1) / divisor, expected = Same(nameof(CosineEmbedding), cosine, labels);
        return Reduce(reduction, first, Choose(expected == 1, 1 - cosine, expected == -1, Hinge(cosine - margin)));
    }

    /// <summary>max(distance to the positive − distance to the negative + margin, 0) (Balntas et al., 2016).</summary>
    /// <param name="anchor">(…, D), floating.</param>
    /// <param name="positive">Of the same shape: what should be near.</param>
    /// <param name="negative">Of the same shape: what should be far.</param>
    /// <param name="margin">By how much farther.</param>
    /// <param name="power">The norm: 2 is Euclid's; at least 1.</param>
    /// <param name="epsilon">Added to each difference, as PyTorch does.</param>
    /// <param name="swap">Whether the negative's distance to the positive counts where it is smaller.</param>
    /// <param name="reduction">What becomes of the triplets' losses.</param>
    /// <returns>A scalar, or the shape without its last axis.</returns>
    /// <exception cref="ShapeMismatchException">The shapes differ.</exception>
    /// <exception cref="InvalidAttributeException">The power is below 1.</exception>
    public static Tensor TripletMargin(
        Tensor anchor, Tensor positive, Tensor negative, double margin = 1, double power = 2, double epsilon = 1e-6, bool swap = false, Reduction reduction = Reduction.Mean)
    {
        Tensor near = Same(nameof(TripletMargin), anchor, positive), far = Same(nameof(TripletMargin), anchor, negative), a = anchor.Widen();
        Require(nameof(TripletMargin), power >= 1, $"the power must be at least 1, got {power}.");
        RequireVectors(nameof(TripletMargin), a);
        Tensor wanted = Norm(a - near + epsilon, power), unwanted = Norm(a - far + epsilon, power);
        unwanted = swap ? unwanted.Minimum(Norm(near - far + epsilon, power)) : unwanted;
        return Reduce(reduction, anchor, Hinge(wanted - unwanted + margin));
    }

    /// <summary>The other input in the dtype that is computed in; nothing broadcasts.</summary>
    private static Tensor Same(string loss, Tensor prediction, Tensor target)
    {
        ArgumentNullException.ThrowIfNull(prediction);
        ArgumentNullException.ThrowIfNull(target);
        if (!prediction.DType.IsFloating())
        {
            throw new DTypeMismatchException(loss, $"takes a floating prediction, got {prediction.DType.Name()}. Cast first.");
        }

        return target.Shape == prediction.Shape ? target.Cast(prediction.DType.Wide()) : throw new ShapeMismatchException(
            loss, $"the target must have shape {prediction.Shape}, got {target.Shape}.", [prediction.Shape, target.Shape]);
    }

    private static void Require(string loss, bool holds, string message)
    {
        if (!holds)
        {
            throw new InvalidAttributeException(loss, message);
        }
    }

    private static void RequireVectors(string loss, Tensor x)
    {
        if (x.Rank == 0)
        {
            throw new ShapeMismatchException(loss, "takes vectors (…, D), got a scalar.", [x.Shape]);
        }
    }

    private static Tensor Distance(string loss, Tensor prediction, Tensor target)
    {
        Tensor expected = Same(loss, prediction, target);
        return (prediction.Widen() - expected).Abs();
    }

    /// <summary>Half the square up to δ, then straight on.</summary>
    private static Tensor Bend(Tensor distance, double delta)
    {
        Tensor near = distance.Minimum(delta);
        return near * (distance - (near * 0.5));
    }

    private static Tensor Bounded(Tensor probability) => probability.Log().Maximum(-100);

    /// <summary>max(x, 0), whose gradient at 0 is 1, as that of PyTorch's clamp.</summary>
    private static Tensor Hinge(Tensor x) => x.Clamp(0, double.PositiveInfinity);

    /// <summary>One loss where one condition holds, plus the other where the other does.</summary>
    private static Tensor Choose(Tensor near, Tensor attraction, Tensor far, Tensor repulsion) =>
        Tensor.Where(near, attraction, attraction.ZerosLike()) + Tensor.Where(far, repulsion, repulsion.ZerosLike());

    /// <summary>The norm over the last axis; its gradient at 0 is 0.</summary>
    private static Tensor Norm(Tensor x, double power)
    {
        Tensor sum = power == 2 ? (x * x).Sum(-1) : x.Abs().Pow(power).Sum(-1), zero = sum == 0;
        Tensor root = Tensor.Where(zero, sum.OnesLike(), sum).Pow(1 / power);
        return Tensor.Where(zero, sum.ZerosLike(), root);
    }

    private static Tensor Reduce(Reduction reduction, Tensor prediction, Tensor losses) => reduction.Apply(losses).Cast(Autocast.Full(prediction.DType));
}
