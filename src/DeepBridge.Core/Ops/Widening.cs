namespace DeepBridge.Ops;

/// <summary>What composites share: 16-bit floats are computed through float32, and rounded once at the end.</summary>
internal static class Widening
{
    /// <summary>The dtype that is computed in.</summary>
    /// <param name="dtype">A dtype.</param>
    /// <returns>Float32 for the 16-bit floats, else the same.</returns>
    internal static DType Wide(this DType dtype) => dtype is DType.Float16 or DType.BFloat16 ? DType.Float32 : dtype;

    /// <summary>The tensor in the dtype that is computed in.</summary>
    /// <param name="tensor">A tensor.</param>
    /// <returns>This where nothing changes.</returns>
    internal static Tensor Widen(this Tensor tensor) => tensor.Cast(tensor.DType.Wide());

    /// <summary>The first output; the others, which only the backward pass reads, are given up at once.</summary>
    /// <param name="outputs">The outputs of an op.</param>
    /// <returns>The first.</returns>
    internal static Tensor First(this Tensor[] outputs)
    {
        for (int i = 1; i < outputs.Length; i++)
        {
            outputs[i].Dispose();
        }

        return outputs[0];
    }
}
