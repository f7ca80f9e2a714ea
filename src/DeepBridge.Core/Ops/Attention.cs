using DeepBridge.Autodiff;

namespace DeepBridge.Ops;

/// <summary>
/// softmax(scale · q · kᵀ + mask) · v. Inputs: q (…, L, E), k (…, S, E), v (…, S, F), floating, whose leading axes broadcast;
/// optionally a mask that broadcasts to (…, L, S): bool (true attends) or floating (added). A query that may attend to
/// nothing gives zeros. Outputs: (…, L, F), and log Σ exp of each query's scores (…, L), 0 where it attends to nothing,
/// float32 for the 16-bit floats: by it the gradient needs no matrix of probabilities saved.
/// </summary>
/// <param name="Causal">Whether query i attends to keys 0 to i only: aligned top left.</param>
/// <param name="Scale">The scale; null: 1/√E.</param>
public sealed record ScaledDotProductAttention(bool Causal, double? Scale) : Op<ScaledDotProductAttention>
{
    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Low;

    /// <inheritdoc/>
    public override int OutputCount => 2;

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        Checks.Inputs(this, inputs, 3, 4);
        AttentionRules.Infer(this, inputs, out outputs[0], out outputs[1]);
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Tensor[] outputs = new Tensor[2];
        TensorSpec[] specs = InferAll([.. inputs.ToArray().Select(input => input.Spec)]);
        Tensor scores = AttentionRules.Scores(inputs[0], inputs[1], inputs.Length == 4 ? inputs[3] : null, Causal, Scale);
        Tensor shift = scores.Count == 0 ? scores.Sum(-1, keepDims: true) : LogSumExp.FiniteMax(scores, [scores.Rank - 1]);
        Tensor exponentials = (scores - shift).Exp();
        Tensor sum = exponentials.Sum(-1, keepDims: true);
        Tensor safe = Tensor.Where(sum == 0, sum.OnesLike(), sum);
        outputs[0] = new MatMul().Apply(exponentials / safe, inputs[2].Widen()).Cast(inputs[0].DType);
        outputs[1] = (shift + safe.Log()).Squeeze(-1).Expand(specs[1].Shape);
        return outputs;
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        bool masked = b.InputCount == 4;
        if (b.IncomingOf(0) is not { } g || b.IncomingOf(1) is not null || (masked && b.Needs(3)))
        {
            // A learned mask, and gradients of gradients.
            b.Replay(this);
            return;
        }

        ScaledDotProductAttentionGradient op = new(Causal, Scale);
        Tensor q = b.Input(0), k = b.Input(1), v = b.Input(2), y = b.Output(), sums = b.Output(1);
        Tensor[] gradients = masked ? op.ApplyAll(g, q, k, v, y, sums, b.Input(3)) : op.ApplyAll(g, q, k, v, y, sums);
        for (int i = 0; i < 3; i++)
        {
            b.Give(i, gradients[i]);
        }
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) =>
        outputs[1].Count * inputs[1].Shape[^2] * (2L * (inputs[0].Shape[^1] + inputs[2].Shape[^1]) + 5);
}

/// <summary>
/// The gradients of <see cref="ScaledDotProductAttention"/>, with the probabilities computed again (as FlashAttention,
/// Dao 2022). Inputs: the gradient of the first output; q; k; v; both outputs; the mask where there is one. Outputs: the
/// gradients of q, k and v.
/// </summary>
/// <param name="Causal">As <see cref="ScaledDotProductAttention"/>'s.</param>
/// <param name="Scale">As <see cref="ScaledDotProductAttention"/>'s.</param>
public sealed record ScaledDotProductAttentionGradient(bool Causal, double? Scale) : Op<ScaledDotProductAttentionGradient>
{
    /// <inheritdoc/>
    public override int OutputCount => 3;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        Checks.Inputs(this, inputs, 6, 7);
        AttentionRules.Infer(this, [.. inputs[1..4], .. inputs[6..]], out TensorSpec y, out TensorSpec sums);
        Checks.Is(this, inputs[0], y.DType, "the incoming gradient");
        Checks.HasShape(this, inputs[0], y.Shape, "the incoming gradient");
        Checks.Is(this, inputs[4], y.DType, "the first output");
        Checks.HasShape(this, inputs[4], y.Shape, "the first output");
        Checks.Is(this, inputs[5], sums.DType, "the second output");
        Checks.HasShape(this, inputs[5], sums.Shape, "the second output");
        inputs[1..4].CopyTo(outputs);
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        DType dtype = inputs[0].DType;
        Tensor g = inputs[0].Widen(), q = inputs[1].Widen(), k = inputs[2].Widen(), v = inputs[3].Widen();
        Tensor scores = AttentionRules.Scores(inputs[1], inputs[2], inputs.Length == 7 ? inputs[6] : null, Causal, Scale);
        Tensor chances = (scores - inputs[5].Unsqueeze(-1)).Exp();
        Tensor along = (g * inputs[4].Widen()).Sum(-1, keepDims: true);
        Tensor slopes = chances * (new MatMul(false, true).Apply(g, v) - along) * AttentionRules.ScaleOf(q.Shape, Scale);
        return
        [
            new MatMul().Apply(slopes, k).SumTo(q.Shape).Cast(dtype),
            new MatMul(true, false).Apply(slopes, q).SumTo(k.Shape).Cast(dtype),
            new MatMul(true, false).Apply(chances, g).SumTo(v.Shape).Cast(dtype),
        ];
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) =>
        inputs[5].Count * inputs[2].Shape[^2] * ((6L * inputs[1].Shape[^1]) + (4L * inputs[3].Shape[^1]) + 5);
}

/// <summary>What both share.</summary>
file static class AttentionRules
{
    internal static void Infer(Op op, ReadOnlySpan<TensorSpec> inputs, out TensorSpec output, out TensorSpec sums)
    {
        Checks.Floating(op, inputs[0]);
        ReadOnlySpan<string> names = ["the query", "the key", "the value"];
        for (int i = 0; i < 3; i++)
        {
            Checks.Same(op, inputs[0], inputs[i]);
            Checks.Rank(op, inputs[i], 2, int.MaxValue, names[i]);
        }

        Shape q = inputs[0].Shape, k = inputs[1].Shape, v = inputs[2].Shape;
        if (q[^1] != k[^1])
        {
            throw new ShapeMismatchException(op.Name, $"the query {q} has {q[^1]} features, the key {k} has {k[^1]}.", [q, k], q.Rank - 1);
        }

        if (k[^2] != v[^2])
        {
            throw new ShapeMismatchException(op.Name, $"there are {k[^2]} keys, {k}, and {v[^2]} values, {v}.", [k, v], k.Rank - 2);
        }

        Shape batch = Broadcasting.Join(op.Name, Broadcasting.Join(op.Name, Leading(q), Leading(k)), Leading(v));
        output = inputs[0].As(Shape.Create([.. batch.AsSpan(), q[^2], v[^1]]));
        sums = new TensorSpec(Shape.Create([.. batch.AsSpan(), q[^2]]), inputs[0].DType.Wide());
        if (inputs.Length == 4)
        {
            Shape scores = Shape.Create([.. sums.Shape.AsSpan(), k[^2]]);
            if (inputs[3].DType != DType.Bool)
            {
                Checks.Is(op, inputs[3], inputs[0].DType, "a mask that is not bool");
            }

            if (!Broadcasting.Fits(inputs[3].Shape, scores))
            {
                throw new ShapeMismatchException(
                    op.Name, $"a mask of shape {inputs[3].Shape} does not broadcast to the scores' shape {scores}.", [inputs[3].Shape, scores]);
            }
        }
    }

    internal static double ScaleOf(Shape query, double? scale) => scale ?? 1 / Math.Sqrt(query[^1]);

    internal static Tensor Scores(Tensor query, Tensor key, Tensor? mask, bool causal, double? scale)
    {
        Tensor scores = new MatMul(false, true).Apply(query.Widen() * ScaleOf(query.Shape, scale), key.Widen());
        if (mask is not null && mask.DType != DType.Bool)
        {
            scores += mask.Widen();
        }

        if (mask is not null && mask.DType == DType.Bool)
        {
            scores = Tensor.Where(mask, scores, Nothing(scores));
        }

        if (causal)
        {
            int rows = scores.Shape[^2], columns = scores.Shape[^1];
            Tensor row = Tensor.Arange(rows, device: scores.Data.Device).Reshape(rows, 1);
            scores = Tensor.Where(Tensor.Arange(columns, device: scores.Data.Device) <= row, scores, Nothing(scores));
        }

        return scores;
    }

    private static Tensor Nothing(Tensor scores) => Eager.Constant(double.NegativeInfinity, scores.DType, scores.Data.Device);

    private static Shape Leading(Shape shape) => Shape.Create(shape.AsSpan()[..^2]);
}
