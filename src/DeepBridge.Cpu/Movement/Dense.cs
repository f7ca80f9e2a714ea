namespace DeepBridge.Cpu;

/// <summary>Row-by-row versions of views.</summary>
internal static class Dense
{
    /// <summary>The tensor itself where it is dense, else a dense copy; <see cref="Done"/> gives the copy up.</summary>
    /// <param name="source">The tensor.</param>
    /// <returns>Dense data.</returns>
    internal static CpuTensor Of(CpuTensor source) => source.IsDense ? source : Copy(source);

    /// <summary>Gives up what <see cref="Of"/> returned, if it was a copy.</summary>
    /// <param name="dense">What it returned.</param>
    /// <param name="source">What it was given.</param>
    internal static void Done(CpuTensor dense, CpuTensor source)
    {
        if (!ReferenceEquals(dense, source))
        {
            dense.Release();
        }
    }

    /// <summary>A dense copy.</summary>
    /// <param name="source">The tensor.</param>
    /// <returns>New data, with one count.</returns>
    internal static CpuTensor Copy(CpuTensor source)
    {
        CpuTensor copy = CpuTensor.Allocate(source.Spec, source.Device);
        Copying.ToDense(source, ref copy.First<byte>());
        return copy;
    }
}
