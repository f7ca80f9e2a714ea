namespace DeepBridge.Metrics;

/// <summary>
/// The base of metrics of how two classes are ranked by a score. They are exact, so every score is kept, on its device,
/// until <see cref="Metric.Reset"/>; an update cannot be part of a traced step.
/// </summary>
public abstract class RankingMetric : Metric
{
    private readonly List<(Tensor Scores, Tensor Targets)> _kept = [];

    private protected RankingMetric(string name)
        : base(name)
    {
    }

    /// <summary>Ranks the scores and reads the number back.</summary>
    /// <returns>The number; NaN where it is not defined, or a score is NaN.</returns>
    public sealed override double Compute()
    {
        using TensorScope scope = new(Name);
        IReadOnlyDictionary<string, Tensor> state = State();
        double[] scores = state["scores"].Cast(DType.Float64).ToArray<double>();
        bool[] positive = state["targets"].ToArray<bool>();
        if (scores.Length == 0 || scores.Any(double.IsNaN))
        {
            return double.NaN;
        }

        Array.Sort(scores, positive);
        Array.Reverse(scores);
        Array.Reverse(positive);
        List<(long Positives, long Negatives)> curve = [(0, 0)];
        for (int i = 0; i < scores.Length; i++)
        {
            (long positives, long negatives) = curve[^1];
            (long, long) next = positive[i] ? (positives + 1, negatives) : (positives, negatives + 1);

            // Equal scores are one threshold.
            if (i > 0 && scores[i] == scores[i - 1])
            {
                curve[^1] = next;
            }
            else
            {
                curve.Add(next);
            }
        }

        return Of(curve);
    }

    /// <inheritdoc/>
    public sealed override void Reset()
    {
        foreach ((Tensor scores, Tensor targets) in _kept)
        {
            scores.Dispose();
            targets.Dispose();
        }

        _kept.Clear();
    }

    /// <inheritdoc/>
    public sealed override IReadOnlyDictionary<string, Tensor> State() => new Dictionary<string, Tensor>
    {
        ["scores"] = Joined(_kept.Select(pair => pair.Scores), DType.Float32),
        ["targets"] = Joined(_kept.Select(pair => pair.Targets), DType.Bool),
    };

    /// <inheritdoc/>
    public sealed override void Restore(IReadOnlyDictionary<string, Tensor> state)
    {
        ArgumentNullException.ThrowIfNull(state);
        Tensor scores = Find(state, "scores"), targets = Find(state, "targets");
        RequireSame(scores, targets);
        Reset();
        Update(scores, targets);
    }

    /// <summary>Adds a batch.</summary>
    /// <param name="predictions">Scores of the second class, of any shape; a higher one is nearer to it.</param>
    /// <param name="targets">Of the same shape: true, or not 0, where it is the second class.</param>
    protected sealed override void Add(Tensor predictions, Tensor targets)
    {
        RequireSame(predictions, targets);
        if (!ReferenceEquals(predictions.Data.Device, predictions.Device))
        {
            throw new TracingException($"{Name} keeps every score, which a graph cannot: return the scores from the traced step and update outside it.");
        }

        _kept.Add((
            Unowned(predictions.Reshape(-1).Cast(predictions.DType == DType.Float64 ? DType.Float64 : DType.Float32)),
            Unowned((targets.Reshape(-1) != 0).To(predictions.Device))));
    }

    /// <summary>The number of a curve.</summary>
    /// <param name="curve">From (0, 0) on, how many positives and negatives have at least the score of each threshold, falling.</param>
    private protected abstract double Of(IReadOnlyList<(long Positives, long Negatives)> curve);

    private static Tensor Unowned(Tensor tensor) => new(tensor.Data.Retain());

    private static Tensor Joined(IEnumerable<Tensor> parts, DType empty)
    {
        Tensor[] tensors = [.. parts];
        if (tensors.Length == 0)
        {
            return Tensor.Zeros([0], empty);
        }

        Device device = tensors[^1].Device;
        DType dtype = tensors.Max(tensor => tensor.DType);
        return Tensor.Concat([.. tensors.Select(tensor => tensor.To(device).Cast(dtype))]);
    }
}

/// <summary>
/// The area under the receiver operating characteristic: how often a positive has a higher score than a negative, a tie
/// counting half. NaN where either is missing.
/// </summary>
public sealed class Auroc() : RankingMetric("auroc")
{
    /// <inheritdoc/>
    private protected override double Of(IReadOnlyList<(long Positives, long Negatives)> curve)
    {
        double area = 0;
        for (int i = 1; i < curve.Count; i++)
        {
            area += (curve[i].Negatives - curve[i - 1].Negatives) * ((curve[i].Positives + curve[i - 1].Positives) / 2.0);
        }

        return area / ((double)curve[^1].Positives * curve[^1].Negatives);
    }
}

/// <summary>
/// The mean of the precisions at all thresholds, each weighed by how much recall it adds: Σ (Rᵢ − Rᵢ₋₁) · Pᵢ. Without
/// positives 0, as scikit-learn has it.
/// </summary>
public sealed class AveragePrecision() : RankingMetric("average_precision")
{
    /// <inheritdoc/>
    private protected override double Of(IReadOnlyList<(long Positives, long Negatives)> curve)
    {
        double sum = 0;
        for (int i = 1; i < curve.Count; i++)
        {
            (long positives, long negatives) = curve[i];
            sum += (positives - curve[i - 1].Positives) * ((double)positives / (positives + negatives));
        }

        return curve[^1].Positives == 0 ? 0 : sum / curve[^1].Positives;
    }
}
