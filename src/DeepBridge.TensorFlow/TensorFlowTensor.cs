using DeepBridge.Backends;
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
    private readonly Deferred? _deferred;
    private Scalar? _known;
    private TensorHandles _own;

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
        _own = TensorHandles.Take(spec.Bytes, deferred?.Kept ?? []);
        (_own.Plain, _own.Resource, _own.Last, _deferred) = (handle, resource, last, deferred);
    }

    /// <summary>What is left of the op whose second output this is, or null.</summary>
    internal Deferred? Deferred => _deferred;

    /// <summary>The value, which this owns.</summary>
    /// <exception cref="TensorReleasedException">It was given away to an op that then failed.</exception>
    internal nint Handle
    {
        get
        {
            nint handle = Volatile.Read(ref _own.Plain);
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
    internal nint ChannelsLast => Volatile.Read(ref _own.Last);

    /// <summary>The value as it lies: plain where it does.</summary>
    internal nint Either => Volatile.Read(ref _own.Plain) == 0 && ChannelsLast is not 0 and nint last ? last : Handle;

    /// <summary>Keeps another layout that somebody has made.</summary>
    /// <param name="plain">The plain one, or 0; the caller's.</param>
    /// <param name="last">The one with its channels last, or 0; the caller's.</param>
    internal void Learn(nint plain, nint last)
    {
        if (last != 0 && _own.Resource == 0 && (_own.Plain != 0 || _own.Last != 0))
        {
            Learn(ref _own.Plain, plain);
            Learn(ref _own.Last, last);
        }
    }

    /// <summary>Gives the value away as it lies: nobody will read it here again.</summary>
    /// <returns>The handle, the caller's.</returns>
    internal nint Take()
    {
        nint handle = Either;
        (_own.Plain, _own.Last) = (_own.Plain == handle ? 0 : _own.Plain, _own.Last == handle ? 0 : _own.Last);
        TensorHandles.Delete(ref _own.Plain);
        TensorHandles.Delete(ref _own.Last);
        TensorHandles.Delete(ref _own.Resource);
        return handle;
    }

    /// <summary>Makes it a variable, if it is none yet, and lets the snapshot go, so that an update happens in place.</summary>
    /// <returns>The variable's handle.</returns>
    internal nint Promote()
    {
        if (_own.Resource == 0)
        {
            _own.Resource = ((TensorFlowBackend)Device.Backend).NewVariable(Spec, Device, Handle);
            _known = null;
        }

        Forget();
        TensorHandles.Delete(ref _own.Last);
        return _own.Resource;
    }

    /// <summary>Lets the snapshot of a variable go, which the next look reads anew.</summary>
    internal void Forget() => TensorHandles.Delete(ref _own.Plain);

    /// <inheritdoc/>
    protected override void Free()
    {
        TensorHandles own = _own;
        _own = TensorHandles.None;
        own.Return();
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
        if (IsReleased || (_own.Resource == 0 && _own.Last == 0 && _deferred is null && _known is null))
        {
            throw new TensorReleasedException($"The data of a {Spec} tensor was given to an operation that failed, and is lost.");
        }

        TensorFlowBackend backend = (TensorFlowBackend)Device.Backend;
        nint read = _own.Last != 0 ? backend.Plain(Device, _own.Last)
            : _known is { } known ? backend.Place(Device, backend.Context.Scalar(known, Spec))
            : _deferred is null ? backend.ReadVariable(Spec, Device, _own.Resource) : backend.Second(Device, _deferred);
        nint first = Interlocked.CompareExchange(ref _own.Plain, read, 0);
        if (first != 0)
        {
            C.TFE_DeleteTensorHandle(read);
        }

        return first != 0 ? first : read;
    }
}
