using System.Runtime.ExceptionServices;

namespace DeepBridge.Cpu;

/// <summary>Work cut into chunks that may run in any order and at the same time.</summary>
internal interface IWork
{
    /// <summary>Does one chunk.</summary>
    /// <param name="chunk">Its index, from 0.</param>
    void Run(int chunk);
}

/// <summary>Runs the chunks of one piece of work on several threads.</summary>
/// <remarks>
/// Helpers come from the .NET thread pool, not from threads of our own: idle ones cost nothing, the pool shares the
/// cores fairly with the rest of the process, and nothing outlives the call. The caller takes chunks like any helper
/// and never waits for one that hasn't started, so a busy or starved pool makes a call slower but can't stop it. The
/// bookkeeping is kept per thread and type of work: a call allocates nothing after the first.
/// </remarks>
internal static class Workers
{
    private static int s_limit = Environment.ProcessorCount;

    [ThreadStatic]
    private static bool t_inside;

    /// <summary>Most threads that work for one call, the caller among them; at least 1.</summary>
    public static int Limit
    {
        get => Volatile.Read(ref s_limit);
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            Volatile.Write(ref s_limit, value);
        }
    }

    /// <summary>Whether a call made now, on this thread, could use a second thread.</summary>
    public static bool Available => Limit > 1 && !t_inside;

    /// <summary>
    /// Runs every chunk once and returns when all are done. The chunks, and so the results, must not depend on
    /// <see cref="Limit"/>. Inside another call's chunk everything runs inline.
    /// </summary>
    /// <param name="chunks">How many chunks; 0 is allowed.</param>
    /// <param name="work">The work. It is copied: chunks share state through what it points to.</param>
    /// <typeparam name="TWork">Its type, a struct so that the call is direct.</typeparam>
    /// <exception cref="Exception">The first exception of a chunk, after which no further chunk is begun.</exception>
    public static void Run<TWork>(int chunks, in TWork work)
        where TWork : struct, IWork
    {
        int helpers = Math.Min(Limit, chunks) - 1;
        if (helpers <= 0 || t_inside)
        {
            TWork copy = work;
            for (int chunk = 0; chunk < chunks; chunk++)
            {
                copy.Run(chunk);
            }

            return;
        }

        (Job<TWork>.t_own ??= new Job<TWork>()).Run(chunks, helpers, work);
    }

    private sealed class Job<TWork> : IThreadPoolWorkItem
        where TWork : struct, IWork
    {
        /// <summary>Rounds of the caller's wait that stay off the kernel: about as long as one more short chunk.</summary>
        private const int SpinRounds = 30;

        [ThreadStatic]
        public static Job<TWork>? t_own;

        private TWork _work;
        private ExceptionDispatchInfo? _failure;
        private int _pending;
        private int _untaken;

        public void Run(int chunks, int helpers, in TWork work)
        {
            _work = work;
            _failure = null;
            _pending = chunks;

            // Publishes the fields above. A helper left over from an earlier call sees no chunk before this, and a
            // valid one after it, so it does no harm whenever it comes.
            Interlocked.Exchange(ref _untaken, chunks);
            for (int i = 0; i < helpers; i++)
            {
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }

            Execute();
            Wait();
            _work = default;
            ExceptionDispatchInfo? failure = _failure;
            _failure = null;
            failure?.Throw();
        }

        public void Execute()
        {
            bool outer = t_inside;
            t_inside = true;
            try
            {
                while (Volatile.Read(ref _untaken) > 0)
                {
                    int chunk = Interlocked.Decrement(ref _untaken);
                    if (chunk < 0)
                    {
                        break;
                    }

                    RunChunk(chunk);
                }
            }
            finally
            {
                t_inside = outer;
            }
        }

        private void RunChunk(int chunk)
        {
            try
            {
                if (Volatile.Read(ref _failure) is null)
                {
                    TWork work = _work;
                    work.Run(chunk);
                }
            }
            catch (Exception exception)
            {
                Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(exception), null);
            }

            if (Interlocked.Decrement(ref _pending) == 0)
            {
                lock (this)
                {
                    Monitor.PulseAll(this);
                }
            }
        }

        private void Wait()
        {
            SpinWait spin = default;
            while (Volatile.Read(ref _pending) > 0)
            {
                if (spin.Count < SpinRounds)
                {
                    spin.SpinOnce(sleep1Threshold: -1);
                    continue;
                }

                lock (this)
                {
                    while (Volatile.Read(ref _pending) > 0)
                    {
                        Monitor.Wait(this);
                    }
                }
            }
        }
    }
}
