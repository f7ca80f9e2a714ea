using System.Diagnostics;
using System.Diagnostics.Metrics;
using DeepBridge.Memory;

namespace DeepBridge.Data;

/// <summary>Makes loaders of the usual samples; for others, give the constructor a <see cref="Collate{TSample,TBatch}"/>.</summary>
public static class DataLoader
{
    private static readonly Meter s_meter = new("DeepBridge");

    /// <summary>What all loaders tell of their waiting.</summary>
    internal static Counter<double> Wait { get; } =
        s_meter.CreateCounter<double>("deepbridge.loader.wait", "s", "Time that loops spent waiting for batches.");

    /// <summary>Loads arrays: batches (N, the arrays' shape…).</summary>
    /// <typeparam name="T">The element type; it decides the dtype.</typeparam>
    /// <param name="dataset">The dataset.</param>
    /// <param name="options">How; null: the defaults.</param>
    /// <returns>The loader.</returns>
    public static DataLoader<HostArray<T>, Tensor> Create<T>(IDataset<HostArray<T>> dataset, DataLoaderOptions? options = null)
        where T : unmanaged => new(dataset, Collation.Arrays, options);

    /// <summary>Loads pairs of arrays.</summary>
    /// <typeparam name="TInput">The element type of the inputs.</typeparam>
    /// <typeparam name="TLabel">The element type of the labels.</typeparam>
    /// <param name="dataset">The dataset.</param>
    /// <param name="options">How; null: the defaults.</param>
    /// <returns>The loader.</returns>
    public static DataLoader<(HostArray<TInput> Input, HostArray<TLabel> Label), (Tensor Inputs, Tensor Labels)> Create<TInput, TLabel>(
        IDataset<(HostArray<TInput> Input, HostArray<TLabel> Label)> dataset, DataLoaderOptions? options = null)
        where TInput : unmanaged
        where TLabel : unmanaged => new(dataset, Collation.Pairs<HostArray<TInput>, HostArray<TLabel>>(Collation.Arrays, Collation.Arrays), options);

    /// <summary>Loads arrays, each with a number: a class label, or a target.</summary>
    /// <typeparam name="TInput">The element type of the inputs.</typeparam>
    /// <typeparam name="TLabel">The type of the number.</typeparam>
    /// <param name="dataset">The dataset.</param>
    /// <param name="options">How; null: the defaults.</param>
    /// <returns>The loader.</returns>
    public static DataLoader<(HostArray<TInput> Input, TLabel Label), (Tensor Inputs, Tensor Labels)> Create<TInput, TLabel>(
        IDataset<(HostArray<TInput> Input, TLabel Label)> dataset, DataLoaderOptions? options = null)
        where TInput : unmanaged
        where TLabel : unmanaged => new(dataset, Collation.Pairs<HostArray<TInput>, TLabel>(Collation.Arrays, Collation.Numbers), options);
}

/// <summary>
/// Loads a dataset in batches, made ahead of time by workers. Order and content are the same with any number of workers,
/// on any machine, and after <see cref="Loader{T}.Restore"/>.
/// </summary>
/// <remarks>
/// What a worker throws comes out of the loop as a <see cref="SampleException"/>, after the batches before it. Leaving
/// the loop stops the workers and waits for the samples that they are making. Workers see nothing ambient of the loop:
/// no scope, no generator, no default device. Tensors that samples make there belong to the iteration that gets them.
/// </remarks>
/// <typeparam name="TSample">A sample.</typeparam>
/// <typeparam name="TBatch">A batch.</typeparam>
public sealed class DataLoader<TSample, TBatch> : Loader<TBatch>
{
    private readonly IDataset<TSample> _dataset;
    private readonly Collate<TSample, TBatch> _collate;
    private readonly DataLoaderOptions _options;
    private long _waited;

    /// <summary>Makes a loader.</summary>
    /// <param name="dataset">The dataset.</param>
    /// <param name="collate">How samples become a batch.</param>
    /// <param name="options">How; null: the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">The batch size or the prefetching is not positive, or the workers are fewer than 0.</exception>
    public DataLoader(IDataset<TSample> dataset, Collate<TSample, TBatch> collate, DataLoaderOptions? options = null)
        : base(options?.Seed ?? DrawSeed(null))
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(collate);
        _dataset = dataset;
        _collate = collate;
        _options = options ?? new DataLoaderOptions();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(_options.BatchSize);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(_options.Prefetch);
        ArgumentOutOfRangeException.ThrowIfNegative(_options.Workers);
        Count = (dataset.Count / _options.BatchSize) + (!_options.DropLast && dataset.Count % _options.BatchSize != 0 ? 1 : 0);
    }

    /// <inheritdoc/>
    public override int Count { get; }

    /// <summary>
    /// How long all loops over this loader have waited for batches, tensors made included. The counter
    /// <c>deepbridge.loader.wait</c> of the meter <c>DeepBridge</c> adds it up over all loaders.
    /// </summary>
    public TimeSpan WaitTime => TimeSpan.FromTicks(Interlocked.Read(ref _waited));

    /// <inheritdoc/>
    private protected override ScopedEnumerator<TBatch> Start(CancellationToken cancellationToken) => new Enumerator(this, cancellationToken);

    /// <summary>Makes the samples of one batch and packs them.</summary>
    private PreparedBatch<TBatch> Prepare(ulong key, int[]? order, int batch, CancellationToken cancellationToken)
    {
        TensorScope scope = TensorScope.Detached("samples");
        using AmbientChange change = Ambient.Enter(Ambient.Now with { Scope = scope });
        try
        {
            int first = batch * _options.BatchSize;
            TSample[] samples = new TSample[Math.Min(_options.BatchSize, _dataset.Count - first)];
            for (int i = 0; i < samples.Length; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int index = order is null ? first + i : order[first + i];
                try
                {
                    samples[i] = _dataset.Get(index, new SampleRandom(key, index));
                }
                catch (Exception error)
                {
                    throw new SampleException(index, error);
                }
            }

            return new PreparedBatch<TBatch>(_collate(samples), scope);
        }
        catch
        {
            scope.End();
            throw;
        }
    }

    private sealed class Enumerator(DataLoader<TSample, TBatch> loader, CancellationToken cancellationToken) : ScopedEnumerator<TBatch>("batch")
    {
        private LoaderCursor? _start;
        private int _batch;
        private Func<int, CancellationToken, PreparedBatch<TBatch>>? _prepare;
        private Prefetcher<TBatch>? _prefetcher;

        protected override bool TryNext(out TBatch? next)
        {
            // Not by way of NextAsync: the batch is to be made here, and waking up is a part of the waiting.
            long began = Stopwatch.GetTimestamp();
            bool found = Advance();
            next = found ? Complete(_prefetcher is null ? _prepare!(_batch, cancellationToken) : _prefetcher.Take(_batch), began) : default;
            return found;
        }

        protected override ValueTask<(bool Found, TBatch? Next)> NextAsync()
        {
            long began = Stopwatch.GetTimestamp();
            if (!Advance())
            {
                return new((false, default));
            }

            ValueTask<PreparedBatch<TBatch>> taken = _prefetcher is null ? new(_prepare!(_batch, cancellationToken)) : _prefetcher.TakeAsync(_batch);
            return taken.IsCompletedSuccessfully ? new((true, Complete(taken.Result, began))) : Wait(taken);

            async ValueTask<(bool, TBatch?)> Wait(ValueTask<PreparedBatch<TBatch>> pending) =>
                (true, Complete(await pending.ConfigureAwait(false), began));
        }

        protected override void Finish() => Interlocked.Exchange(ref _prefetcher, null)?.Dispose();

        private bool Advance()
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_start is null)
            {
                _start = loader.Begin();
                _batch = (int)_start.Position;
                int[]? order = loader._options.Shuffle ? _start.Order(loader._dataset.Count) : null;
                ulong key = _start.Keys().Samples;
                _prepare = (batch, stop) => loader.Prepare(key, order, batch, stop);
                if (loader._options.Workers > 0 && _batch < loader.Count)
                {
                    _prefetcher = new(_prepare, _batch, loader.Count, loader._options.Workers, loader._options.Prefetch, cancellationToken);
                }
            }

            if (_batch < loader.Count)
            {
                return true;
            }

            loader.Report(_start, null);
            return false;
        }

        private TBatch Complete(PreparedBatch<TBatch> prepared, long began)
        {
            TBatch next = prepared.Complete((loader._options.Device ?? Device.Default).Real);
            loader.Report(_start!, ++_batch);
            TimeSpan waited = Stopwatch.GetElapsedTime(began);
            Interlocked.Add(ref loader._waited, waited.Ticks);
            DataLoader.Wait.Add(waited.TotalSeconds);
            return next;
        }
    }
}
