using DeepBridge.Ops;

namespace DeepBridge.Autodiff;

/// <summary>What a gradient rule works with.</summary>
public readonly ref struct Backward
{
    private readonly BackwardPass _pass;
    private readonly Node _node;
    private readonly Tensor?[] _incoming;

    internal Backward(BackwardPass pass, Node node, Tensor?[] incoming)
    {
        _pass = pass;
        _node = node;
        _incoming = incoming;
    }

    /// <summary>The gradient of the only output.</summary>
    public Tensor Incoming => _incoming[0] ?? _pass.Zeros(_node.OutputSpec);

    /// <summary>The number of inputs that the op was recorded with.</summary>
    public int InputCount => _node.InputCount;

    /// <summary>The number of outputs of the op.</summary>
    public int OutputCount => _incoming.Length;

    /// <summary>The gradient of one output; null where no gradient reached it.</summary>
    /// <param name="output">The output.</param>
    /// <returns>The gradient or null.</returns>
    public Tensor? IncomingOf(int output) => _incoming[output];

    /// <summary>Whether somebody wants the gradient of input <paramref name="index"/>; compute nothing else.</summary>
    /// <param name="index">The input.</param>
    /// <returns>True where it is wanted.</returns>
    public bool Needs(int index) => _pass.IsUseful(_node.Input(index).Node);

    /// <summary>An input, if <see cref="Op.Saves"/> asked for it.</summary>
    /// <param name="index">The input.</param>
    /// <returns>The tensor, with its history.</returns>
    public Tensor Input(int index)
    {
        ref readonly Edge edge = ref _node.Input(index);
        return _pass.Revive(_node, edge.Saved, edge.Node, edge.Output, "input", index);
    }

    /// <summary>An output, if <see cref="Op.Saves"/> asked for it.</summary>
    /// <param name="index">The output.</param>
    /// <returns>The tensor, with its history.</returns>
    public Tensor Output(int index = 0) => _pass.Revive(_node, _node.SavedOutput(index), _node, index, "output", index);

    /// <summary>The spec of an input.</summary>
    /// <param name="index">The input.</param>
    /// <returns>The spec.</returns>
    public TensorSpec InputSpec(int index) => _node.Input(index).Spec;

    /// <summary>The spec of an output.</summary>
    /// <param name="index">The output.</param>
    /// <returns>The spec.</returns>
    public TensorSpec OutputSpec(int index = 0) => _node.OutputSpecOf(index);

    /// <summary>Hands over the gradient of input <paramref name="index"/>. Several add up.</summary>
    /// <param name="index">The input.</param>
    /// <param name="gradient">The gradient, of the input's spec.</param>
    public void Give(int index, Tensor gradient)
    {
        ArgumentNullException.ThrowIfNull(gradient);
        ref readonly Edge edge = ref _node.Input(index);
        if (!gradient.Spec.Equals(edge.Spec))
        {
            throw new InvalidOperationException(
                $"The gradient rule of {_node.Op!.Name} gave {gradient.Spec} for input {index}, which is {edge.Spec}.");
        }

        _pass.Accumulate(edge.Node, edge.Output, gradient);
    }

    /// <summary>Gives a gradient of zeros: the op is constant almost everywhere in this input.</summary>
    /// <param name="index">The input.</param>
    public void GiveZeros(int index)
    {
        if (Needs(index))
        {
            Give(index, _pass.Zeros(InputSpec(index)));
        }
    }

    /// <summary>
    /// Computes the outputs again by other ops and lets the backward pass go on through those: how composites without
    /// a rule of their own, and recomputed regions, are differentiated.
    /// </summary>
    /// <param name="op">An op that saved all its inputs.</param>
    /// <exception cref="GradientException">The op has no decomposition.</exception>
    internal void Replay(Op op)
    {
        Tensor[] inputs = new Tensor[_node.InputCount];
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] = Input(i);
        }

        _pass.Splice(
            () => op.Decompose(inputs) ?? throw new GradientException(
                $"{op.Name} has no gradient rule, and a backward pass reached it."),
            _incoming);
    }

    /// <summary>Lets the backward pass go on through what a function computes.</summary>
    /// <param name="outputs">Computes the outputs of this node again, recording.</param>
    internal void Replay(Func<Tensor[]> outputs) => _pass.Splice(outputs, _incoming);
}
