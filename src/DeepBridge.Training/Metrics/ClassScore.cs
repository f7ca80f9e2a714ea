namespace DeepBridge.Metrics;

/// <summary>How the numbers of classes become one.</summary>
public enum Averaging
{
    /// <summary>The mean of the classes that occur in targets or predictions.</summary>
    Macro,

    /// <summary>All predictions counted together.</summary>
    Micro,

    /// <summary>The mean of the classes, each weighed by how often it is the right one.</summary>
    Weighted,
}

/// <summary>
/// The base of precision, recall and F1: per class, from how often it was predicted, was right, and both. Conventions are
/// scikit-learn's: 0/0 is 0, and the macro mean leaves out classes that occur nowhere. They take what <see cref="Accuracy"/> takes.
/// </summary>
public abstract class ClassScore : Metric
{
    private readonly int _classes;
    private readonly Averaging _averaging;
    private readonly Variable _both;
    private readonly Variable _predicted;
    private readonly Variable _actual;

    private protected ClassScore(string name, int classes, Averaging averaging)
        : base(name)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        _classes = classes;
        _averaging = Enum.IsDefined(averaging) ? averaging : throw new ArgumentOutOfRangeException(nameof(averaging));
        _both = Gather("both", DType.Int64, [classes]);
        _predicted = Gather("predicted", DType.Int64, [classes]);
        _actual = Gather("actual", DType.Int64, [classes]);
    }

    /// <summary>Reads the average back.</summary>
    /// <returns>The number; NaN where nothing was added.</returns>
    public override double Compute()
    {
        (double[] both, double[] predicted, double[] actual) = Counts();
        double total = actual.Sum();
        if (total == 0)
        {
            return double.NaN;
        }

        if (_averaging == Averaging.Micro)
        {
            return Of(both.Sum(), predicted.Sum(), total);
        }

        double[] each = PerClass();
        double[] weights = _averaging == Averaging.Weighted ? actual : [.. predicted.Zip(actual, (p, a) => p + a > 0 ? 1.0 : 0)];
        return each.Zip(weights, (score, weight) => score * weight).Sum() / weights.Sum();
    }

    /// <summary>Reads the number of each class back; of two classes, that of the second is the binary score.</summary>
    /// <returns>One number a class, 0 for one that occurs nowhere.</returns>
    public double[] PerClass()
    {
        (double[] both, double[] predicted, double[] actual) = Counts();
        return [.. both.Select((count, i) => Of(count, predicted[i], actual[i]))];
    }

    /// <inheritdoc/>
    protected sealed override void Add(Tensor predictions, Tensor targets)
    {
        (Tensor predicted, Tensor labels) = Classes(predictions, targets);
        Tensor ones = labels.OnesLike();
        Tensor counts = _predicted.Value.ScatterAdd(ones, predicted), actual = _actual.Value.ScatterAdd(ones, labels);
        _both.Assign(_both.Value.ScatterAdd((predicted == labels).Cast(DType.Int64), labels));
        _predicted.Assign(counts);
        _actual.Assign(actual);
    }

    /// <summary>The score of counts.</summary>
    private protected abstract double Of(double both, double predicted, double actual);

    private protected static double Ratio(double part, double whole) => whole == 0 ? 0 : part / whole;

    private (double[] Both, double[] Predicted, double[] Actual) Counts() => (Numbers(_both), Numbers(_predicted), Numbers(_actual));
}

/// <summary>How many of the predictions of a class are right.</summary>
/// <param name="classes">How many classes there are.</param>
/// <param name="averaging">How the classes become one number.</param>
public sealed class PrecisionScore(int classes, Averaging averaging = Averaging.Macro) : ClassScore("precision", classes, averaging)
{
    /// <inheritdoc/>
    private protected override double Of(double both, double predicted, double actual) => Ratio(both, predicted);
}

/// <summary>How many of a class are predicted as it.</summary>
/// <param name="classes">How many classes there are.</param>
/// <param name="averaging">How the classes become one number.</param>
public sealed class RecallScore(int classes, Averaging averaging = Averaging.Macro) : ClassScore("recall", classes, averaging)
{
    /// <inheritdoc/>
    private protected override double Of(double both, double predicted, double actual) => Ratio(both, actual);
}

/// <summary>The harmonic mean of precision and recall.</summary>
/// <param name="classes">How many classes there are.</param>
/// <param name="averaging">How the classes become one number.</param>
public sealed class F1Score(int classes, Averaging averaging = Averaging.Macro) : ClassScore("f1", classes, averaging)
{
    /// <inheritdoc/>
    private protected override double Of(double both, double predicted, double actual) => Ratio(2 * both, predicted + actual);
}
