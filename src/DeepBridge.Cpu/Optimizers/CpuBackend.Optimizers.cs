using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <content>The optimizers' steps.</content>
public sealed partial class CpuBackend
{
    private void ImplementOptimizers()
    {
        ImplementFloating<SgdStep>(OptimizerSteps.Run<SgdStep, SgdRule<float>, float>, OptimizerSteps.Run<SgdStep, SgdRule<double>, double>);
        ImplementFloating<AdamStep>(OptimizerSteps.Run<AdamStep, AdamRule<float>, float>, OptimizerSteps.Run<AdamStep, AdamRule<double>, double>);
        ImplementFloating<AmsGradStep>(OptimizerSteps.Run<AmsGradStep, AdamRule<float>, float>, OptimizerSteps.Run<AmsGradStep, AdamRule<double>, double>);
        ImplementFloating<RmsPropStep>(OptimizerSteps.Run<RmsPropStep, RmsPropRule<float>, float>, OptimizerSteps.Run<RmsPropStep, RmsPropRule<double>, double>);
        ImplementFloating<AdagradStep>(OptimizerSteps.Run<AdagradStep, AdagradRule<float>, float>, OptimizerSteps.Run<AdagradStep, AdagradRule<double>, double>);
        ImplementFloating<LionStep>(OptimizerSteps.Run<LionStep, LionRule<float>, float>, OptimizerSteps.Run<LionStep, LionRule<double>, double>);
    }
}
