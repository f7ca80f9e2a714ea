using TorchReduction = TorchSharp.torch.nn.Reduction;

namespace DeepBridge.Torch;

/// <content>Losses and their gradients.</content>
public sealed partial class TorchSharpBackend
{
    private void ImplementLosses()
    {
        Implement<CrossEntropy>(static (op, in call) => CrossEntropyOf(op, call));
        Implement<CrossEntropyGradient>(static (op, in call) => CrossEntropyGradientOf(op, call));
        Implement<MeanSquaredError>(static (op, in call) => Out(call, torch.nn.functional.mse_loss(In(call, 0), In(call, 1), ToTorch(op.Reduction))));
        Implement<MeanSquaredErrorGradient>(static (op, in call) =>
        {
            using Number factor = (op.Reduction == Reduction.Mean ? 2.0 / call.Inputs[1].Spec.Count : 2.0).ToScalar();
            using Native share = In(call, 0).mul(factor);
            Out(call, In(call, 1).add(In(call, 2), Numbers.MinusOne).mul_(share));
        });
        Implement<BinaryCrossEntropyWithLogits>(
            static (op, in call) => Out(call, torch.nn.functional.binary_cross_entropy_with_logits(In(call, 0), In(call, 1), null, ToTorch(op.Reduction), InOrNull(call, 2))));
        Implement<BinaryCrossEntropyWithLogitsGradient>(static (op, in call) =>
        {
            // (1 − t)·s(x) − w·t·s(−x)
            Native x = In(call, 1), t = In(call, 2);
            using Number part = (op.Reduction == Reduction.Mean ? 1.0 / call.Inputs[1].Spec.Count : 1.0).ToScalar();
            using Native share = In(call, 0).mul(part), opposite = x.neg();
            opposite.sigmoid_().mul_(t);
            if (call.Inputs.Length == 4)
            {
                opposite.mul_(In(call, 3));
            }

            Native slope = x.sigmoid();
            using Native known = slope.mul(t);
            Out(call, slope.add_(known, Numbers.MinusOne).add_(opposite, Numbers.MinusOne).mul_(share));
        });
    }

    private static TorchReduction ToTorch(Reduction reduction) => reduction switch
    {
        Reduction.Mean => TorchReduction.Mean,
        Reduction.Sum => TorchReduction.Sum,
        _ => TorchReduction.None,
    };

    private static void CrossEntropyOf(CrossEntropy op, in KernelCall call)
    {
        Native logs = In(call, 0).log_softmax(1, call.OutputSpecs[1].DType.ToTorch());
        Out(call, logs, 1);
        if (op.LabelSmoothing == 0 && op.IgnoreIndex is null && call.OutputSpecs[1].Count > 0)
        {
            using Native? wide = call.Inputs[1].Spec.DType == DType.Int64 ? null : Wide(call, 1);
            Out(call, torch.nn.functional.nll_loss(logs, wide ?? In(call, 1), null, ToTorch(op.Reduction)));
            return;
        }

        (Native labels, Native? ignored) = Separate(call, 1, op.IgnoreIndex);
        using Native column = labels.unsqueeze(1), picked = logs.gather(1, column), chosen = picked.squeeze(1);
        Native losses = chosen.neg();
        if (op.LabelSmoothing > 0)
        {
            using Native all = logs.sum(1L);
            losses.mul_(Numbers.Of(1 - op.LabelSmoothing)).add_(all, Numbers.Of(-op.LabelSmoothing / call.OutputSpecs[1].Shape[1]));
        }

        if (ignored is not null)
        {
            losses.masked_fill_(ignored, Numbers.Zero);
        }

        if (op.Reduction == Reduction.None)
        {
            Out(call, losses);
        }
        else
        {
            using Native whole = losses, sum = whole.sum();
            Out(call, op.Reduction == Reduction.Mean ? Shared(sum, ignored, call.Inputs[1].Spec) : sum.alias());
        }

        labels.Dispose();
        ignored?.Dispose();
    }

    private static void CrossEntropyGradientOf(CrossEntropyGradient op, in KernelCall call)
    {
        TensorSpec logs = call.Inputs[1].Spec, spec = call.Inputs[2].Spec;
        (Native labels, Native? ignored) = Separate(call, 2, op.IgnoreIndex);
        Native slope = In(call, 1).exp();
        if (logs.Count > 0)
        {
            using Native column = labels.unsqueeze(1);
            using Native target = torch.full(column.shape, Numbers.Of(op.LabelSmoothing - 1), logs.DType.ToTorch(), On(call.Device));
            slope.scatter_add_(1, column, target);
            if (op.LabelSmoothing > 0)
            {
                slope.add_(Numbers.Of(-op.LabelSmoothing / logs.Shape[1]), Numbers.One);
            }
        }

        if (op.Reduction == Reduction.None)
        {
            using Native each = In(call, 0).unsqueeze(1);
            slope.mul_(each);
        }
        else if (op.Reduction == Reduction.Mean && ignored is null && At(call, 0).Known is { } factor)
        {
            // A loss that is where the gradient starts: the host knows it to be 1.
            using Number share = (factor / spec.Count).ToScalar();
            slope.mul_(share);
        }
        else if (op.Reduction == Reduction.Mean)
        {
            using Native share = Shared(In(call, 0), ignored, spec);
            slope.mul_(share);
        }
        else
        {
            slope.mul_(In(call, 0));
        }

        if (ignored is not null)
        {
            using Native rows = ignored.unsqueeze(1);
            slope.masked_fill_(rows, Numbers.Zero);
        }

        Out(call, slope);
        labels.Dispose();
        ignored?.Dispose();
    }

    /// <summary>Labels of which none is ignored (0 stands for those), and which are.</summary>
    private static (Native Labels, Native? Ignored) Separate(in KernelCall call, int input, long? ignored)
    {
        Native labels = Wide(call, input);
        if (ignored is not { } value)
        {
            return (labels, null);
        }

        using Native all = labels;
        Native mask = all.eq(Numbers.Of(value));
        return (all.masked_fill(mask, Numbers.Zero), mask);
    }

    /// <summary>Divided by the number of labels that count; a new handle.</summary>
    private static Native Shared(Native sum, Native? ignored, TensorSpec labels)
    {
        if (ignored is null)
        {
            using Number number = ((double)labels.Count).ToScalar();
            return sum.div(number);
        }

        using Native kept = ignored.logical_not(), count = kept.sum();
        return sum.div(count);
    }
}
