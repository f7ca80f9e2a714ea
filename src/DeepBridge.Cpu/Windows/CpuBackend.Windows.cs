using System.Numerics;
using DeepBridge.Backends;
using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <content>Convolution and pooling.</content>
public sealed partial class CpuBackend
{
    private void ImplementWindows()
    {
        ImplementFloating<Convolution>(Convolutions.Forward<float>, Convolutions.Forward<double>);
        ImplementFloating<ConvolutionInputGradient>(Convolutions.InputGradient<float>, Convolutions.InputGradient<double>);
        ImplementFloating<ConvolutionWeightGradient>(Convolutions.WeightGradient<float>, Convolutions.WeightGradient<double>);
        ImplementFloating<MaxPool>(Pooling.Max<float, int>, Pooling.Max<double, long>);
        ImplementFloating<AveragePool>(Pooling.Average<float>, Pooling.Average<double>);
        ImplementFloating<AveragePoolGradient>(Pooling.AverageGradient<float>, Pooling.AverageGradient<double>);
        ImplementFloating<MaxPoolGradient>(Scatter<float>, Scatter<double>);
    }

    private static void Scatter<T>(MaxPoolGradient op, in KernelCall call)
        where T : unmanaged, INumber<T>
    {
        if (call.Inputs[1].Spec.DType == DType.Int64)
        {
            Pooling.MaxGradient<T, long>(op, call);
        }
        else
        {
            Pooling.MaxGradient<T, int>(op, call);
        }
    }

    /// <summary>Gives an op of one floating dtype its two kernels; the 16-bit floats arrive as float32.</summary>
    private void ImplementFloating<TOp>(Kernel<TOp> single, Kernel<TOp> twice, When<TOp>? when = null)
        where TOp : Op<TOp> =>
        Implement<TOp>((op, in call) => (call.Inputs[0].Spec.DType == DType.Float64 ? twice : single)(op, call), when);
}
