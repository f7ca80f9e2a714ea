namespace DeepBridge.Cpu;

/// <summary>Reads tensors of one element.</summary>
internal static class Scalars
{
    /// <summary>A floating scalar.</summary>
    /// <param name="tensor">The tensor.</param>
    internal static double Floating(CpuTensor tensor) => tensor.Spec.DType switch
    {
        DType.Float16 => (double)tensor.First<Half>(),
        DType.BFloat16 => (float)tensor.First<BFloat16>(),
        DType.Float32 => tensor.First<float>(),
        _ => tensor.First<double>(),
    };
}
