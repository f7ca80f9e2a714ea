namespace DeepBridge.Metrics;

/// <summary>
/// How many of the predictions are right. Predictions are scores (N, C, d…), of which the highest counts, against labels
/// (N, d…); or they have the labels' shape: classes, or probabilities of two classes, where above one half is 1.
/// </summary>
/// <param name="ignoreIndex">A label that counts for nothing; null: none.</param>
public sealed class Accuracy(long? ignoreIndex = -100) : AverageMetric("accuracy")
{
    /// <inheritdoc/>
    private protected override (Tensor Sum, Tensor Count) Part(Tensor predictions, Tensor targets)
    {
        (Tensor predicted, Tensor labels) = Classes(predictions, targets);
        Tensor counts = Counted(labels, ignoreIndex);
        return (((predicted == labels) & counts).Sum(), counts.Sum());
    }
}

/// <summary>
/// In how many of the predictions, scores (N, C, d…), the label (N, d…) is among the k highest scores. Of equal scores the
/// lowest class comes first, as in an argmax; a score of NaN is never among them.
/// </summary>
public sealed class TopKAccuracy : AverageMetric
{
    private readonly int _k;
    private readonly long? _ignoreIndex;

    /// <summary>Makes the metric.</summary>
    /// <param name="k">How many scores count.</param>
    /// <param name="ignoreIndex">A label that counts for nothing; null: none.</param>
    public TopKAccuracy(int k, long? ignoreIndex = -100)
        : base($"top_{k}_accuracy")
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(k);
        _k = k;
        _ignoreIndex = ignoreIndex;
    }

    /// <inheritdoc/>
    private protected override (Tensor Sum, Tensor Count) Part(Tensor predictions, Tensor targets)
    {
        if (predictions.Rank < 2 || predictions.Shape.Without(1) != targets.Shape)
        {
            throw new ShapeMismatchException(
                Name, $"scores {predictions.Shape} must have the classes on axis 1 and the rest of labels {targets.Shape}.", [predictions.Shape, targets.Shape]);
        }

        Tensor labels = targets.Cast(DType.Int64).Unsqueeze(1);
        Tensor counts = Counted(labels, _ignoreIndex);
        labels = Tensor.Where(counts, labels, labels.ZerosLike());
        Tensor score = predictions.TakeAlongAxis(labels, 1);
        Tensor classes = predictions.OnesLike().Cast(DType.Int64).CumulativeSum(1) - 1;
        Tensor before = (predictions > score) | ((predictions == score) & (classes < labels));
        Tensor right = (before.Sum(1, keepDims: true) < _k) & (score <= double.PositiveInfinity) & counts;
        return (right.Sum(), counts.Sum());
    }
}

/// <summary>How often each class was taken for each other. It takes what <see cref="Accuracy"/> takes.</summary>
public sealed class ConfusionMatrix : Metric
{
    private readonly int _classes;
    private readonly Variable _counts;

    /// <summary>Makes the metric.</summary>
    /// <param name="classes">How many classes there are.</param>
    public ConfusionMatrix(int classes)
        : base("confusion_matrix")
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        _classes = classes;
        _counts = Gather("counts", DType.Int64, [classes, classes]);
    }

    /// <summary>The share of the diagonal: the accuracy.</summary>
    /// <returns>The number; NaN where nothing was added.</returns>
    public override double Compute()
    {
        long[,] counts = Counts();
        return Enumerable.Range(0, _classes).Sum(i => counts[i, i]) / (double)counts.Cast<long>().Sum();
    }

    /// <summary>Reads the matrix back.</summary>
    /// <returns>How often class [i, …] was taken for class […, j].</returns>
    public long[,] Counts()
    {
        using TensorScope scope = new(Name);
        long[] values = _counts.Value.ToArray<long>();
        long[,] counts = new long[_classes, _classes];
        Buffer.BlockCopy(values, 0, counts, 0, values.Length * sizeof(long));
        return counts;
    }

    /// <inheritdoc/>
    protected override void Add(Tensor predictions, Tensor targets)
    {
        (Tensor predicted, Tensor labels) = Classes(predictions, targets);
        _counts.Assign(_counts.Value.ScatterAdd(predicted.OneHot(_classes, DType.Int64), labels));
    }
}
