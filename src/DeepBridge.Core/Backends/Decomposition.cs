using DeepBridge.Ops;

namespace DeepBridge.Backends;

/// <summary>Runs an op by simpler ones, below the tape: what is recorded is the op itself.</summary>
internal static class Decomposition
{
    /// <summary>The specs of data.</summary>
    /// <param name="inputs">The data.</param>
    /// <returns>One spec each.</returns>
    internal static TensorSpec[] SpecsOf(ReadOnlySpan<BackendTensor> inputs)
    {
        TensorSpec[] specs = new TensorSpec[inputs.Length];
        for (int i = 0; i < specs.Length; i++)
        {
            specs[i] = inputs[i].Spec;
        }

        return specs;
    }

    /// <summary>Executes an op by its decomposition.</summary>
    /// <param name="op">The op.</param>
    /// <param name="call">Inputs, specs and the place of the outputs.</param>
    /// <exception cref="UnsupportedOpException">The op is a primitive.</exception>
    internal static void Run(Op op, in KernelCall call)
    {
        using BelowTape below = new(op, call.Device);
        Run(op, call, new Tensor[call.Inputs.Length], below.Scope);
    }

    /// <summary>Executes an op on data, outside any tape: what the interpreter and the optimizers need.</summary>
    /// <param name="executor">Who executes.</param>
    /// <param name="op">The op.</param>
    /// <param name="device">The device.</param>
    /// <param name="inputs">The data of the inputs.</param>
    /// <param name="donated">Which inputs are dead afterwards.</param>
    /// <returns>The outputs, one count each.</returns>
    internal static BackendTensor[] Execute(Executor executor, Op op, Device device, ReadOnlySpan<BackendTensor> inputs, ulong donated)
    {
        TensorSpec[] specs = op.InferAll(SpecsOf(inputs));
        BackendTensor[] outputs = new BackendTensor[specs.Length];
        executor.Execute(op, new KernelCall(device, inputs, specs, outputs, donated));
        return outputs;
    }

    private static void Run(Op op, in KernelCall call, Tensor[] inputs, TensorScope scope)
    {
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] = scope.Own(new Tensor(call.Inputs[i].Retain()));
        }

        Tensor[] outputs = op.Decompose(inputs) ?? throw new UnsupportedOpException(
            $"{call.Device} cannot run {op.Name} on {string.Join(", ", SpecsOf(call.Inputs).AsEnumerable())}: "
            + "its backend has no kernel for it, and it is a primitive.");
        for (int i = 0; i < outputs.Length; i++)
        {
            if (!outputs[i].Spec.Equals(call.OutputSpecs[i]))
            {
                throw new InvalidOperationException(
                    $"The decomposition of {op.Name} made {outputs[i].Spec} where its rule says {call.OutputSpecs[i]}.");
            }

            call.Outputs[i] = outputs[i].Data.Retain();
        }
    }
}
