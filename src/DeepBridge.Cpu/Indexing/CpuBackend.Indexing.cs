using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <content>Reading and adding by number. The values of indices have been checked before a kernel runs.</content>
public sealed partial class CpuBackend
{
    private void ImplementIndexing()
    {
        ImplementAny<Gather>(static (op, in call) => call.Outputs[0] = Indexing.Gather(call, op.Axis));
        ImplementAny<TakeAlongAxis>(static (op, in call) => call.Outputs[0] = Indexing.Take(call, op.Axis));
        ImplementAny<OneHot>(static (op, in call) => call.Outputs[0] = Indexing.OneHot(call, op.Depth));
        Implement<ScatterAdd>(static (op, in call) => call.Outputs[0] = Scattering.Run(call, op.Axis, op.Extent));
    }
}
