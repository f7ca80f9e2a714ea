using DeepBridge.Backends;
using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <content>Matrix products and attention.</content>
public sealed partial class CpuBackend
{
    private void ImplementProducts()
    {
        Implement<MatMul>(static (op, in call) => Multiply(op.TransposeLeft, op.TransposeRight, call));
        Implement<Linear>(static (_, in call) => Multiply(false, true, call));
        ImplementFloating<ScaledDotProductAttention>(
            Attentions.Forward<float>, Attentions.Forward<double>, static (op, inputs) => Attentions.Fits(inputs, 0, 3, op.Scale));
        ImplementFloating<ScaledDotProductAttentionGradient>(
            Attentions.Gradient<float>, Attentions.Gradient<double>, static (op, inputs) => Attentions.Fits(inputs, 1, 6, op.Scale));
    }

    private static void Multiply(bool transposeLeft, bool transposeRight, in KernelCall call)
    {
        CpuTensor left = (CpuTensor)call.Inputs[0], right = (CpuTensor)call.Inputs[1];
        CpuTensor? given = call.Inputs.Length == 3 ? (CpuTensor)call.Inputs[2] : null, bias = given is null ? null : Dense.Of(given);
        TensorSpec spec = call.OutputSpecs[0];
        call.Outputs[0] = spec.DType switch
        {
            DType.Float32 => MatrixProducts.Multiply<float>(left, transposeLeft, right, transposeRight, bias, spec),
            DType.Float64 => MatrixProducts.Multiply<double>(left, transposeLeft, right, transposeRight, bias, spec),
            DType.Int32 => MatrixProducts.Multiply<int>(left, transposeLeft, right, transposeRight, bias, spec),
            _ => MatrixProducts.Multiply<long>(left, transposeLeft, right, transposeRight, bias, spec),
        };
        if (bias is not null)
        {
            Dense.Done(bias, given!);
        }
    }
}
