using DeepBridge.Backends;

namespace DeepBridge.Cpu;

/// <summary>
/// The inputs and outputs of one call, for kernels that want dense data. What was copied to be so is given up at the end.
/// </summary>
internal ref struct Arguments : IDisposable
{
    private readonly KernelCall _call;
    private List<CpuTensor>? _copies;

    /// <summary>Takes a call.</summary>
    /// <param name="call">The call.</param>
    internal Arguments(in KernelCall call) => _call = call;

    /// <summary>An input, row by row.</summary>
    /// <param name="index">Which.</param>
    internal CpuTensor Dense(int index)
    {
        CpuTensor source = (CpuTensor)_call.Inputs[index];
        CpuTensor dense = Cpu.Dense.Of(source);
        if (!ReferenceEquals(dense, source))
        {
            (_copies ??= []).Add(dense);
        }

        return dense;
    }

    /// <summary>A new output.</summary>
    /// <param name="index">Which.</param>
    internal readonly CpuTensor Output(int index)
    {
        CpuTensor output = CpuTensor.Allocate(_call.OutputSpecs[index], _call.Device);
        _call.Outputs[index] = output;
        return output;
    }

    /// <summary>An output in the memory of an input of its spec if that was given up, else a new one.</summary>
    /// <param name="index">Which output.</param>
    /// <param name="input">Which input; the kernel must have no need of an element once it has written it.</param>
    internal readonly CpuTensor Output(int index, int input)
    {
        CpuTensor? reused = input < _call.Inputs.Length ? CpuTensor.Reuse(_call, input, index) : null;
        if (reused is null)
        {
            return Output(index);
        }

        _call.Outputs[index] = reused;
        return reused;
    }

    /// <summary>Gives up the copies.</summary>
    public readonly void Dispose()
    {
        if (_copies is not null)
        {
            foreach (CpuTensor copy in _copies)
            {
                copy.Release();
            }
        }
    }
}
