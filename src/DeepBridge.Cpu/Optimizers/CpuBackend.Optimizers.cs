using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <content>The optimizers' steps.</content>
public sealed partial class CpuBackend
{
    private void ImplementOptimizers()
    {
        ImplementStep<SgdStep, SgdRule>(static (op, rate, step) => new(op, rate, step));
        ImplementStep<AdamStep, AdamRule>(static (op, rate, step) => new(op, rate, step, false));
        ImplementStep<AmsGradStep, AdamRule>(static (op, rate, step) => new(
            new AdamStep(op.Beta1, op.Beta2, op.Epsilon, op.WeightDecay, op.Decoupled), rate, step, true));
        ImplementStep<RmsPropStep, RmsPropRule>(static (op, rate, _) => new(op, rate));
        ImplementStep<AdagradStep, AdagradRule>(static (op, rate, step) => new(op, rate, step));
        ImplementStep<LionStep, LionRule>(static (op, rate, _) => new(op, rate));
    }

    private void ImplementStep<TOp, TRule>(Func<TOp, double, long, TRule> rule)
        where TOp : Op<TOp>
        where TRule : struct, IStepRule => Implement<TOp>((op, in call) => OptimizerSteps.Run(op, rule, call));
}
