namespace DeepBridge.Torch;

/// <content>Matrix products. A mismatch of shapes in <c>matmul</c> ends the process; the ops' rules have checked them.</content>
public sealed partial class TorchSharpBackend
{
    private void ImplementProducts()
    {
        Implement<MatMul>(static (op, in call) =>
        {
            using Native? left = op.TransposeLeft ? In(call, 0).transpose(-2, -1) : null;
            using Native? right = op.TransposeRight ? In(call, 1).transpose(-2, -1) : null;
            Out(call, Product(call, left ?? In(call, 0), right ?? In(call, 1)));
        });
        Implement<Linear>(static (_, in call) =>
        {
            if (call.Inputs[0].Spec.DType.IsFloating())
            {
                Out(call, torch.nn.functional.linear(In(call, 0), In(call, 1), InOrNull(call, 2)));
                return;
            }

            using Native weight = In(call, 1).t();
            Native product = Product(call, In(call, 0), weight);
            Out(call, call.Inputs.Length == 3 ? product.add_(In(call, 2), Numbers.One) : product);
        });
    }

    /// <summary>Products of integers are made on the host: libtorch has them there alone.</summary>
    private static Native Product(in KernelCall call, Native left, Native right)
    {
        if (call.Inputs[0].Spec.DType.IsFloating() || IsCpu(call.Device))
        {
            return left.matmul(right);
        }

        using Native a = left.cpu(), b = right.cpu();
        return ToDevice(a.matmul(b), call.Device);
    }
}
