using DeepBridge.Backends;
using DeepBridge.Memory;
using DeepBridge.TensorFlow.Native;

namespace DeepBridge.TensorFlow;

/// <summary>
/// A handle of TensorFlow; or, once a native function or an optimizer's step has written into it, an anonymous resource
/// variable, of which a snapshot is read when somebody looks.
/// </summary>
internal sealed unsafe class TensorFlowTensor : BackendTensor
{
    private static long s_live;

    private nint _handle;
    private nint _resource;

    /// <summary>Takes over a handle.</summary>
    /// <param name="spec">Shape and dtype.</param>
    /// <param name="device">Where it lies.</param>
    /// <param name="handle">The handle, or 0.</param>
    /// <param name="resource">The handle of a variable, or 0.</param>
    internal TensorFlowTensor(TensorSpec spec, Device device, nint handle, nint resource = 0)
        : base(spec, device)
    {
        (_handle, _resource) = (handle, resource);
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

    /// <summary>The variable's handle, or 0.</summary>
    internal nint Resource => _resource;

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

    /// <summary>Gives the value away: nobody will read it here again.</summary>
    /// <returns>The handle, the caller's.</returns>
    internal nint Take()
    {
        nint handle = Handle;
        _handle = 0;
        DeleteResource();
        return handle;
    }

    /// <summary>Makes it a variable, if it is none yet, and lets the snapshot go, so that an update happens in place.</summary>
    /// <returns>The variable's handle.</returns>
    internal nint Promote()
    {
        if (_resource == 0)
        {
            _resource = ((TensorFlowBackend)Device.Backend).NewVariable(Spec, Device, Handle);
        }

        Forget();
        return _resource;
    }

    /// <summary>Lets the snapshot of a variable go, which the next look reads anew.</summary>
    internal void Forget()
    {
        if (_handle != 0)
        {
            C.TFE_DeleteTensorHandle(_handle);
            _handle = 0;
        }
    }

    /// <inheritdoc/>
    protected override void Free()
    {
        GC.SuppressFinalize(this);
        Delete(MemoryPressure.Remove);
    }

    private nint Snapshot()
    {
        if (_resource == 0)
        {
            throw new TensorReleasedException($"The data of a {Spec} tensor was given to an operation that failed, and is lost.");
        }

        nint read = ((TensorFlowBackend)Device.Backend).ReadVariable(Spec, Device, _resource);
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

        Forget();
        DeleteResource();
    }

    private void DeleteResource()
    {
        if (_resource != 0)
        {
            C.TFE_DeleteTensorHandle(_resource);
            _resource = 0;
        }
    }
}
