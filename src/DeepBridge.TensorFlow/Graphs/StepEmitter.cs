using DeepBridge.Graphs;
using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Graphs;

/// <summary>A state of a native function: a resource variable among its arguments.</summary>
/// <param name="State">The state.</param>
/// <param name="Resource">The argument.</param>
internal sealed record StateWire(GraphState State, Wire Resource)
{
    /// <summary>The node that reads its value when the function starts; 0: nobody reads it.</summary>
    internal nint Read { get; set; }

    /// <summary>The node that wrote its new value; 0: an assignment has to.</summary>
    internal nint Written { get; set; }
}

/// <summary>
/// Optimizers' steps as TensorFlow's own updates of resource variables: they touch each parameter once. Adam's bias
/// corrections go into its learning rate and ε, so that ε stands outside the root as in PyTorch: with
/// c = √(1 − β₂ᵗ), rate·c/(1 − β₁ᵗ) · m/(√v + ε·c) is rate/(1 − β₁ᵗ) · m/(√v/c + ε).
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
    /// <param name="e">The graph.</param>
    /// <param name="node">The step.</param>
    /// <param name="states">The parameter and its slots, without the number of steps.</param>
    /// <param name="values">What the step's inputs are; those of the slots may be null.</param>
    /// <returns>The number of steps afterwards; null: the step counts none.</returns>
    internal static Wire? Emit(GraphEmitter e, GraphNode node, StateWire[] states, Wire?[] values)
    {
        DType dtype = node.Inputs[0].Spec.DType;
        Wire gradient = values[^2]!, rate = values[^1]!;
        double decay = node.Op is AdamStep { WeightDecay: var first } ? first : ((SgdStep)node.Op).WeightDecay;
        if (decay != 0)
        {
            gradient = e.Op("AddV2"u8, gradient, e.Op("Mul"u8, values[0]!, e.Number(decay, dtype)).One()).One();
        }

        DType rated = node.Inputs[^1].Spec.DType;
        Wire? steps = states.Length == 1 ? null : e.Op("AddV2"u8, values[states.Length]!, e.Number(1, DType.Int64)).One();
        Wire[] inputs;
        ReadOnlySpan<byte> name;
        if (node.Op is AdamStep adam)
        {
            (Wire size, Wire epsilon) = Corrected(e, adam, steps!, rated == DType.Float64 ? rate : e.Cast(rate, DType.Float64), dtype);
            Wire zero = e.Number(0, dtype);
            inputs = [zero, zero, size, e.Number(adam.Beta1, dtype), e.Number(adam.Beta2, dtype), epsilon, gradient];
            name = "ResourceApplyAdam"u8;
        }
        else
        {
            SgdStep sgd = (SgdStep)node.Op;
            rate = rated == dtype ? rate : e.Cast(rate, dtype);
            inputs = sgd.Momentum == 0 ? [rate, gradient] : [rate, gradient, e.Number(sgd.Momentum, dtype)];
            name = sgd.Momentum == 0 ? "ResourceApplyGradientDescent"u8 : "ResourceApplyMomentum"u8;
        }

        foreach (StateWire state in states)
        {
            e.After(state.Read);
        }

        e.Op(name, [.. states.Select(state => state.Resource), .. inputs]);
        if (node.Op is SgdStep { Nesterov: true })
        {
            e.Flag("use_nesterov"u8, true);
        }

        e.None();
        foreach (StateWire state in states)
        {
            state.Written = e.Previous;
        }

        return steps;
    }

    /// <summary>1 − β as TensorFlow has it, which subtracts in the dtype, is near enough to the real one.</summary>
    private static bool IsExact(double beta, DType dtype) => dtype switch
    {
        DType.Float64 => true,
        DType.Float32 => Math.Abs(1 - (float)beta - (1 - beta)) <= 1.5e-5 * (1 - beta),
        _ => false,
    };

    private static (Wire Size, Wire Epsilon) Corrected(GraphEmitter e, AdamStep adam, Wire steps, Wire rate, DType dtype)
    {
        double[] betas = [adam.Beta1, adam.Beta2];
        Wire both = e.Constant(new TensorSpec([2], DType.Float64), System.Runtime.InteropServices.MemoryMarshal.AsBytes<double>(betas));
        Wire powers = e.Op("Pow"u8, both, e.Cast(steps, DType.Float64)).One();
        Wire[] bias = e.Op("Unpack"u8, e.Op("Sub"u8, e.Number(1, DType.Float64), powers).One()).Integer("num"u8, 2).Many(2);
        Wire root = e.Op("Sqrt"u8, bias[1]).One();
        Wire size = e.Op("RealDiv"u8, e.Op("Mul"u8, rate, root).One(), bias[0]).One();
        Wire epsilon = e.Op("Mul"u8, root, e.Number(adam.Epsilon, DType.Float64)).One();
        return dtype == DType.Float64 ? (size, epsilon) : (e.Cast(size, dtype), e.Cast(epsilon, dtype));
    }
}
