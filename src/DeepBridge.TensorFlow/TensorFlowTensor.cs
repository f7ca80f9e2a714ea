using DeepBridge.Backends;
using DeepBridge.Memory;
using DeepBridge.TensorFlow.Eager;
using DeepBridge.TensorFlow.Lowering;
using DeepBridge.TensorFlow.Native;

namespace DeepBridge.TensorFlow;

/// <summary>
/// A handle of TensorFlow; or, once a native function or an optimizer's step has written into it, an anonymous resource
/// variable, of which a snapshot is read when somebody looks.
/// </summary>
internal sealed unsafe class TensorFlowTensor : BackendTensor
{
    private static long s_live;

    private readonly Deferred? _deferred;
    private Scalar? _known;
    private nint _handle;
    private nint _last;
    private nint _resource;

    /// <summary>Takes over a handle.</summary>
    /// <param name="spec">Shape and dtype.</param>
    /// <param name="device">Where it lies.</param>
    /// <param name="handle">The handle, or 0.</param>
    /// <param name="resource">The handle of a variable, or 0.</param>
    /// <param name="last">The handle of the same elements in (N, H, W, C), or 0.</param>
    /// <param name="deferred">What gives the value when somebody looks, and its op's gradient; or null.</param>
    internal TensorFlowTensor(TensorSpec spec, Device device, nint handle, nint resource = 0, nint last = 0, Deferred? deferred = null)
        : base(spec, device)
    {
        (_handle, _resource, _last, _deferred) = (handle, resource, last, deferred);
        Interlocked.Increment(ref s_live);
        if (spec.Bytes >= MemoryPressure.Threshold)
        {
            MemoryPressure.Add(spec.Bytes);
        }
    }

    /// <summary>The safety net: whoever drops a tensor without releasing it gets its memory back late.</summary>
    ~TensorFlowTensor() => Delete(MemoryPressure.Reclaim);

    /// <summary>How many there are in the process.</summary>
    internal static long Live => Volatile.Read(ref s_live);

    /// <summary>What is left of the op whose second output this is, or null.</summary>
    internal Deferred? Deferred => _deferred;

    /// <summary>The value, which this owns.</summary>
    /// <exception cref="TensorReleasedException">It was given away to an op that then failed.</exception>
    internal nint Handle
    {
        get
        {
            nint handle = Volatile.Read(ref _handle);
            return handle != 0 ? handle : Snapshot();
        }
    }

    /// <summary>
    /// The value of a scalar of int64, float32 or float64 that the host made, rounded to that; null: ask TensorFlow, which is told of
    /// such a value when somebody wants its handle.
    /// </summary>
    internal Scalar? Known
    {
        get => _known;
        init => _known = value is { } known && Spec.DType == DType.Float32 ? (float)known.ToDouble() : value;
    }

    /// <summary>Reads a scalar.</summary>
    /// <returns>Its value.</returns>
    internal Scalar Read()
    {
        if (_known is { } known)
        {
            return known;
        }

        Span<byte> bytes = stackalloc byte[8];
        Device.Backend.Export(this, bytes);
        return Spec.DType switch
        {
            DType.Int64 => BitConverter.ToInt64(bytes),
            DType.Float32 => BitConverter.ToSingle(bytes),
            DType.Float64 => BitConverter.ToDouble(bytes),
            DType.Float16 => (double)BitConverter.ToHalf(bytes),
            _ => BitConverter.Int32BitsToSingle(BitConverter.ToUInt16(bytes) << 16),
        };
    }

    /// <summary>The same elements with their channels last, which this owns; 0: there are none.</summary>
    internal nint ChannelsLast => Volatile.Read(ref _last);

    /// <summary>The value as it lies: plain where it does.</summary>
    internal nint Either => Volatile.Read(ref _handle) == 0 && ChannelsLast is not 0 and nint last ? last : Handle;

    /// <summary>Keeps another layout that somebody has made.</summary>
    /// <param name="plain">The plain one, or 0; the caller's.</param>
    /// <param name="last">The one with its channels last, or 0; the caller's.</param>
    internal void Learn(nint plain, nint last)
    {
        if (last != 0 && _resource == 0 && (_handle != 0 || _last != 0))
        {
            Learn(ref _handle, plain);
            Learn(ref _last, last);
        }
    }

    /// <summary>Gives the value away as it lies: nobody will read it here again.</summary>
    /// <returns>The handle, the caller's.</returns>
    internal nint Take()
    {
        nint handle = Either;
        (_handle, _last) = (_handle == handle ? 0 : _handle, _last == handle ? 0 : _last);
        Delete(ref _handle);
        Delete(ref _last);
        Delete(ref _resource);
        return handle;
    }

    /// <summary>Makes it a variable, if it is none yet, and lets the snapshot go, so that an update happens in place.</summary>
    /// <returns>The variable's handle.</returns>
    internal nint Promote()
    {
        if (_resource == 0)
        {
            _resource = ((TensorFlowBackend)Device.Backend).NewVariable(Spec, Device, Handle);
            _known = null;
        }

        Forget();
        Delete(ref _last);
        return _resource;
    }

    /// <summary>Lets the snapshot of a variable go, which the next look reads anew.</summary>
    internal void Forget() => Delete(ref _handle);

    /// <inheritdoc/>
    protected override void Free()
    {
        GC.SuppressFinalize(this);
        Delete(MemoryPressure.Remove);
    }

    private static void Learn(ref nint mine, nint other)
    {
        if (other != 0 && mine == 0)
        {
            nint shared = EagerContext.Share(other);
            if (Interlocked.CompareExchange(ref mine, shared, 0) != 0)
            {
                C.TFE_DeleteTensorHandle(shared);
            }
        }
    }

    private nint Snapshot()
    {
        if (_resource == 0 && _last == 0 && _deferred is null && _known is null)
        {
            throw new TensorReleasedException($"The data of a {Spec} tensor was given to an operation that failed, and is lost.");
        }

        TensorFlowBackend backend = (TensorFlowBackend)Device.Backend;
        nint read = _last != 0 ? backend.Plain(Device, _last)
            : _known is { } known ? backend.Place(Device, backend.Context.Scalar(known, Spec))
            : _deferred is null ? backend.ReadVariable(Spec, Device, _resource) : backend.Second(Device, _deferred);
        nint first = Interlocked.CompareExchange(ref _handle, read, 0);
        if (first != 0)
        {
            C.TFE_DeleteTensorHandle(read);
        }

        return first != 0 ? first : read;
    }

    private void Delete(Action<long> relieve)
    {
        Interlocked.Decrement(ref s_live);
        if (Spec.Bytes >= MemoryPressure.Threshold)
        {
            relieve(Spec.Bytes);
        }

        Delete(ref _handle);
        Delete(ref _last);
        Delete(ref _resource);
        foreach (nint kept in _deferred?.Kept ?? [])
        {
            C.TFE_DeleteTensorHandle(kept);
        }
    }

    private static void Delete(ref nint handle)
    {
        if (handle != 0)
        {
            C.TFE_DeleteTensorHandle(handle);
            handle = 0;
        }
    }
}
