using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <content>Softmax and the norms.</content>
public sealed partial class CpuBackend
{
    private void ImplementNormalization()
    {
        ImplementFloating<Softmax>(
            static (op, in call) => Softmaxes.Run<float>(op.Axis, false, call),
            static (op, in call) => Softmaxes.Run<double>(op.Axis, false, call));
        ImplementFloating<LogSoftmax>(
            static (op, in call) => Softmaxes.Run<float>(op.Axis, true, call),
            static (op, in call) => Softmaxes.Run<double>(op.Axis, true, call));
        ImplementFloating<SoftmaxGradient>(
            static (op, in call) => Softmaxes.Gradient<float>(op.Axis, false, call),
            static (op, in call) => Softmaxes.Gradient<double>(op.Axis, false, call));
        ImplementFloating<LogSoftmaxGradient>(
            static (op, in call) => Softmaxes.Gradient<float>(op.Axis, true, call),
            static (op, in call) => Softmaxes.Gradient<double>(op.Axis, true, call));
        ImplementFloating<LayerNorm>(LayerNorms.Forward<float>, LayerNorms.Forward<double>);
        ImplementFloating<LayerNormGradient>(LayerNorms.Gradient<float>, LayerNorms.Gradient<double>);
        ImplementFloating<BatchNorm>(BatchNorms.Forward<float>, BatchNorms.Forward<double>);
        ImplementFloating<BatchNormGradient>(BatchNorms.Gradient<float>, BatchNorms.Gradient<double>);
        ImplementFloating<BatchNormInference>(BatchNorms.Inference<float>, BatchNorms.Inference<double>);
    }
}
