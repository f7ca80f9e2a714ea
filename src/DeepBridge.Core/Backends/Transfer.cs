namespace DeepBridge.Backends;

/// <summary>Moves data between devices, also of different backends.</summary>
internal static class Transfer
{
    /// <summary>Brings data to a device, without a copy where one backend lends and the other takes.</summary>
    /// <param name="source">The data.</param>
    /// <param name="device">The device.</param>
    /// <returns>Data of that device, with one count.</returns>
    internal static BackendTensor Copy(BackendTensor source, Device device)
    {
        device = device.Real;
        Backend from = source.Device.Backend, to = device.Backend;
        if (ReferenceEquals(from, to))
        {
            return from.Copy(source, device);
        }

        if (from.Lend(source) is { } memory)
        {
            return to.Import(source.Spec, device, memory);
        }

        if (from.TryBorrow(source, out ReadOnlySpan<byte> data))
        {
            BackendTensor copy = to.Import(source.Spec, device, data);

            // What was lent lies in the source, which nobody else may hold any more.
            GC.KeepAlive(source);
            return copy;
        }

        byte[] bytes = Room(source.Spec);
        from.Export(source, bytes);
        return to.Import(source.Spec, device, bytes);
    }

    /// <summary>Memory of the host for a copy of data.</summary>
    /// <param name="spec">The data's shape and dtype.</param>
    /// <returns>An array of its size, not cleared.</returns>
    /// <exception cref="ShapeMismatchException">No array is that large.</exception>
    internal static byte[] Room(TensorSpec spec) => spec.Bytes <= Array.MaxLength
        ? GC.AllocateUninitializedArray<byte>((int)spec.Bytes)
        : throw new ShapeMismatchException(
            "Export", $"{spec} has {spec.Bytes} bytes, and what is copied by way of the host at most {Array.MaxLength}: take it in parts.", [spec.Shape]);
}
