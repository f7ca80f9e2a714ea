using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Lowering;

/// <summary>
/// What is left of an op whose second output only its gradient reads, in most programs: TensorFlow's own gradient wants other
/// things. So that output is computed when somebody looks at it.
/// </summary>
/// <param name="Op">The op.</param>
/// <param name="Ins">The specs of its inputs.</param>
/// <param name="Labels">What it was told besides its first input, or null.</param>
/// <param name="Kept">What gradient and second output are made of; the first of it gives the second output.</param>
internal sealed record Deferred(Op Op, TensorSpec[] Ins, object? Labels, nint[] Kept);

internal static partial class Lowered
{
    /// <summary>Whether an op's second output can wait.</summary>
    /// <param name="op">The op.</param>
    /// <param name="ins">The specs of its inputs.</param>
    /// <param name="plain">Whether TensorFlow's own kernels of the CPU run it, not XLA's.</param>
    /// <returns>False: it is emitted as a whole.</returns>
    internal static bool Defers(Op op, ReadOnlySpan<TensorSpec> ins, bool plain) => op switch
    {
        CrossEntropy or MaxPool when Narrow(ins) || ins[0].Count == 0 => false,
        CrossEntropy loss => loss.LabelSmoothing == 0 && ins[0].Rank == 2,
        MaxPool pool => plain && pool.Window.Dilation == Dims.Repeat(1, pool.Window.Rank) && new Shape(pool.Size).Count > 1,
        _ => false,
    };

    /// <summary>Whether a gradient is that of a deferred op.</summary>
    /// <param name="gradient">The gradient.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <param name="op">The op whose second output is the second of these.</param>
    /// <param name="shape">The shape of that op's first input.</param>
    /// <param name="labels">That op's labels, or null.</param>
    /// <returns>False: it is decomposed.</returns>
    internal static bool Follows<TValue>(Op gradient, ReadOnlySpan<TValue> inputs, Op op, Shape shape, object? labels) => (gradient, op) switch
    {
        (MaxPoolGradient back, MaxPool) => back.InputShape == shape.Dims,
        (CrossEntropyGradient back, CrossEntropy loss) => ReferenceEquals(inputs[2], labels)
            && (back.Reduction, back.IgnoreIndex, back.LabelSmoothing) == (loss.Reduction, loss.IgnoreIndex, loss.LabelSmoothing),
        _ => false,
    };

    /// <summary>Emits the first output of an op that <see cref="Defers"/>.</summary>
    /// <param name="op">The op.</param>
    /// <param name="s">Where, and with what.</param>
    /// <param name="kept">What <see cref="Deferred"/> needs; nothing: the values are such that all of the op has to be emitted.</param>
    /// <returns>The output, where something is kept.</returns>
    internal static nint First(Op op, in Site s, out nint[] kept) =>
        op is MaxPool pool ? MostOf(pool, s, out kept) : CrossEntropyOf((CrossEntropy)op, s, out kept);

    /// <summary>Emits the second output.</summary>
    /// <param name="e">Where.</param>
    /// <param name="left">What is left of the op.</param>
    /// <returns>The output.</returns>
    internal static nint Second(Emitter e, Deferred left) => left.Op is MaxPool pool
        ? FromImage(e, Folded(e, left.Kept[0], pool, left.Ins[0]).Places, pool.InferAll([left.Ins[0]])[0].Shape)
        : e.Op("LogSoftmax"u8, left.Kept[0]).One();

    /// <summary>Emits the gradient.</summary>
    /// <param name="e">Where.</param>
    /// <param name="left">What is left of the op.</param>
    /// <param name="incoming">The gradient of its first output.</param>
    /// <returns>The gradient of its first input.</returns>
    internal static nint Back(Emitter e, Deferred left, nint incoming) => left.Op is MaxPool pool
        ? MostBack(e, pool, left, incoming)
        : CrossEntropyBack(e, (CrossEntropy)left.Op, left, incoming);
}
