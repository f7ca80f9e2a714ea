using DeepBridge.Ops;

namespace DeepBridge.Testing;

/// <summary>An op with inputs that it must refuse.</summary>
/// <param name="Op">The op.</param>
/// <param name="Error">The type of the exception.</param>
/// <param name="Inputs">The inputs.</param>
public sealed record ErrorCase(Op Op, Type Error, params CaseInput[] Inputs)
{
    /// <summary>The op and its inputs.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => $"{Op} of {string.Join(", ", Inputs.AsEnumerable())}";
}
