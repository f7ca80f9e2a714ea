using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <content>The losses.</content>
public sealed partial class CpuBackend
{
    private void ImplementLosses()
    {
        ImplementFloating<CrossEntropy>(CrossEntropies.Forward<float>, CrossEntropies.Forward<double>);
        ImplementFloating<CrossEntropyGradient>(CrossEntropies.Gradient<float>, CrossEntropies.Gradient<double>);
        ImplementFloating<MeanSquaredError>(
            static (op, in call) => PairLosses.Forward<float, Squares<float>>(op.Reduction, call),
            static (op, in call) => PairLosses.Forward<double, Squares<double>>(op.Reduction, call));
        ImplementFloating<MeanSquaredErrorGradient>(
            static (op, in call) => PairLosses.Gradient<float, Squares<float>>(op.Reduction, call),
            static (op, in call) => PairLosses.Gradient<double, Squares<double>>(op.Reduction, call));
        ImplementFloating<BinaryCrossEntropyWithLogits>(
            static (op, in call) => PairLosses.Forward<float, Logistic<float>>(op.Reduction, call),
            static (op, in call) => PairLosses.Forward<double, Logistic<double>>(op.Reduction, call),
            static (_, inputs) => inputs.Length == 2);
        ImplementFloating<BinaryCrossEntropyWithLogitsGradient>(
            static (op, in call) => PairLosses.Gradient<float, Logistic<float>>(op.Reduction, call),
            static (op, in call) => PairLosses.Gradient<double, Logistic<double>>(op.Reduction, call),
            static (_, inputs) => inputs.Length == 3);
    }
}
