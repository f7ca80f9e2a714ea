using DeepBridge.Backends;
using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <summary>Computes ops on float16 and bfloat16 in float32: inputs are widened, outputs rounded.</summary>
internal static class Widening
{
    /// <summary>Executes an op in float32.</summary>
    /// <param name="backend">The backend.</param>
    /// <param name="op">The op.</param>
    /// <param name="call">Inputs of which some are of a half dtype.</param>
    internal static void Run(CpuBackend backend, Op op, in KernelCall call)
    {
        BackendTensor[] inputs = call.Inputs.ToArray(), outputs = new BackendTensor[call.Outputs.Length];
        TensorSpec[] specs = call.OutputSpecs.ToArray();
        ulong donated = call.Donated;
        for (int i = 0; i < inputs.Length; i++)
        {
            if (IsHalf(inputs[i].Spec))
            {
                inputs[i] = Casting.Cast((CpuTensor)inputs[i], inputs[i].Spec.As(DType.Float32));
                donated |= i < 64 ? 1UL << i : 0;
            }
        }

        for (int i = 0; i < specs.Length; i++)
        {
            specs[i] = IsHalf(specs[i]) ? specs[i].As(DType.Float32) : specs[i];
        }

        backend.Execute(op, new KernelCall(call.Device, inputs, specs, outputs, donated));
        for (int i = 0; i < outputs.Length; i++)
        {
            call.Outputs[i] = Casting.Cast((CpuTensor)outputs[i], call.OutputSpecs[i]);
            outputs[i].Release();
        }

        for (int i = 0; i < inputs.Length; i++)
        {
            if (!ReferenceEquals(inputs[i], call.Inputs[i]))
            {
                inputs[i].Release();
            }
        }
    }

    /// <summary>Whether a dtype only stores what float32 computes.</summary>
    internal static bool IsHalf(TensorSpec spec) => spec.DType is DType.Float16 or DType.BFloat16;
}
