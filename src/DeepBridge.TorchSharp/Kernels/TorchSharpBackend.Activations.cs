namespace DeepBridge.Torch;

/// <content>Activations that are more than one function, and the gradients of activations.</content>
public sealed partial class TorchSharpBackend
{
    /// <summary>Up to this size two calls of TorchSharp's are quicker than one of a script.</summary>
    private const long ScriptElements = 1 << 14;

    private void ImplementActivations()
    {
        Implement<Gelu>(static (op, in call) => Out(call, op.Approximation == GeluApproximation.Tanh
            ? In(call, 0).gelu(TorchSharp.Modules.GELU.Approximate.tanh)
            : In(call, 0).gelu()));
        Implement<GeluGradient>(
            static (op, in call) =>
            {
                using Native g = Dense(call, 0), x = Dense(call, 1);
                Out(call, Script.One(op.Approximation == GeluApproximation.Tanh ? "gelu_tanh_back" : "gelu_back", g, x));
            },
            static (_, inputs) => inputs[0].Shape == inputs[1].Shape);
        Implement<Silu>(static (_, in call) => Out(call, In(call, 0).silu()));
        Implement<SiluGradient>(static (_, in call) =>
        {
            // g·s·(1 + x·(1 − s)) = g·(y + s·(1 − y)) for y = x·s, which is also right where x is −∞ but for its own NaN.
            using Native s = In(call, 1).sigmoid(), rest = s.neg();
            rest.add_(Numbers.One, Numbers.One).mul_(In(call, 1)).add_(Numbers.One, Numbers.One).mul_(s);
            Out(call, In(call, 0).mul(rest));
        });
        Implement<LeakyRelu>(static (op, in call) => Out(call, In(call, 0).leaky_relu(Numbers.Of(op.Slope))));
        Implement<LeakyReluGradient>(static (op, in call) =>
        {
            using Native positive = In(call, 1).gt(Numbers.Zero), sloped = In(call, 0).mul(Numbers.Of(op.Slope));
            Out(call, In(call, 0).where(positive, sloped));
        });
        Implement<Softplus>(
            static (op, in call) => Out(call, In(call, 0).softplus(op.Beta, op.Threshold)),
            static (op, _) => op.Threshold is > 0 and <= 30);
        Implement<SoftplusGradient>(static (op, in call) =>
        {
            using Native z = In(call, 1).mul(Numbers.Of(op.Beta)), linear = z.gt(Numbers.Of(op.Threshold)), s = z.sigmoid(), curved = s.mul(In(call, 0));
            Out(call, In(call, 0).where(linear, curved));
        });
        Implement<ReluGradient>(static (_, in call) =>
        {
            if (call.OutputSpecs[0].Count > ScriptElements && call.Inputs[0].Spec.Shape == call.Inputs[1].Spec.Shape)
            {
                Out(call, Script.One("threshold_back", In(call, 0), In(call, 1)));
                return;
            }

            using Native off = In(call, 1).le(Numbers.Zero);
            Out(call, In(call, 0).masked_fill(off, Numbers.Zero));
        });
        Implement<TanhGradient>(static (_, in call) =>
        {
            // g − g·y²
            using Native square = In(call, 1).mul(In(call, 1));
            Out(call, In(call, 0).addcmul(In(call, 0), square, Numbers.MinusOne));
        });
        Implement<SigmoidGradient>(static (_, in call) =>
        {
            // g·(y − y²)
            using Native slope = In(call, 1).addcmul(In(call, 1), In(call, 1), Numbers.MinusOne);
            Out(call, In(call, 0).mul(slope));
        });
    }
}
