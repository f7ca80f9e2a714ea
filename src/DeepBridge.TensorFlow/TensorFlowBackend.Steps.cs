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
        double rate = ((TensorFlowTensor)call.Inputs[^1]).Read().ToDouble();
        long steps = states == 1 ? 0 : checked(((TensorFlowTensor)call.Inputs[states]).Read().ToInt64() + 1);
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

            nint epsilon = 0;
            if (op is AdamStep adam)
            {
                (double factor, double corrected) = Correction.At(adam, steps);
                (rate, epsilon) = (rate * factor, e.Changing(corrected, dtype));
            }

            StepEmitter.Emit(e, op, dtype, resources, e.Changing(rate, dtype), epsilon, gradient);
            for (int i = 0; i < states; i++)
            {
                (call.Outputs[i], next[i]) = (next[i]!, null);
            }

            if (states > 1)
            {
                call.Outputs[states] = new TensorFlowTensor(call.OutputSpecs[states], call.Device, 0) { Known = steps };
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
}
