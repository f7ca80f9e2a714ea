using DeepBridge.Ops;

namespace DeepBridge;

public sealed partial class Tensor
{
    /// <summary>x · weightᵀ + bias.</summary>
    /// <param name="weight">(out, in).</param>
    /// <param name="bias">(out), or null.</param>
    /// <returns>(…, out) for a tensor (…, in).</returns>
    /// <exception cref="ShapeMismatchException">The shapes do not fit.</exception>
    public Tensor Linear(Tensor weight, Tensor? bias = null) => bias is null
        ? Eager.Run(Ops.Linear.Instance, [this, weight])
        : Eager.Run(Ops.Linear.Instance, [this, weight, bias]);

    /// <summary>Rows of this table (rows, features) by number.</summary>
    /// <param name="indices">Int32 or int64, from 0 to rows − 1.</param>
    /// <param name="paddingIndex">A row that is returned as stored and gets no gradient; −1 is the last; null: none.</param>
    /// <returns>The indices' shape and the features.</returns>
    /// <exception cref="ValueOutOfBoundsException">An index is out of range.</exception>
    public Tensor Embedding(Tensor indices, int? paddingIndex = null)
    {
        int? padding = paddingIndex < 0 && Rank > 0 ? paddingIndex + Shape[0] : paddingIndex;
        return Eager.Run(new Ops.Embedding(padding), [this, indices]);
    }

    /// <summary>Normalizes the trailing axes, those of the weight: (x − mean) / √(variance + ε) · weight + bias.</summary>
    /// <param name="weight">Of the trailing axes' shape.</param>
    /// <param name="bias">Of the same shape, or null.</param>
    /// <param name="epsilon">ε.</param>
    /// <returns>The result.</returns>
    /// <exception cref="ShapeMismatchException">The shapes do not fit.</exception>
    public Tensor LayerNorm(Tensor weight, Tensor? bias = null, double epsilon = 1e-5)
    {
        ArgumentNullException.ThrowIfNull(weight);
        Ops.LayerNorm op = new(weight.Rank, epsilon);
        return (bias is null ? op.ApplyAll(this, weight) : op.ApplyAll(this, weight, bias)).First();
    }

    /// <summary>Normalizes trailing axes, without weight and bias.</summary>
    /// <param name="axisCount">How many trailing axes, at least 1.</param>
    /// <param name="epsilon">ε.</param>
    /// <returns>The result.</returns>
    public Tensor LayerNorm(int axisCount = 1, double epsilon = 1e-5) => new Ops.LayerNorm(axisCount, epsilon).ApplyAll(Floating()).First();

    /// <summary>Normalizes each channel of (N, C, d…) by the batch's statistics, as in training.</summary>
    /// <param name="weight">(C).</param>
    /// <param name="bias">(C).</param>
    /// <param name="epsilon">ε.</param>
    /// <returns>The result; and, without history, the batch's mean and its biased variance (C).</returns>
    /// <exception cref="ShapeMismatchException">The shapes do not fit, or there are fewer than two values a channel.</exception>
    public (Tensor Output, Tensor Mean, Tensor Variance) BatchNorm(Tensor weight, Tensor bias, double epsilon = 1e-5)
    {
        Tensor[] outputs = new Ops.BatchNorm(epsilon).ApplyAll(this, weight, bias);
        (Tensor mean, Tensor variance) = (outputs[1].Detach(), outputs[2].Detach());
        if (!ReferenceEquals(mean, outputs[1]))
        {
            _ = outputs.First();
        }

        return (outputs[0], mean, variance);
    }

    /// <summary>Normalizes each channel of (N, C, d…) by given statistics, as in evaluation.</summary>
    /// <param name="mean">(C).</param>
    /// <param name="variance">(C).</param>
    /// <param name="weight">(C).</param>
    /// <param name="bias">(C).</param>
    /// <param name="epsilon">ε.</param>
    /// <returns>The result.</returns>
    /// <exception cref="ShapeMismatchException">The shapes do not fit.</exception>
    public Tensor BatchNorm(Tensor mean, Tensor variance, Tensor weight, Tensor bias, double epsilon = 1e-5) =>
        Eager.Run(new BatchNormInference(epsilon), [this, mean, variance, weight, bias]);

    /// <summary>
    /// softmax(scale · q · kᵀ + mask) · v, this being the query q (…, L, E). A query that may attend to nothing gives zeros.
    /// </summary>
    /// <param name="key">(…, S, E).</param>
    /// <param name="value">(…, S, F).</param>
    /// <param name="mask">Broadcasts to (…, L, S): bool, true where the query attends; or floating, added. Null: none.</param>
    /// <param name="causal">Whether query i attends to keys 0 to i only: aligned top left.</param>
    /// <param name="scale">The scale; null: 1/√E.</param>
    /// <returns>(…, L, F).</returns>
    /// <exception cref="ShapeMismatchException">The shapes do not fit.</exception>
    public Tensor ScaledDotProductAttention(Tensor key, Tensor value, Tensor? mask = null, bool causal = false, double? scale = null)
    {
        ScaledDotProductAttention op = new(causal, scale);
        return (mask is null ? op.ApplyAll(this, key, value) : op.ApplyAll(this, key, value, mask)).First();
    }
}
