using DeepBridge.Backends;
using DeepBridge.Ops;
using DeepBridge.TensorFlow.Eager;
using DeepBridge.TensorFlow.Graphs;
using DeepBridge.TensorFlow.Native;

namespace DeepBridge.TensorFlow;

public sealed unsafe partial class TensorFlowBackend
{
    private void ImplementSteps()
    {
        Implement<AdamStep>(Step, static (op, inputs) => StepEmitter.Fits(op, inputs[0].DType));
        Implement<SgdStep>(Step, static (op, inputs) => StepEmitter.Fits(op, inputs[0].DType));
    }

    /// <summary>
    /// A step, eagerly: parameter and slots are resource variables from the first step on, and TensorFlow's update writes
    /// into them. The scalars are computed here, in double precision.
    /// </summary>
    private void Step(Op op, in KernelCall call)
    {
        int states = Math.Max(call.Outputs.Length - 1, 1);
        EagerEmitter e = Emitter(call.Device);
        DType dtype = call.Inputs[0].Spec.DType;
        TensorFlowTensor?[] next = new TensorFlowTensor?[states];
        double rate = Real(call.Inputs[^1]);
        long steps = states == 1 ? 0 : checked(((TensorFlowTensor)call.Inputs[states]).Integer + 1);
        try
        {
            nint gradient = ((TensorFlowTensor)call.Inputs[^2]).Handle;
            for (int i = 0; i < states; i++)
            {
                TensorFlowTensor state = (TensorFlowTensor)call.Inputs[i];
                next[i] = call.IsDonated(i) && !state.IsShared ? (TensorFlowTensor)state.Retain()
                    : new TensorFlowTensor(state.Spec, call.Device, 0, NewVariable(state.Spec, call.Device, state.Handle));
            }

            nint[] resources = [.. next.Select(state => state!.Promote())];
            if (StepEmitter.Decay(op) is not 0 and double decay)
            {
                nint value = e.Op("ReadVariableOp"u8, resources[0]).Type("dtype"u8, C.Code(dtype)).One();
                gradient = StepEmitter.Decayed(e, decay, e.Last(value), gradient, dtype);
            }

            nint Number(double value) => e.Constant(new TensorSpec(default, dtype), Numbers.Bytes(value, dtype));
            nint epsilon = 0;
            if (op is AdamStep adam)
            {
                (double factor, double corrected) = Correction.At(adam, steps);
                (rate, epsilon) = (rate * factor, Number(corrected));
            }

            StepEmitter.Emit(e, op, dtype, resources, Number(rate), epsilon, gradient);
            for (int i = 0; i < states; i++)
            {
                (call.Outputs[i], next[i]) = (next[i]!, null);
            }

            if (states > 1)
            {
                call.Outputs[states] = new TensorFlowTensor(call.OutputSpecs[states], call.Device, 0) { Integer = steps };
            }
        }
        finally
        {
            e.DeleteTemporaries([]);
            foreach (TensorFlowTensor? state in next)
            {
                state?.Release();
            }
        }

        GC.KeepAlive(call.Inputs[^2]);
    }

    private double Real(BackendTensor scalar)
    {
        Span<byte> bytes = stackalloc byte[8];
        Export(scalar, bytes);
        return scalar.Spec.DType switch
        {
            DType.Float32 => BitConverter.ToSingle(bytes),
            DType.Float64 => BitConverter.ToDouble(bytes),
            DType.Float16 => (double)BitConverter.ToHalf(bytes),
            _ => BitConverter.Int32BitsToSingle(BitConverter.ToUInt16(bytes) << 16),
        };
    }
}
