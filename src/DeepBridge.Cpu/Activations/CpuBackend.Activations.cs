using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <content>Activations that carry attributes, or are dear enough to be fused.</content>
public sealed partial class CpuBackend
{
    private void ImplementActivations()
    {
        Implement<Gelu>(static (op, in call) => call.Outputs[0] = op.Approximation == GeluApproximation.Tanh
            ? Unary.Floating<GeluTanhKernel>(call, heavy: true)
            : Unary.Floating<GeluKernel>(call, heavy: true));
        Implement<GeluGradient>(static (op, in call) => call.Outputs[0] = op.Approximation == GeluApproximation.Tanh
            ? Binary.Numeric<GeluTanhGradientKernel>(call, heavy: true)
            : Binary.Numeric<GeluGradientKernel>(call, heavy: true));
        Implement<Silu>(static (_, in call) => Maps.Run(new SiluMap(false), call));
        Implement<SiluGradient>(static (_, in call) => Maps.Run(new SiluMap(true), call), Alike);
        Implement<LeakyRelu>(static (op, in call) => Maps.Run(new LeakyReluMap(op.Slope), call));
        Implement<LeakyReluGradient>(static (op, in call) => Maps.Run(new LeakyReluMap(op.Slope), call), Alike);
        Implement<Softplus>(static (op, in call) => Maps.Run(new SoftplusMap(op.Beta, op.Threshold, false), call));
        Implement<SoftplusGradient>(static (op, in call) => Maps.Run(new SoftplusMap(op.Beta, op.Threshold, true), call), Alike);
    }

    private static bool Alike(Op op, ReadOnlySpan<TensorSpec> inputs) => inputs[0].Shape == inputs[1].Shape;
}
