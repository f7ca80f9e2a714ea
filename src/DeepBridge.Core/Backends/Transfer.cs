namespace DeepBridge.Backends;

/// <summary>Moves data between devices, also of different backends.</summary>
internal static class Transfer
{
    /// <summary>Copies data to a device.</summary>
    /// <param name="source">The data.</param>
    /// <param name="device">The device.</param>
    /// <returns>New data, with one count.</returns>
    internal static BackendTensor Copy(BackendTensor source, Device device)
    {
        device = device.Real;
        Backend from = source.Device.Backend, to = device.Backend;
        if (ReferenceEquals(from, to))
        {
            return from.Copy(source, device);
        }

        if (from.TryBorrow(source, out ReadOnlySpan<byte> lent))
        {
            BackendTensor copy = to.Import(source.Spec, device, lent);

            // What was lent lies in the source, which nobody else may hold any more.
            GC.KeepAlive(source);
            return copy;
        }

        byte[] bytes = GC.AllocateUninitializedArray<byte>(checked((int)source.Spec.Bytes));
        from.Export(source, bytes);
        return to.Import(source.Spec, device, bytes);
    }
}
