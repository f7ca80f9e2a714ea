namespace DeepBridge.TensorFlow;

/// <summary>A tensor that a signature of a SavedModel takes or gives.</summary>
/// <param name="Tensor">Its name in the graph, such as <c>n5:0</c>.</param>
/// <param name="DType">The dtype; null: one that DeepBridge has not, such as a string.</param>
/// <param name="Extents">The extents, -1 for any; null: of any rank.</param>
public sealed record SavedTensor(string Tensor, DType? DType, IReadOnlyList<long>? Extents)
{
    /// <summary>Dtype and shape, as in <c>float32(?, 10)</c>.</summary>
    /// <returns>The text.</returns>
    public override string ToString()
    {
        string shape = Extents is null ? "(...)" : $"({string.Join(", ", Extents.Select(extent => extent < 0 ? "?" : $"{extent}"))})";
        return (DType?.Name() ?? "unknown") + shape;
    }
}

/// <summary>A function of a SavedModel.</summary>
/// <param name="Name">The name, such as <c>serving_default</c>.</param>
/// <param name="Inputs">What it takes, by name.</param>
/// <param name="Outputs">What it gives, by name.</param>
public sealed record SavedSignature(string Name, IReadOnlyDictionary<string, SavedTensor> Inputs, IReadOnlyDictionary<string, SavedTensor> Outputs);
