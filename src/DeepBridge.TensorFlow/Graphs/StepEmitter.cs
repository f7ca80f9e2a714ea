using DeepBridge.Graphs;
using DeepBridge.Ops;
using DeepBridge.TensorFlow.Lowering;

namespace DeepBridge.TensorFlow.Graphs;

/// <summary>A state of a native function: a resource variable among its arguments.</summary>
/// <param name="State">The state.</param>
/// <param name="Resource">The argument.</param>
internal sealed record StateWire(GraphState State, nint Resource)
{
    /// <summary>The node that reads its value when the function starts; 0: nobody reads it.</summary>
    internal nint Read { get; set; }

    /// <summary>The node that wrote its new value; 0: an assignment has to.</summary>
    internal nint Written { get; set; }
}

/// <summary>
/// Optimizers' steps as TensorFlow's own updates of resource variables: they touch each parameter once. Adam's bias
/// corrections go into its learning rate and ε (<see cref="Correction"/>).
/// </summary>
internal static class StepEmitter
{
    /// <summary>Whether TensorFlow's update computes what the step says, in the precision that the table of tolerances asks for.</summary>
    /// <param name="op">The op.</param>
    /// <param name="dtype">The parameter's dtype.</param>
    /// <returns>False: its decomposition does.</returns>
    internal static bool Fits(Op op, DType dtype) => op switch
    {
        AdamStep adam => !(adam.Decoupled && adam.WeightDecay != 0) && IsExact(adam.Beta1, dtype) && IsExact(adam.Beta2, dtype),
        SgdStep sgd => sgd.Dampening == 0 && dtype is DType.Float32 or DType.Float64,
        _ => false,
    };

    /// <summary>Emits the update of a parameter and its slots.</summary>
    /// <param name="e">Where.</param>
    /// <param name="op">The step.</param>
    /// <param name="dtype">The parameter's dtype.</param>
    /// <param name="resources">The variables of the parameter and its slots, without the number of steps.</param>
    /// <param name="rate">The learning rate: as it is, or corrected.</param>
    /// <param name="epsilon">The corrected ε; 0: the step is not Adam's.</param>
    /// <param name="gradient">The gradient, decayed.</param>
    internal static void Emit(Emitter e, Op op, DType dtype, ReadOnlySpan<nint> resources, nint rate, nint epsilon, nint gradient)
    {
        switch (op)
        {
            case AdamStep adam:
                nint zero = e.Number(0, dtype);
                e.Op("ResourceApplyAdam"u8, [.. resources, zero, zero, rate, e.Number(adam.Beta1, dtype), e.Number(adam.Beta2, dtype), epsilon, gradient]).None();
                break;
            case SgdStep { Momentum: 0 }:
                e.Op("ResourceApplyGradientDescent"u8, [.. resources, rate, gradient]).None();
                break;
            case SgdStep sgd:
                e.Op("ResourceApplyMomentum"u8, [.. resources, rate, gradient, e.Number(sgd.Momentum, dtype)]).Flag("use_nesterov"u8, sgd.Nesterov).None();
                break;
        }
    }

    /// <summary>The weight decay that goes into the gradient.</summary>
    /// <param name="op">The step.</param>
    /// <returns>The decay, or 0.</returns>
    internal static double Decay(Op op) => op is AdamStep adam ? adam.WeightDecay : ((SgdStep)op).WeightDecay;

    /// <summary>Emits the gradient with the parameter's decay in it.</summary>
    /// <param name="e">Where.</param>
    /// <param name="decay">The decay, not 0.</param>
    /// <param name="value">The parameter's value.</param>
    /// <param name="gradient">The gradient.</param>
    /// <param name="dtype">Their dtype.</param>
    /// <returns>The gradient.</returns>
    internal static nint Decayed(Emitter e, double decay, nint value, nint gradient, DType dtype) =>
        e.Op("AddV2"u8, e.Last(e.Op("Mul"u8, value, e.Number(decay, dtype)).One()), gradient).One();

    /// <summary>1 − β as TensorFlow has it, which subtracts in the dtype, is near enough to the real one.</summary>
    private static bool IsExact(double beta, DType dtype) => dtype switch
    {
        DType.Float64 => true,
        DType.Float32 => Math.Abs(1 - (float)beta - (1 - beta)) <= 1.5e-5 * (1 - beta),
        _ => false,
    };
}
