using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <content>Activations that carry attributes, or are dear enough to be fused.</content>
public sealed partial class CpuBackend
{
    private void ImplementActivations()
    {
        ImplementFloating<Gelu>(
            static (op, in call) => Maps.Run<float, GeluMap<float>>(new(op.Approximation == GeluApproximation.Tanh, false), call),
            static (op, in call) => Maps.Run<double, GeluMap<double>>(new(op.Approximation == GeluApproximation.Tanh, false), call));
        ImplementFloating<GeluGradient>(
            static (op, in call) => Maps.Run<float, GeluMap<float>>(new(op.Approximation == GeluApproximation.Tanh, true), call),
            static (op, in call) => Maps.Run<double, GeluMap<double>>(new(op.Approximation == GeluApproximation.Tanh, true), call),
            Alike);
        ImplementFloating<Silu>(
            static (_, in call) => Maps.Run<float, SiluMap<float>>(new(false), call),
            static (_, in call) => Maps.Run<double, SiluMap<double>>(new(false), call));
        ImplementFloating<SiluGradient>(
            static (_, in call) => Maps.Run<float, SiluMap<float>>(new(true), call),
            static (_, in call) => Maps.Run<double, SiluMap<double>>(new(true), call),
            Alike);
        ImplementFloating<LeakyRelu>(
            static (op, in call) => Maps.Run<float, LeakyReluMap<float>>(new(op.Slope), call),
            static (op, in call) => Maps.Run<double, LeakyReluMap<double>>(new(op.Slope), call));
        ImplementFloating<LeakyReluGradient>(
            static (op, in call) => Maps.Run<float, LeakyReluMap<float>>(new(op.Slope), call),
            static (op, in call) => Maps.Run<double, LeakyReluMap<double>>(new(op.Slope), call),
            Alike);
        ImplementFloating<Softplus>(
            static (op, in call) => Maps.Run<float, SoftplusMap<float>>(new(op.Beta, op.Threshold, false), call),
            static (op, in call) => Maps.Run<double, SoftplusMap<double>>(new(op.Beta, op.Threshold, false), call));
        ImplementFloating<SoftplusGradient>(
            static (op, in call) => Maps.Run<float, SoftplusMap<float>>(new(op.Beta, op.Threshold, true), call),
            static (op, in call) => Maps.Run<double, SoftplusMap<double>>(new(op.Beta, op.Threshold, true), call),
            Alike);
    }

    private static bool Alike(Op op, ReadOnlySpan<TensorSpec> inputs) => inputs[0].Shape == inputs[1].Shape;
}
