namespace DeepBridge.Torch;

/// <content>What kernels do with the inputs and outputs of their call.</content>
public sealed partial class TorchSharpBackend
{
    private static TorchTensor At(in KernelCall call, int index) => (TorchTensor)call.Inputs[index];

    private static Native In(in KernelCall call, int index) => ((TorchTensor)call.Inputs[index]).Value;

    private static Native? InOrNull(in KernelCall call, int index) => index < call.Inputs.Length ? In(call, index) : null;

    /// <summary>Indices as libtorch takes them; a handle of its own.</summary>
    private static Native Wide(in KernelCall call, int index) => In(call, index).to_type(ScalarType.Int64);

    /// <summary>An input, row by row: some backward kernels of libtorch read as if every input lay so. A handle of its own.</summary>
    private static Native Dense(in KernelCall call, int index) => In(call, index).contiguous();

    /// <summary>Makes a new handle an output.</summary>
    private static void Out(in KernelCall call, Native result, int output = 0) =>
        call.Outputs[output] = new TorchTensor(call.OutputSpecs[output], call.Device, result);

    /// <summary>Makes a new handle that may lie in an input's memory an output.</summary>
    private static void OutView(in KernelCall call, Native result, int input = 0) =>
        call.Outputs[0] = At(call, input).View(call.OutputSpecs[0], result);

    /// <summary>Makes an input the output.</summary>
    private static void OutSame(in KernelCall call, int input = 0, int output = 0) => call.Outputs[output] = call.Inputs[input].Retain();

    /// <summary>Whether an input was given up, belongs to nobody else, and fits an output that may so be written into it.</summary>
    private static bool Takes(in KernelCall call, int input, int output = 0) =>
        call.Donated != 0 && call.IsDonated(input) && At(call, input) is { IsWritable: true, IsShared: false } tensor && tensor.Spec.Equals(call.OutputSpecs[output]);

    /// <summary>Memory that starts as a copy of an input, or is the input's own where it was given up: to be written into.</summary>
    private static Native Start(in KernelCall call, int input, int output)
    {
        if (Takes(call, input, output))
        {
            At(call, input).Known = null;
            OutSame(call, input, output);
            return In(call, input);
        }

        Native copy = In(call, input).clone();
        Out(call, copy, output);
        return copy;
    }

    private static Native Empty(TensorSpec spec, Device device) => torch.empty(spec.Shape.ToLongs(), spec.DType.ToTorch(), On(device));

    private static Native Zeros(TensorSpec spec, Device device) => torch.zeros(spec.Shape.ToLongs(), spec.DType.ToTorch(), On(device));
}
