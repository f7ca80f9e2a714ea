using System.Text;
using DeepBridge.Autodiff;

namespace DeepBridge.Ops;

/// <summary>
/// An operation as data: a sealed record that carries its attributes and owns its rules. Derive from
/// <see cref="Op{TSelf}"/>; <c>docs/adding-an-op.md</c> walks through one.
/// </summary>
public abstract record Op
{
    private protected Op(OpKind kind) => Kind = kind;

    /// <summary>The kind of op: what kernels are found by.</summary>
    public OpKind Kind { get; }

    /// <summary>The name, as errors and graphs print it.</summary>
    public string Name => Kind.Name;

    /// <summary>The number of outputs.</summary>
    public virtual int OutputCount => 1;

    /// <summary>Whether the output has the spec of the first input wherever all inputs share one floating spec.</summary>
    public virtual bool KeepsSpec => false;

    /// <summary>In which precision <see cref="Autocast"/> runs the op; by default in that of its inputs.</summary>
    public virtual AutocastClass AutocastClass => AutocastClass.Follows;

    /// <summary>Why the op has no gradient; null: it has one. An integer or bool output carries none in any case.</summary>
    public virtual string? NoGradient => null;

    /// <summary>
    /// The rule of a single output: checks shapes, dtypes and attributes, and says what comes out.
    /// </summary>
    /// <param name="inputs">The specs of the inputs.</param>
    /// <returns>The spec of the output.</returns>
    /// <exception cref="ShapeMismatchException">The shapes do not fit.</exception>
    /// <exception cref="DTypeMismatchException">The dtypes do not fit.</exception>
    /// <exception cref="InvalidAttributeException">An attribute is out of range.</exception>
    public virtual TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs) =>
        throw new InvalidOperationException($"{Name} has several outputs: ask InferAll.");

    /// <summary>The rule of all outputs; an op with several overrides it.</summary>
    /// <param name="inputs">The specs of the inputs.</param>
    /// <param name="outputs">Where the specs of the outputs go.</param>
    public virtual void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs) => outputs[0] = Infer(inputs);

    /// <summary>What the gradient rule reads of inputs and outputs; everything by default.</summary>
    /// <param name="needs">Bit i: input i is tracked.</param>
    /// <returns>What the tape must save.</returns>
    public virtual Saved Saves(ulong needs) => Saved.Everything;

    /// <summary>
    /// The gradient rule, written with other ops. By default an op with a decomposition is differentiated through it,
    /// and one without throws.
    /// </summary>
    /// <param name="b">The incoming gradient, what was saved, and where the results go.</param>
    /// <exception cref="GradientException">The op has neither a rule nor a decomposition.</exception>
    public virtual void Gradient(in Backward b) => b.Replay(this);

    /// <summary>The op in terms of simpler ones; null for a primitive.</summary>
    /// <param name="inputs">The inputs.</param>
    /// <returns>The outputs, with exactly the specs that the rule says.</returns>
    public virtual Tensor[]? Decompose(ReadOnlySpan<Tensor> inputs) => null;

    /// <summary>Floating-point operations, for summaries; by default one an element of the first output.</summary>
    /// <param name="inputs">The specs of the inputs.</param>
    /// <param name="outputs">The specs of the outputs.</param>
    /// <returns>The number.</returns>
    public virtual long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => outputs[0].Count;

    /// <summary>The rule of all outputs, in a new array.</summary>
    /// <param name="inputs">The specs of the inputs.</param>
    /// <returns>The specs of the outputs.</returns>
    public TensorSpec[] InferAll(ReadOnlySpan<TensorSpec> inputs)
    {
        TensorSpec[] outputs = new TensorSpec[OutputCount];
        Infer(inputs, outputs);
        return outputs;
    }

    /// <summary>Applies an op of one output, recording it if an input is tracked.</summary>
    /// <param name="inputs">The inputs, on one device.</param>
    /// <returns>The output.</returns>
    public Tensor Apply(params ReadOnlySpan<Tensor> inputs) => Eager.Run(this, inputs);

    /// <summary>Applies an op of any number of outputs, recording it if an input is tracked.</summary>
    /// <param name="inputs">The inputs, on one device.</param>
    /// <returns>The outputs.</returns>
    public Tensor[] ApplyAll(params ReadOnlySpan<Tensor> inputs) => Eager.RunAll(this, inputs);

    /// <summary>The name and the attributes: <c>Sum { Axes = (0,), KeepDims = False }</c>.</summary>
    /// <returns>The text.</returns>
    public sealed override string ToString()
    {
        StringBuilder text = new(Name);
        StringBuilder members = new();
        if (PrintMembers(members))
        {
            text.Append(" { ").Append(members).Append(" }");
        }

        return text.ToString();
    }

    /// <summary>Prints the attributes; the base has none.</summary>
    /// <param name="builder">Where they go.</param>
    /// <returns>Whether anything was printed.</returns>
    protected virtual bool PrintMembers(StringBuilder builder) => false;
}

/// <summary>The base of every op. An op without attributes is one shared object in a static <c>Instance</c>.</summary>
/// <typeparam name="TSelf">The op itself.</typeparam>
public abstract record Op<TSelf>() : Op(OpKind<TSelf>.Instance)
    where TSelf : Op<TSelf>;

/// <summary>What the tape saves for a gradient rule.</summary>
/// <param name="Inputs">Bit i: input i.</param>
/// <param name="Outputs">Bit i: output i.</param>
public readonly record struct Saved(ulong Inputs, ulong Outputs)
{
    /// <summary>The rule reads shapes and the incoming gradient only.</summary>
    public static Saved Nothing => default;

    /// <summary>All inputs and outputs.</summary>
    public static Saved Everything => new(ulong.MaxValue, ulong.MaxValue);

    /// <summary>All inputs, no output.</summary>
    public static Saved AllInputs => new(ulong.MaxValue, 0);

    /// <summary>The first output, no input.</summary>
    public static Saved Output => new(0, 1);

    /// <summary>Inputs by number.</summary>
    /// <param name="inputs">The numbers.</param>
    /// <returns>What to save.</returns>
    public static Saved Input(params ReadOnlySpan<int> inputs)
    {
        ulong mask = 0;
        foreach (int input in inputs)
        {
            mask |= 1UL << input;
        }

        return new Saved(mask, 0);
    }

    /// <summary>Whether input <paramref name="index"/> is saved.</summary>
    /// <param name="index">The input.</param>
    /// <returns>True where it is.</returns>
    public bool HasInput(int index) => ((Inputs >> Math.Min(index, 63)) & 1) != 0;

    /// <summary>Whether output <paramref name="index"/> is saved.</summary>
    /// <param name="index">The output.</param>
    /// <returns>True where it is.</returns>
    public bool HasOutput(int index) => ((Outputs >> Math.Min(index, 63)) & 1) != 0;
}
