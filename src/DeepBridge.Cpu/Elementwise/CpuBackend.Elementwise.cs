using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <content>Elementwise ops.</content>
public sealed partial class CpuBackend
{
    private void ImplementElementwise()
    {
        Implement<Negate>(static (_, in call) => call.Outputs[0] = Unary.Numeric<NegateKernel>(call));
        Implement<Abs>(static (_, in call) => call.Outputs[0] = Unary.Numeric<AbsKernel>(call));
        Implement<Sign>(static (_, in call) => call.Outputs[0] = Unary.Numeric<SignKernel>(call));
        Implement<Floor>(static (_, in call) => call.Outputs[0] = Unary.Numeric<FloorKernel>(call));
        Implement<Ceiling>(static (_, in call) => call.Outputs[0] = Unary.Numeric<CeilingKernel>(call));
        Implement<Round>(static (_, in call) => call.Outputs[0] = Unary.Numeric<RoundKernel>(call));
        Implement<Sqrt>(static (_, in call) => call.Outputs[0] = Unary.Floating<SqrtKernel>(call));
        Implement<Rsqrt>(static (_, in call) => call.Outputs[0] = Unary.Floating<RsqrtKernel>(call));
        Implement<Relu>(static (_, in call) => call.Outputs[0] = Unary.Floating<ReluKernel>(call));
        Implement<Exp>(static (_, in call) => call.Outputs[0] = Unary.Floating<ExpKernel>(call, heavy: true));
        Implement<Expm1>(static (_, in call) => call.Outputs[0] = Unary.Floating<Expm1Kernel>(call, heavy: true));
        Implement<Log>(static (_, in call) => call.Outputs[0] = Unary.Floating<LogKernel>(call, heavy: true));
        Implement<Log1p>(static (_, in call) => call.Outputs[0] = Unary.Floating<Log1pKernel>(call, heavy: true));
        Implement<Sin>(static (_, in call) => call.Outputs[0] = Unary.Floating<SinKernel>(call, heavy: true));
        Implement<Cos>(static (_, in call) => call.Outputs[0] = Unary.Floating<CosKernel>(call, heavy: true));
        Implement<Erf>(static (_, in call) => call.Outputs[0] = Unary.Floating<ErfKernel>(call, heavy: true));
        Implement<Tanh>(static (_, in call) => call.Outputs[0] = Unary.Floating<TanhKernel>(call, heavy: true));
        Implement<Sigmoid>(static (_, in call) => call.Outputs[0] = Unary.Floating<SigmoidKernel>(call, heavy: true));
        Implement<LogicalNot>(static (_, in call) => call.Outputs[0] = Unary.Bool<LogicalNotKernel>(call));

        Implement<Add>(static (_, in call) => call.Outputs[0] = Binary.Numeric<AddKernel>(call));
        Implement<Subtract>(static (_, in call) => call.Outputs[0] = Binary.Numeric<SubtractKernel>(call));
        Implement<Multiply>(static (_, in call) => call.Outputs[0] = Binary.Numeric<MultiplyKernel>(call));
        Implement<Divide>(static (_, in call) => call.Outputs[0] = Binary.Numeric<DivideKernel>(call));
        Implement<FloorDivide>(static (_, in call) => call.Outputs[0] = Binary.Numeric<EachKernel<FloorDivideScalar>>(call, heavy: true));
        Implement<FloorModulo>(static (_, in call) => call.Outputs[0] = Binary.Numeric<EachKernel<FloorModuloScalar>>(call, heavy: true));
        Implement<Power>(static (_, in call) => call.Outputs[0] = Binary.Power(call));
        Implement<Maximum>(static (_, in call) => call.Outputs[0] = Binary.Numeric<MaximumKernel>(call));
        Implement<Minimum>(static (_, in call) => call.Outputs[0] = Binary.Numeric<MinimumKernel>(call));
        Implement<TanhGradient>(static (_, in call) => call.Outputs[0] = Binary.Numeric<TanhGradientKernel>(call));
        Implement<SigmoidGradient>(static (_, in call) => call.Outputs[0] = Binary.Numeric<SigmoidGradientKernel>(call));
        Implement<ReluGradient>(static (_, in call) => call.Outputs[0] = Binary.Numeric<ReluGradientKernel>(call));

        Implement<Equal>(static (_, in call) => call.Outputs[0] = Binary.Compare<EqualKernel>(call));
        Implement<NotEqual>(static (_, in call) => call.Outputs[0] = Binary.Compare<NotEqualKernel>(call));
        Implement<Less>(static (_, in call) => call.Outputs[0] = Binary.Compare<LessKernel>(call));
        Implement<LessEqual>(static (_, in call) => call.Outputs[0] = Binary.Compare<LessEqualKernel>(call));
        Implement<Greater>(static (_, in call) => call.Outputs[0] = Binary.Compare<LessKernel>(call, 1));
        Implement<GreaterEqual>(static (_, in call) => call.Outputs[0] = Binary.Compare<LessEqualKernel>(call, 1));
        Implement<LogicalAnd>(static (_, in call) => call.Outputs[0] = Binary.Bool<AndKernel>(call));
        Implement<LogicalOr>(static (_, in call) => call.Outputs[0] = Binary.Bool<OrKernel>(call));
        Implement<LogicalXor>(static (_, in call) => call.Outputs[0] = Binary.Bool<XorKernel>(call));

        ImplementAny<Where>(static (_, in call) => call.Outputs[0] = Selecting.Run(call));
        ImplementAny<Cast>(static (_, in call) => call.Outputs[0] = Casting.Cast((CpuTensor)call.Inputs[0], call.OutputSpecs[0]));
        ImplementAny<Fill>(static (op, in call) => call.Outputs[0] = Filling.Run(CpuTensor.Allocate(call.OutputSpecs[0], call.Device), op.Value));
        ImplementAny<Iota>(static (_, in call) => call.Outputs[0] = Filling.Iota(call.OutputSpecs[0], call.Device));
    }
}
