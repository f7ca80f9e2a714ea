namespace DeepBridge.TensorFlow.Eager;

/// <summary>
/// Keeps ops apart from calls that run on the calling thread: TensorFlow has one switch for the whole context, and ops must not meet it
/// turned on. Ops do not exclude each other, and neither do calls. Where both kinds come from several threads, calls go the other way
/// for a second, so that an op waits for at most one of them.
/// </summary>
internal sealed class CallGate
{
    private const int Quiet = 1000;

    // So many ops that run; below 0, so many calls.
    private int _inside;
    private long _lastMet = -Quiet;

    /// <summary>Waits until no call runs; <see cref="EndOp"/> must follow.</summary>
    internal void BeginOp()
    {
        SpinWait wait = default;
        while (true)
        {
            int inside = Volatile.Read(ref _inside);
            if (inside >= 0 && Interlocked.CompareExchange(ref _inside, inside + 1, inside) == inside)
            {
                return;
            }

            if (inside < 0)
            {
                Volatile.Write(ref _lastMet, Environment.TickCount64);
                wait.SpinOnce();
            }
        }
    }

    /// <summary>Ends an op.</summary>
    internal void EndOp() => Interlocked.Decrement(ref _inside);

    /// <summary>Begins a call, unless ops of other threads are about; <see cref="EndCall"/> must follow.</summary>
    /// <returns>False: the call has to go the other way.</returns>
    internal bool TryBeginCall()
    {
        long now = Environment.TickCount64;
        if (now - Volatile.Read(ref _lastMet) < Quiet)
        {
            return false;
        }

        int inside = Volatile.Read(ref _inside);
        if (inside <= 0 && Interlocked.CompareExchange(ref _inside, inside - 1, inside) == inside)
        {
            return true;
        }

        if (inside > 0)
        {
            Volatile.Write(ref _lastMet, now);
        }

        return false;
    }

    /// <summary>Ends a call.</summary>
    internal void EndCall() => Interlocked.Increment(ref _inside);
}
