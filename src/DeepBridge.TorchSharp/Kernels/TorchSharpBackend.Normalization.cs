namespace DeepBridge.Torch;

/// <content>Normalization and softmax.</content>
public sealed partial class TorchSharpBackend
{
    private void ImplementNormalization()
    {
        Implement<LayerNorm>(
            static (op, in call) =>
            {
                (Native y, Native mean, Native inverse) = Script.Three(
                    "layer_norm", In(call, 0), InOrNull(call, 1), InOrNull(call, 2), op.AxisCount, Numbers.Of(op.Epsilon));
                Out(call, y);
                Out(call, mean, 1);
                Out(call, inverse, 2);
            },
            static (_, inputs) => inputs[0].Count > 0);
        Implement<LayerNormGradient>(
            static (op, in call) =>
            {
                using Native g = Dense(call, 0), x = Dense(call, 1), mean = Dense(call, 2), inverse = Dense(call, 3);
                if (!op.Affine)
                {
                    Out(call, Script.One("layer_norm_back_plain", g, x, mean, inverse, op.AxisCount));
                    return;
                }

                using Native scale = Dense(call, 4);
                (Native input, Native weight, Native bias) = Script.Three("layer_norm_back", g, x, mean, inverse, scale, op.AxisCount);
                Out(call, input);
                Out(call, weight, 1);
                Out(call, bias, 2);
            },
            static (_, inputs) => inputs[1].Count > 0);
        Implement<BatchNorm>(
            static (op, in call) =>
            {
                // With momentum 1 the running statistics become the batch's; the variance that goes there is unbiased.
                Native mean = Zeros(call.OutputSpecs[1], call.Device), variance = Zeros(call.OutputSpecs[2], call.Device);
                Out(call, mean, 1);
                Out(call, variance, 2);
                Out(call, torch.nn.functional.batch_norm(In(call, 0), mean, variance, In(call, 1), In(call, 2), training: true, momentum: 1, eps: op.Epsilon));
                double count = (double)call.Inputs[0].Spec.Count / call.OutputSpecs[1].Count;
                using Number share = ((count - 1) / count).ToScalar();
                variance.mul_(share);
            },
            static (_, inputs) => inputs[0].Count > 0);
        Implement<BatchNormGradient>(
            static (op, in call) =>
            {
                using Native shifted = In(call, 4).add(Numbers.Of(op.Epsilon), Numbers.One), inverse = shifted.rsqrt();
                (Native x, Native weight, Native bias) = Script.Three("batch_norm_back", In(call, 0), In(call, 1), In(call, 2), In(call, 3), inverse, Numbers.Of(op.Epsilon));
                Out(call, x);
                Out(call, weight, 1);
                Out(call, bias, 2);
            },
            static (_, inputs) => inputs[1].Count > 0);
        Implement<BatchNormInference>(
            static (op, in call) => Out(call, torch.nn.functional.batch_norm(In(call, 0), In(call, 1), In(call, 2), In(call, 3), In(call, 4), training: false, eps: op.Epsilon)),
            static (_, inputs) => inputs[0].Count > 0);
        Implement<Softmax>(static (op, in call) => Out(call, In(call, 0).softmax(op.Axis, call.OutputSpecs[0].DType.ToTorch())));
        Implement<LogSoftmax>(static (op, in call) => Out(call, In(call, 0).log_softmax(op.Axis, call.OutputSpecs[0].DType.ToTorch())));
        Implement<SoftmaxGradient>(static (op, in call) =>
        {
            Native y = In(call, 1), product = In(call, 0).mul(y);
            using Native sum = product.sum((long)op.Axis, true);
            Out(call, product.addcmul_(y, sum, Numbers.MinusOne));
        });
        Implement<LogSoftmaxGradient>(static (op, in call) =>
        {
            using Native sum = In(call, 0).sum((long)op.Axis, true), chances = In(call, 1).exp();
            Out(call, In(call, 0).addcmul(chances, sum, Numbers.MinusOne));
        });
    }
}
