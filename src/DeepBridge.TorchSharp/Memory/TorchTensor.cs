using DeepBridge.Memory;

namespace DeepBridge.Torch;

/// <summary>Data of this backend: one handle to a libtorch tensor that requires no gradient and that no dispose scope owns.</summary>
internal sealed class TorchTensor : BackendTensor
{
    private static long s_liveBytes;
    private readonly NativePressure? _pressure;
    private readonly bool _isView;
    private Storage? _storage;

    /// <summary>Takes a handle over.</summary>
    /// <param name="spec">Shape and dtype.</param>
    /// <param name="device">The device.</param>
    /// <param name="value">The handle, which nobody else disposes.</param>
    internal TorchTensor(TensorSpec spec, Device device, Native value)
        : base(spec, device)
    {
        // A user's dispose scope on this thread must not free what belongs to us.
        Value = value.DetachFromDisposeScope();
        Interlocked.Add(ref s_liveBytes, spec.Bytes);
        _pressure = spec.Bytes >= MemoryPressure.Threshold ? new NativePressure(spec.Bytes) : null;
    }

    private TorchTensor(TensorSpec spec, Device device, Native value, Storage storage)
        : base(spec, device)
    {
        Value = value.DetachFromDisposeScope();
        _isView = true;
        _storage = storage;
        Interlocked.Increment(ref storage.Holders);
    }

    /// <summary>Bytes of tensors that were made and not yet released; views are not counted.</summary>
    internal static long LiveBytes => Interlocked.Read(ref s_liveBytes);

    /// <summary>The handle.</summary>
    internal Native Value { get; }

    /// <summary>The value of a scalar that the host wrote itself; null: only the device knows it.</summary>
    internal double? Known { get; set; }

    /// <summary>Whether nobody else looks at this memory, so that an op that was given the tensor may write into it.</summary>
    internal bool IsWritable => !_isView && (_storage is not { } storage || (Volatile.Read(ref storage.Holders) == 1 && !storage.IsExposed));

    /// <summary>Another look at the same memory.</summary>
    /// <param name="spec">Shape and dtype of the view.</param>
    /// <param name="value">The view's own handle.</param>
    /// <returns>The view.</returns>
    internal TorchTensor View(TensorSpec spec, Native value) => new(spec, Device, value, Share());

    /// <summary>Says that somebody outside holds a handle to this memory: it is never written into from now on.</summary>
    /// <returns>This.</returns>
    internal TorchTensor Expose()
    {
        Share().IsExposed = true;
        return this;
    }

    /// <inheritdoc/>
    protected override void Free()
    {
        Value.Dispose();
        _pressure?.Release();
        Interlocked.Add(ref s_liveBytes, _isView ? 0 : -Spec.Bytes);
        if (_storage is { } storage)
        {
            Interlocked.Decrement(ref storage.Holders);
        }
    }

    private Storage Share()
    {
        if (_storage is null)
        {
            Interlocked.CompareExchange(ref _storage, new Storage(), null);
        }

        return _storage;
    }

    /// <summary>How many tensors look at one memory; made with the first view.</summary>
    private sealed class Storage
    {
        internal int Holders = 1;
        internal volatile bool IsExposed;
    }

    /// <summary>Tells the garbage collector of native memory, so that it comes also for tensors that nobody released.</summary>
    private sealed class NativePressure
    {
        private readonly long _bytes;

        internal NativePressure(long bytes)
        {
            _bytes = bytes;
            MemoryPressure.Add(bytes);
        }

        // TorchSharp's own finalizer frees the handle.
        ~NativePressure() => MemoryPressure.Reclaim(_bytes);

        internal void Release()
        {
            MemoryPressure.Remove(_bytes);
            GC.SuppressFinalize(this);
        }
    }
}
