using DeepBridge.Backends;
using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <content>Movement: views where strides can say it, else copies in runs.</content>
public sealed partial class CpuBackend
{
    private void ImplementMovement()
    {
        ImplementAny<Reshape>(static (_, in call) => call.Outputs[0] = Views.Reshape((CpuTensor)call.Inputs[0], call.OutputSpecs[0]));
        ImplementAny<Permute>(static (op, in call) => call.Outputs[0] = Views.Permute((CpuTensor)call.Inputs[0], call.OutputSpecs[0], op.Axes));
        ImplementAny<Expand>(static (_, in call) => call.Outputs[0] = Views.Expand((CpuTensor)call.Inputs[0], call.OutputSpecs[0]));
        ImplementAny<Slice>(static (op, in call) => call.Outputs[0] = Views.Slice((CpuTensor)call.Inputs[0], call.OutputSpecs[0], op));
        ImplementAny<Flip>(static (op, in call) => call.Outputs[0] = Views.Flip((CpuTensor)call.Inputs[0], op.Axes));
        ImplementAny<Pad>(static (op, in call) => call.Outputs[0] = Pad(op, call));
        ImplementAny<Concat>(static (op, in call) => call.Outputs[0] = Concat(op, call));
    }

    private static CpuTensor Pad(Pad op, in KernelCall call)
    {
        CpuTensor x = (CpuTensor)call.Inputs[0];
        CpuTensor y = CpuTensor.Allocate(call.OutputSpecs[0], call.Device);
        Filling.Run(y, op.Value);
        Insert(x, y, op.Low.AsSpan());
        return y;
    }

    private static CpuTensor Concat(Concat op, in KernelCall call)
    {
        CpuTensor y = CpuTensor.Allocate(call.OutputSpecs[0], call.Device);
        Span<int> origin = stackalloc int[y.Spec.Rank];
        origin.Clear();
        foreach (BackendTensor input in call.Inputs)
        {
            Insert((CpuTensor)input, y, origin);
            origin[op.Axis] += input.Spec.Shape[op.Axis];
        }

        return y;
    }

    /// <summary>Copies a tensor into a block of a dense one.</summary>
    private static void Insert(CpuTensor x, CpuTensor y, ReadOnlySpan<int> origin)
    {
        int rank = origin.Length, size = x.Spec.DType.Size();
        Span<long> strides = stackalloc long[2 * rank];
        x.StridesIn(x.Spec.Shape.AsSpan(), strides[..rank]);
        Copying.DenseStrides(y.Spec.Shape.AsSpan(), strides[rank..]);
        long first = 0;
        for (int axis = 0; axis < rank; axis++)
        {
            first += origin[axis] * strides[rank + axis];
        }

        if (x.Count > 0)
        {
            Copying.Run(ref x.First<byte>(), ref System.Runtime.CompilerServices.Unsafe.Add(ref y.First<byte>(), (nint)(first * size)), size, x.Spec.Shape.AsSpan(), strides);
        }
    }
}
