using DeepBridge.Memory;

namespace DeepBridge.Torch;

/// <summary>Data of this backend: one handle to a libtorch tensor that requires no gradient and that no dispose scope owns.</summary>
internal sealed class TorchTensor : BackendTensor
{
    private static long s_liveBytes;
    private readonly NativePressure? _pressure;
    private readonly bool _isView;
    private readonly double _written;
    private Native? _value;
    private Storage? _storage;

    /// <summary>Takes a handle over.</summary>
    /// <param name="spec">Shape and dtype.</param>
    /// <param name="device">The device.</param>
    /// <param name="value">The handle, which nobody else disposes.</param>
    internal TorchTensor(TensorSpec spec, Device device, Native value)
        : base(spec, device)
    {
        // A user's dispose scope on this thread must not free what belongs to us.
        _value = value.DetachFromDisposeScope();
        Interlocked.Add(ref s_liveBytes, spec.Bytes);
        _pressure = spec.Bytes >= MemoryPressure.Threshold ? new NativePressure(spec.Bytes) : null;
    }

    /// <summary>A scalar that the host wrote: the device gets it when somebody asks there, which for step counts is never.</summary>
    /// <param name="spec">A scalar that <see cref="CanKnow"/>.</param>
    /// <param name="device">The device.</param>
    /// <param name="known">The value.</param>
    internal TorchTensor(TensorSpec spec, Device device, double known)
        : base(spec, device)
    {
        _written = known;
        Known = known;
        Interlocked.Add(ref s_liveBytes, spec.Bytes);
    }

    private TorchTensor(TensorSpec spec, Device device, Native value, Storage storage)
        : base(spec, device)
    {
        _value = value.DetachFromDisposeScope();
        _isView = true;
        _storage = storage;
        Interlocked.Increment(ref storage.Holders);
    }

    /// <summary>Bytes of tensors that were made and not yet released; views are not counted.</summary>
    internal static long LiveBytes => Interlocked.Read(ref s_liveBytes);

    /// <summary>The handle.</summary>
    internal Native Value => _value ?? Write();

    /// <summary>The value of a scalar that the host wrote itself; null: only the device knows it.</summary>
    internal double? Known { get; set; }

    /// <summary>Whether nobody else looks at this memory, so that an op that was given the tensor may write into it.</summary>
    internal bool IsWritable => !_isView && (_storage is not { } storage || (Volatile.Read(ref storage.Holders) == 1 && !storage.IsExposed));

    /// <summary>Whether somebody outside holds a handle to this memory.</summary>
    internal bool IsExposed => _storage is { IsExposed: true };

    /// <summary>Whether a double holds what a scalar of this spec may be.</summary>
    /// <param name="spec">The spec.</param>
    /// <param name="value">The value.</param>
    internal static bool CanKnow(TensorSpec spec, double value) =>
        spec.Rank == 0 && (spec.DType is DType.Float32 or DType.Float64 || (spec.DType == DType.Int64 && Math.Abs(value) < 1L << 53));

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
        _value?.Dispose();
        _pressure?.Release();
        Interlocked.Add(ref s_liveBytes, _isView ? 0 : -Spec.Bytes);
        if (_storage is { } storage)
        {
            Interlocked.Decrement(ref storage.Holders);
        }
    }

    private Native Write()
    {
        Native made = TorchSharpBackend.Write(Spec.DType, Device, _written);
        Native? first = Interlocked.CompareExchange(ref _value, made, null);
        if (first is not null)
        {
            made.Dispose();
        }

        return first ?? made;
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
