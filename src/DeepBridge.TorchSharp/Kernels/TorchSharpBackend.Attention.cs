namespace DeepBridge.Torch;

/// <content>Attention, in libtorch's products and in-place steps: its own has neither a scale nor the sums that the gradient reads.</content>
public sealed partial class TorchSharpBackend
{
    private void ImplementAttention()
    {
        Implement<ScaledDotProductAttention>(
            static (op, in call) =>
            {
                Native chances = Scores(op.Causal, Scale(op.Scale, call.Inputs[0].Spec), call, 0, 3, out bool masked);
                using Native sums = chances.logsumexp(-1, true);
                if (masked)
                {
                    // A query that attends to nothing.
                    using Native nothing = sums.eq(Numbers.Of(double.NegativeInfinity));
                    sums.masked_fill_(nothing, Numbers.Zero);
                }

                using Native held = chances.add_(sums, Numbers.MinusOne).exp_();
                Out(call, held.matmul(In(call, 2)));
                using Native flat = sums.squeeze(-1);
                Out(call, flat.expand(call.OutputSpecs[1].Shape.ToLongs()).contiguous(), 1);
            },
            static (_, inputs) => HasScores(inputs[0], inputs[1], inputs[2]));
        Implement<ScaledDotProductAttentionGradient>(
            static (op, in call) =>
            {
                Native g = In(call, 0), q = In(call, 1), k = In(call, 2), v = In(call, 3);
                Number scale = Scale(op.Scale, call.Inputs[1].Spec);
                using Native chances = Scores(op.Causal, scale, call, 1, 6, out _), sums = In(call, 5).unsqueeze(-1);
                using Native product = g.mul(In(call, 4)), along = product.sum(-1L, true), values = v.transpose(-2, -1);
                using Native probabilities = chances.add(sums, Numbers.MinusOne).exp_();
                using Native slopes = g.matmul(values);
                slopes.add_(along, Numbers.MinusOne).mul_(probabilities).mul_(scale);
                using Native turned = slopes.transpose(-2, -1), gathered = probabilities.transpose(-2, -1);
                Out(call, SumTo(slopes.matmul(k), call.OutputSpecs[0].Shape), 0);
                Out(call, SumTo(turned.matmul(q), call.OutputSpecs[1].Shape), 1);
                Out(call, SumTo(gathered.matmul(g), call.OutputSpecs[2].Shape), 2);
            },
            static (_, inputs) => HasScores(inputs[1], inputs[2], inputs[3]));
    }

    private static bool HasScores(TensorSpec query, TensorSpec key, TensorSpec value) => query.Count > 0 && key.Count > 0 && value.Count > 0;

    private static Number Scale(double? scale, TensorSpec query) => Numbers.Of(scale ?? 1 / Math.Sqrt(query.Shape[^1]));

    /// <summary>scale·q·kᵀ with the mask; a new handle.</summary>
    private static Native Scores(bool causal, Number scale, in KernelCall call, int query, int mask, out bool masked)
    {
        using Native scaled = In(call, query).mul(scale), keys = In(call, query + 1).transpose(-2, -1);
        Native scores = scaled.matmul(keys);
        masked = causal || call.Inputs.Length > mask;
        if (call.Inputs.Length > mask)
        {
            Native given = In(call, mask);
            bool isBool = call.Inputs[mask].Spec.DType == DType.Bool;
            using Native? hidden = isBool ? given.logical_not() : null;
            using Native wide = scores;
            scores = isBool ? wide.masked_fill(hidden!, Numbers.Of(double.NegativeInfinity)) : wide.add(given, Numbers.One);
        }

        if (causal)
        {
            using Native all = torch.ones([call.Inputs[query].Spec.Shape[^2], call.Inputs[query + 1].Spec.Shape[^2]], ScalarType.Bool, On(call.Device)), hidden = all.triu(1);
            scores.masked_fill_(hidden, Numbers.Of(double.NegativeInfinity));
        }

        return scores;
    }

    /// <summary>Sums what broadcasting repeated; the handle is given up.</summary>
    private static Native SumTo(Native x, Shape shape)
    {
        long[] from = x.shape;
        List<long> axes = [];
        for (int axis = 0; axis < from.Length; axis++)
        {
            int own = axis - (from.Length - shape.Rank);
            if (own < 0 || shape[own] != from[axis])
            {
                axes.Add(axis);
            }
        }

        if (axes.Count == 0)
        {
            return x;
        }

        using Native whole = x, sum = whole.sum(axes.ToArray(), true);
        return sum.reshape(shape.ToLongs());
    }
}
