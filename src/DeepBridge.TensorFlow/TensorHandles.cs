using DeepBridge.Memory;
using DeepBridge.TensorFlow.Native;

namespace DeepBridge.TensorFlow;

/// <summary>
/// What a tensor has of TensorFlow, and the safety net for who drops the tensor without releasing it. A few are kept for the next
/// tensors: making an object that has a finalizer, and telling the runtime that it is not needed, took 4 % of a small training step.
/// </summary>
internal sealed class TensorHandles
{
    private const int MostSpare = 64;

    [ThreadStatic]
    private static Stack<TensorHandles>? t_spare;

    private static long s_live, s_bytes;

    // Fields, since other threads look at them while one makes a handle.
    private nint _plain, _last, _resource;
    private nint[] _kept = [];
    private long _bytes;
    private bool _isUsed;

    ~TensorHandles() => Delete(MemoryPressure.Reclaim);

    /// <summary>What a tensor has that was released: nothing, for ever.</summary>
    internal static TensorHandles None { get; } = new();

    /// <summary>How many are in use in the process.</summary>
    internal static long Live => Volatile.Read(ref s_live);

    /// <summary>The size of the data of those in use.</summary>
    internal static long LiveBytes => Volatile.Read(ref s_bytes);

    /// <summary>The value, or 0.</summary>
    internal ref nint Plain => ref _plain;

    /// <summary>The value with its channels last, or 0.</summary>
    internal ref nint Last => ref _last;

    /// <summary>The variable that the value is read from, or 0.</summary>
    internal ref nint Resource => ref _resource;

    /// <summary>Takes one.</summary>
    /// <param name="bytes">The size of the tensor's data.</param>
    /// <param name="kept">Further handles that go with the tensor.</param>
    /// <returns>One without handles.</returns>
    internal static TensorHandles Take(long bytes, nint[] kept)
    {
        TensorHandles handles = t_spare is { Count: > 0 } spare ? spare.Pop() : new TensorHandles();
        (handles._bytes, handles._kept, handles._isUsed) = (bytes, kept, true);
        Interlocked.Increment(ref s_live);
        Interlocked.Add(ref s_bytes, bytes);
        if (bytes >= MemoryPressure.Threshold)
        {
            MemoryPressure.Add(bytes);
        }

        return handles;
    }

    /// <summary>Deletes the handles; nobody may use this again but <see cref="Take"/>.</summary>
    internal void Return()
    {
        Delete(MemoryPressure.Remove);
        t_spare ??= new Stack<TensorHandles>(MostSpare);
        if (t_spare.Count < MostSpare)
        {
            t_spare.Push(this);
        }
        else
        {
            GC.SuppressFinalize(this);
        }
    }

    /// <summary>Deletes one handle.</summary>
    /// <param name="handle">The handle, or 0; 0 from now on.</param>
    internal static void Delete(ref nint handle)
    {
        if (handle != 0)
        {
            C.TFE_DeleteTensorHandle(handle);
            handle = 0;
        }
    }

    private void Delete(Action<long> relieve)
    {
        if (!_isUsed)
        {
            return;
        }

        _isUsed = false;
        Interlocked.Decrement(ref s_live);
        Interlocked.Add(ref s_bytes, -_bytes);
        if (_bytes >= MemoryPressure.Threshold)
        {
            relieve(_bytes);
        }

        Delete(ref _plain);
        Delete(ref _last);
        Delete(ref _resource);
        foreach (nint kept in _kept)
        {
            C.TFE_DeleteTensorHandle(kept);
        }

        _kept = [];
    }
}
