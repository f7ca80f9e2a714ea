using DeepBridge.Ops;

namespace DeepBridge.Testing;

/// <summary>An op with inputs on which backends are compared with the reference.</summary>
/// <param name="op">The op.</param>
/// <param name="kind">How near its values must come.</param>
/// <param name="inputs">The inputs.</param>
public sealed class OpCase(Op op, OpClass kind, params CaseInput[] inputs)
{
    /// <summary>The op.</summary>
    public Op Op { get; } = op;

    /// <summary>How near its values must come.</summary>
    public OpClass Class { get; } = kind;

    /// <summary>The inputs.</summary>
    public IReadOnlyList<CaseInput> Inputs { get; } = inputs;

    /// <summary>Whether gradients are compared; not where NaN, infinities or overflow make them meaningless.</summary>
    public bool ComparesGradients { get; init; } = true;

    /// <summary>Whether the op is differentiable at these inputs, so that finite differences mean something.</summary>
    public bool IsSmooth { get; init; } = true;

    /// <summary>Whether the reference keeps the dtypes instead of widening to float64: for ops about dtypes.</summary>
    public bool KeepsDTypes { get; init; }

    /// <summary>How many outputs carry an incoming gradient: ops of several have rules of their own for some of them; null: all.</summary>
    public int? Outputs { get; init; }

    /// <summary>Whether finite differences are taken: a small, dense case of float64 at smooth points.</summary>
    public bool IsDifferenced => IsSmooth && ComparesGradients && Op.NoGradient is null
        && Inputs.Any(input => input.DType == DType.Float64)
        && Inputs.All(input => !input.DType.IsFloating() || input.DType == DType.Float64)
        && Inputs.Sum(input => input.Shape.Count) is > 0 and <= 80;

    /// <summary>Makes the inputs on a device.</summary>
    /// <param name="device">The device.</param>
    /// <param name="floating">The dtype that floating inputs take instead of their own; null: their own.</param>
    /// <returns>The tensors.</returns>
    public Tensor[] Make(Device device, DType? floating = null)
    {
        Tensor[] tensors = new Tensor[Inputs.Count];
        for (int i = 0; i < tensors.Length; i++)
        {
            tensors[i] = Inputs[i].Make(device, 1000 + i, KeepsDTypes ? null : floating);
        }

        return tensors;
    }

    /// <summary>The op and its inputs.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => $"{Op} of {string.Join(", ", Inputs)}";
}
