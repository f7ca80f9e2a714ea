using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <content>Reductions.</content>
public sealed partial class CpuBackend
{
    private void ImplementReductions()
    {
        Implement<Sum>(static (op, in call) => Reducing.Numeric<SumFold>(call, op.Axes));
        Implement<Product>(static (op, in call) => Reducing.Numeric<ProductFold>(call, op.Axes));
        Implement<Max>(static (op, in call) => Reducing.Ordered<MaxFold>(call, op.Axes));
        Implement<Min>(static (op, in call) => Reducing.Ordered<MinFold>(call, op.Axes));
        Implement<Any>(static (op, in call) => Reducing.Run<OrFold, byte>(call, op.Axes));
        Implement<All>(static (op, in call) => Reducing.Run<AndFold, byte>(call, op.Axes));
        Implement<ArgMax>(static (op, in call) => Extremum.Run(call, op.Axis, greatest: true));
        Implement<ArgMin>(static (op, in call) => Extremum.Run(call, op.Axis, greatest: false));
        Implement<CumulativeSum>(static (op, in call) => Scanning.Run(call, op.Axis));
    }
}
