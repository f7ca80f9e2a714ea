using System.Collections;

namespace DeepBridge.Layers;

/// <summary>
/// Modules one after another. What flows between them is released as soon as the next one has returned. Keys are
/// PyTorch's: the modules' numbers.
/// </summary>
public sealed partial class Sequential : Module<Tensor, Tensor>, IEnumerable<Module<Tensor, Tensor>>
{
    [StateName("")]
    private readonly List<Module<Tensor, Tensor>> _modules;

    /// <summary>Makes the container.</summary>
    /// <param name="modules">The modules, in order.</param>
    public Sequential(params IEnumerable<Module<Tensor, Tensor>> modules) => _modules = [.. modules];

    /// <summary>Adds a module at the end.</summary>
    /// <param name="module">The module.</param>
    public void Add(Module<Tensor, Tensor> module)
    {
        ArgumentNullException.ThrowIfNull(module);
        _modules.Add(module);
    }

    /// <inheritdoc/>
    public IEnumerator<Module<Tensor, Tensor>> GetEnumerator() => _modules.GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => CallInOrder(_modules, input);
}

/// <summary>x + f(x).</summary>
/// <param name="inner">f.</param>
public sealed partial class Residual(Module<Tensor, Tensor> inner) : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> _inner = inner;

    /// <inheritdoc/>
    protected override Tensor Forward(Tensor input) => input + _inner.Call(input);
}
