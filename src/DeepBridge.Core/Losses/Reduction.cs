namespace DeepBridge;

/// <summary>What a loss does with the losses of the elements.</summary>
public enum Reduction
{
    /// <summary>Their mean.</summary>
    Mean,

    /// <summary>Their sum.</summary>
    Sum,

    /// <summary>Nothing: one loss an element.</summary>
    None,
}

/// <summary>What the losses share.</summary>
internal static class Reductions
{
    /// <summary>The spec of a reduced loss.</summary>
    /// <param name="reduction">The reduction.</param>
    /// <param name="losses">The spec of the losses of the elements.</param>
    /// <returns>A scalar, or the same.</returns>
    internal static TensorSpec Infer(this Reduction reduction, TensorSpec losses) =>
        reduction == Reduction.None ? losses : losses.As(default(Shape));

    /// <summary>Reduces losses.</summary>
    /// <param name="reduction">The reduction.</param>
    /// <param name="losses">The losses of the elements.</param>
    /// <returns>A scalar, or the same.</returns>
    internal static Tensor Apply(this Reduction reduction, Tensor losses) => reduction switch
    {
        Reduction.Mean => losses.Mean(),
        Reduction.Sum => losses.Sum(),
        _ => losses,
    };

    /// <summary>The gradient of each element's loss.</summary>
    /// <param name="reduction">The reduction.</param>
    /// <param name="incoming">The gradient of the reduced loss.</param>
    /// <param name="count">The number of elements.</param>
    /// <returns>A tensor that broadcasts to the losses.</returns>
    internal static Tensor Share(this Reduction reduction, Tensor incoming, long count) =>
        reduction == Reduction.Mean ? incoming / count : incoming;
}
