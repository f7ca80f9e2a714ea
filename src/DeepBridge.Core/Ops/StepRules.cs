namespace DeepBridge.Ops;

/// <summary>What the optimizers' steps share.</summary>
internal static class StepRules
{
    /// <summary>
    /// Checks p, slots of its spec, the step count where there is one, the gradient and the learning rate; all but the last
    /// two come out again.
    /// </summary>
    /// <param name="op">The op.</param>
    /// <param name="inputs">The specs of the inputs.</param>
    /// <param name="outputs">Where the specs of the outputs go.</param>
    /// <param name="slots">The number of slots.</param>
    /// <param name="counts">Whether there is a step count.</param>
    internal static void Infer(Op op, ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs, int slots, bool counts)
    {
        int state = slots + (counts ? 2 : 1);
        Checks.Inputs(op, inputs, state + 2);
        Checks.Floating(op, inputs[0]);
        for (int i = 1; i <= slots; i++)
        {
            Require(op, inputs[i], inputs[0], i == 1 ? "the first slot" : "a later slot");
        }

        if (counts)
        {
            Require(op, inputs[slots + 1], new TensorSpec(default, DType.Int64), "the number of steps");
        }

        Require(op, inputs[^2], inputs[0], "the gradient");
        Checks.Floating(op, inputs[^1]);
        Checks.HasShape(op, inputs[^1], default, "the learning rate");
        inputs[..state].CopyTo(outputs);
    }

    /// <summary>Checks what steps with two averages have.</summary>
    /// <param name="op">The op.</param>
    /// <param name="beta1">β₁.</param>
    /// <param name="beta2">β₂.</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="decay">The decay.</param>
    internal static void Adam(Op op, double beta1, double beta2, double epsilon, double decay)
    {
        Checks.Attribute(
            op, beta1 is >= 0 and < 1 && beta2 is >= 0 and < 1, $"the betas must be at least 0 and below 1, got {beta1} and {beta2}.");
        Checks.Attribute(op, epsilon >= 0 && decay >= 0, $"epsilon and decay must not be negative, got {epsilon} and {decay}.");
    }

    private static void Require(Op op, TensorSpec input, TensorSpec expected, string what)
    {
        Checks.Is(op, input, expected.DType, what);
        Checks.HasShape(op, input, expected.Shape, what);
    }
}

/// <summary>A step whose momentum may change from step to step: then it is made of other ops.</summary>
internal interface IMomentumStep
{
    /// <summary>Whether there is a momentum.</summary>
    bool HasMomentum { get; }

    /// <summary>The step with another momentum.</summary>
    /// <param name="inputs">The op's inputs.</param>
    /// <param name="momentum">What stands in the place of the momentum, floating scalar.</param>
    /// <returns>The op's outputs.</returns>
    Tensor[] Decompose(ReadOnlySpan<Tensor> inputs, Tensor momentum);
}
