using DeepBridge.Backends;
using DeepBridge.Memory;
using DeepBridge.Ops;

namespace DeepBridge.Modules;

/// <summary>Lets assignments take effect only where a condition holds, which is known on the device alone.</summary>
/// <param name="condition">A bool scalar.</param>
/// <param name="outer">The store around it, or null.</param>
internal sealed class ConditionalStore(Tensor condition, VariableStore? outer) : VariableStore
{
    /// <inheritdoc/>
    internal override BackendTensor Read(Variable variable) => outer?.Read(variable) ?? variable.ReadDirectly();

    /// <inheritdoc/>
    internal override void Write(Variable variable, BackendTensor data)
    {
        using AmbientChange change = Ambient.Enter(Ambient.Now with { Variables = outer, Recording = false });
        using Tensor next = new(data), before = variable.Value;
        using Tensor chosen = Eager.Run(Where.Instance, [condition.To(variable.Device), next, before]);
        variable.Assign(chosen);
    }
}
