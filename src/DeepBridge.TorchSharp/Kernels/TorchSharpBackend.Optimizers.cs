namespace DeepBridge.Torch;

/// <content>Optimizer steps, in the memory of what they update where that was given up.</content>
public sealed partial class TorchSharpBackend
{
    private void ImplementOptimizers()
    {
        Implement<SgdStep>(static (op, in call) => SgdOf(op, call));
        Implement<AdamStep>(static (op, in call) => AdamOf(op, call));
    }

    private static void SgdOf(SgdStep op, in KernelCall call)
    {
        int last = call.Inputs.Length - 1;
        using Number rate = (-ReadHost(call, last)).ToScalar();
        bool first = op.Momentum > 0 && ReadHost(call, 2) == 0;
        Native p = Start(call, 0, 0), g = In(call, last - 1);
        using Native? decayed = op.WeightDecay == 0 ? null : g.add(p, Numbers.Of(op.WeightDecay));
        g = decayed ?? g;
        if (op.Momentum == 0)
        {
            p.add_(g, rate);
            return;
        }

        Native buffer = Start(call, 1, 1);
        Native later = buffer.mul_(Numbers.Of(op.Momentum)).add_(g, Numbers.Of(1 - op.Dampening));
        if (first && op.Dampening != 0)
        {
            later.copy_(g);
        }

        using Native? ahead = op.Nesterov ? g.add(buffer, Numbers.Of(op.Momentum)) : null;
        p.add_(ahead ?? buffer, rate);
        Advance(call, 2, 2);
    }

    private static void AdamOf(AdamStep op, in KernelCall call)
    {
        double rate = ReadHost(call, 5), step = ReadHost(call, 3) + 1;

        // Both sides of the fraction times √(1 − β₂ᵗ), which spares a pass over v.
        double root = Math.Sqrt(1 - Math.Pow(op.Beta2, step));
        using Number size = (-rate * root / (1 - Math.Pow(op.Beta1, step))).ToScalar(), epsilon = (op.Epsilon * root).ToScalar();
        Native p = Start(call, 0, 0), m = Start(call, 1, 1), v = Start(call, 2, 2), g = In(call, 4);
        using Native? decayed = op.WeightDecay == 0 || op.Decoupled ? null : g.add(p, Numbers.Of(op.WeightDecay));
        g = decayed ?? g;
        if (op.WeightDecay != 0 && op.Decoupled)
        {
            using Number shrink = (1 - (rate * op.WeightDecay)).ToScalar();
            p.mul_(shrink);
        }

        m.mul_(Numbers.Of(op.Beta1)).add_(g, Numbers.Of(1 - op.Beta1));
        v.mul_(Numbers.Of(op.Beta2)).addcmul_(g, g, Numbers.Of(1 - op.Beta2));
        using Native divisor = v.sqrt();
        divisor.add_(epsilon, Numbers.One);
        p.addcdiv_(m, divisor, size);
        Advance(call, 3, 3);
    }

    /// <summary>The value of a scalar; asked of the device only where the host did not write it.</summary>
    private static double ReadHost(in KernelCall call, int input)
    {
        TorchTensor tensor = At(call, input);
        if (tensor.Known is not { } value)
        {
            using Native wide = tensor.Value.to_type(ScalarType.Float64);
            tensor.Known = value = wide.item<double>();
        }

        return value;
    }

    /// <summary>The count of steps, one more.</summary>
    private static void Advance(in KernelCall call, int input, int output) =>
        call.Outputs[output] = new TorchTensor(call.OutputSpecs[output], call.Device, ReadHost(call, input) + 1);
}
