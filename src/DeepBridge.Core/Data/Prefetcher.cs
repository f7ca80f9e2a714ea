using System.Threading.Channels;

namespace DeepBridge.Data;

/// <summary>A batch that a worker has packed, and the scope that owns the tensors it made on the way.</summary>
/// <typeparam name="T">A batch.</typeparam>
/// <param name="make">Makes the batch's tensors.</param>
/// <param name="scope">The scope.</param>
internal sealed class PreparedBatch<T>(Func<Device, T> make, TensorScope scope)
{
    /// <summary>Makes the batch; the current scope owns it and what the worker made.</summary>
    public T Complete(Device device)
    {
        try
        {
            T batch = make(device);
            scope.HandOver(TensorScope.Current);
            return batch;
        }
        finally
        {
            scope.End();
        }
    }

    /// <summary>Gives up what the worker made.</summary>
    public void Drop() => scope.End();
}

/// <summary>
/// Workers that make the batches of an epoch ahead of time. Worker w of n makes batches w, w + n, …, and has a bounded
/// channel of its own, from which they are taken in turn: so the order never depends on who is faster.
/// </summary>
/// <typeparam name="T">A batch.</typeparam>
internal sealed class Prefetcher<T> : IDisposable
{
    private readonly int _first;
    private readonly CancellationToken _cancellationToken;
    private readonly CancellationTokenSource _stop;
    private readonly Channel<PreparedBatch<T>>[] _channels;
    private readonly Task[] _workers;

    /// <summary>Starts the workers.</summary>
    /// <param name="prepare">Makes a batch of its number.</param>
    /// <param name="first">The first batch.</param>
    /// <param name="end">Behind the last.</param>
    /// <param name="workers">How many workers.</param>
    /// <param name="ahead">How many batches each may be ahead.</param>
    /// <param name="cancellationToken">Stops waiting and making.</param>
    public Prefetcher(
        Func<int, CancellationToken, PreparedBatch<T>> prepare, int first, int end, int workers, int ahead, CancellationToken cancellationToken)
    {
        _first = first;
        _cancellationToken = cancellationToken;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _channels = new Channel<PreparedBatch<T>>[Math.Min(workers, end - first)];
        _workers = new Task[_channels.Length];
        CancellationToken stop = _stop.Token;

        // The workers outlive the step that starts them: they must not work in its scope, nor under its wrappers.
        AsyncFlowControl? flow = ExecutionContext.IsFlowSuppressed() ? null : ExecutionContext.SuppressFlow();
        try
        {
            for (int i = 0; i < _workers.Length; i++)
            {
                int worker = i;
                _channels[i] = Channel.CreateBounded<PreparedBatch<T>>(new BoundedChannelOptions(ahead) { SingleReader = true, SingleWriter = true });
                _workers[i] = Task.Run(() => Work(prepare, _channels[worker].Writer, first + worker, end, stop), CancellationToken.None);
            }
        }
        finally
        {
            flow?.Undo();
        }
    }

    /// <summary>Takes a batch, which must be the one after that taken last; blocks until it is there.</summary>
    /// <param name="batch">Its number.</param>
    /// <returns>The batch.</returns>
    public PreparedBatch<T> Take(int batch)
    {
        ValueTask<PreparedBatch<T>> taken = TakeAsync(batch);
        return taken.IsCompleted ? taken.GetAwaiter().GetResult() : taken.AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Takes a batch, which must be the one after that taken last.</summary>
    /// <param name="batch">Its number.</param>
    /// <returns>The batch.</returns>
    public ValueTask<PreparedBatch<T>> TakeAsync(int batch)
    {
        ChannelReader<PreparedBatch<T>> reader = _channels[(batch - _first) % _channels.Length].Reader;
        return reader.TryRead(out PreparedBatch<T>? prepared) ? new(prepared) : Wait();

        async ValueTask<PreparedBatch<T>> Wait()
        {
            // Waiting first, since reading would wrap what the worker threw.
            await reader.WaitToReadAsync(_cancellationToken).ConfigureAwait(false);
            return await reader.ReadAsync(_cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Stops the workers, waits for them, and gives up what nobody took.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        Task.WaitAll(_workers);
        foreach (Channel<PreparedBatch<T>> channel in _channels)
        {
            while (channel.Reader.TryRead(out PreparedBatch<T>? prepared))
            {
                prepared.Drop();
            }
        }

        _stop.Dispose();
    }

    private async Task Work(
        Func<int, CancellationToken, PreparedBatch<T>> prepare, ChannelWriter<PreparedBatch<T>> writer, int first, int end, CancellationToken stop)
    {
        Exception? failure = null;
        try
        {
            for (int batch = first; batch < end; batch += _channels.Length)
            {
                PreparedBatch<T> prepared = prepare(batch, stop);
                try
                {
                    await writer.WriteAsync(prepared, stop).ConfigureAwait(false);
                }
                catch
                {
                    prepared.Drop();
                    throw;
                }
            }
        }
        catch (Exception error)
        {
            failure = error;
        }

        writer.Complete(failure);
    }
}
