using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <content>The optimizers' steps.</content>
public sealed partial class CpuBackend
{
    private void ImplementOptimizers()
    {
        ImplementFloating<SgdStep>(OptimizerSteps.Sgd<float>, OptimizerSteps.Sgd<double>);
        ImplementFloating<AdamStep>(OptimizerSteps.Adam<float>, OptimizerSteps.Adam<double>);
    }
}
