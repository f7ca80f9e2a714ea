using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <content>Reductions.</content>
public sealed partial class CpuBackend
{
    private void ImplementReductions()
    {
        Implement<Sum>(static (op, in call) => call.Outputs[0] = Reducing.Numeric<AddKernel>(call, op.Axes));
        Implement<Product>(static (op, in call) => call.Outputs[0] = Reducing.Numeric<MultiplyKernel>(call, op.Axes));
        Implement<Max>(static (op, in call) => call.Outputs[0] = Reducing.Ordered<MaximumKernel>(call, op.Axes));
        Implement<Min>(static (op, in call) => call.Outputs[0] = Reducing.Ordered<MinimumKernel>(call, op.Axes));
        Implement<Any>(static (op, in call) => call.Outputs[0] = Folding<OrKernel, byte>.Run(call, op.Axes));
        Implement<All>(static (op, in call) => call.Outputs[0] = Folding<AndKernel, byte>.Run(call, op.Axes));
        Implement<ArgMax>(static (op, in call) => call.Outputs[0] = Extremum.Run(call, op.Axis, greatest: true));
        Implement<ArgMin>(static (op, in call) => call.Outputs[0] = Extremum.Run(call, op.Axis, greatest: false));
        Implement<CumulativeSum>(static (op, in call) => call.Outputs[0] = Scanning.Run(call, op.Axis));
    }
}
