namespace DeepBridge.Data;

/// <summary>Inputs and labels in batches, of tensors that lie in memory.</summary>
/// <remarks>
/// Rows are axis 0. Each iteration of a <c>foreach</c> has a scope of its own, which owns the batch and all that the
/// body makes, and ends with the next iteration; keep what must live longer with <see cref="TensorScope.Keep"/>.
/// </remarks>
/// <param name="inputs">The inputs, one row an example, on any device.</param>
/// <param name="labels">The labels, as many rows.</param>
/// <param name="size">Rows of a batch.</param>
/// <param name="shuffle">Whether each epoch has a fresh order.</param>
/// <param name="dropLast">Whether a last batch that is not full is left out.</param>
/// <param name="generator">Where the seed of the orders is drawn; null: the generator of the flow that makes the batches.</param>
/// <exception cref="ShapeMismatchException">A tensor has no axis, or their rows are not as many.</exception>
/// <exception cref="ArgumentOutOfRangeException"><paramref name="size"/> is not positive.</exception>
public sealed class Batches(
    Tensor inputs, Tensor labels, int size, bool shuffle = false, bool dropLast = false, RandomGenerator? generator = null)
    : Batches<(Tensor Inputs, Tensor Labels)>([inputs, labels], size, shuffle, dropLast, generator)
{
    /// <summary>One tensor in batches.</summary>
    /// <param name="inputs">The tensor, one row an example, on any device.</param>
    /// <param name="size">Rows of a batch.</param>
    /// <param name="shuffle">Whether each epoch has a fresh order.</param>
    /// <param name="dropLast">Whether a last batch that is not full is left out.</param>
    /// <param name="generator">Where the seed of the orders is drawn; null: the generator of the flow that makes the batches.</param>
    /// <returns>The batches.</returns>
    public static Batches<Tensor> Of(
        Tensor inputs, int size, bool shuffle = false, bool dropLast = false, RandomGenerator? generator = null) =>
        new Single(inputs, size, shuffle, dropLast, generator);

    /// <inheritdoc/>
    private protected override (Tensor Inputs, Tensor Labels) Combine(Tensor[] parts) => (parts[0], parts[1]);

    private sealed class Single(Tensor inputs, int size, bool shuffle, bool dropLast, RandomGenerator? generator)
        : Batches<Tensor>([inputs], size, shuffle, dropLast, generator)
    {
        private protected override Tensor Combine(Tensor[] parts) => parts[0];
    }
}

/// <summary>
/// Rows of tensors in batches. Enumerate with <c>foreach</c> or <c>await foreach</c>, as often as there are epochs.
/// </summary>
/// <typeparam name="T">A batch.</typeparam>
public abstract class Batches<T> : Loader<T>
{
    private readonly Tensor[] _sources;
    private readonly int _size;
    private readonly bool _shuffle;
    private readonly bool _dropLast;

    // Those of the sources' rows that these batches are of; null: all.
    private readonly int[]? _part;

    private protected Batches(Tensor[] sources, int size, bool shuffle, bool dropLast, RandomGenerator? generator)
        : this(sources, size, shuffle, dropLast, shuffle ? DrawSeed(generator) : 0, null)
    {
    }

    private Batches(Tensor[] sources, int size, bool shuffle, bool dropLast, long seed, int[]? part)
        : base(seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        foreach (Tensor source in sources)
        {
            ArgumentNullException.ThrowIfNull(source, nameof(sources));
            if (source.Rank == 0 || source.Shape[0] != sources[0].Shape[0])
            {
                throw new ShapeMismatchException(
                    nameof(Batches),
                    $"rows are axis 0, and there must be as many of each: {string.Join(", ", sources.Select(tensor => tensor.Shape))}.",
                    [.. sources.Select(tensor => tensor.Shape)],
                    0);
            }
        }

        (_sources, _size, _shuffle, _dropLast, _part) = (sources, size, shuffle, dropLast, part);
        Rows = part?.Length ?? sources[0].Shape[0];
        Count = (Rows / size) + (!dropLast && Rows % size != 0 ? 1 : 0);
    }

    /// <summary>Examples of an epoch, those of a dropped last batch included.</summary>
    public int Rows { get; }

    /// <inheritdoc/>
    public override int Count { get; }

    /// <summary>
    /// Splits the rows at random: some to train on, batched as these are, and some to validate with, all of them and in order.
    /// One seed always gives the same two parts; no row is copied.
    /// </summary>
    /// <param name="validation">The share of the rows that validates, above 0 and below 1, rounded to whole rows, at least one.</param>
    /// <param name="seed">The seed.</param>
    /// <returns>The parts, which share no row.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="validation"/> is not between 0 and 1.</exception>
    public (Batches<T> Train, Batches<T> Validation) Split(double validation, long seed = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(validation is > 0 and < 1, true, nameof(validation));
        int[] order = RowsOf(new LoaderCursor(seed, 0, 0).Order(Rows));
        int kept = Math.Max(0, Rows - Math.Max(1, (int)Math.Round(validation * Rows)));
        Array.Sort(order, 0, kept);
        Array.Sort(order, kept, Rows - kept);
        return (new Some(this, _shuffle, _dropLast, order[..kept]), new Some(this, false, false, order[kept..]));
    }

    /// <inheritdoc/>
    private protected override ScopedEnumerator<T> Start(CancellationToken cancellationToken) => new Enumerator(this, cancellationToken);

    /// <summary>Makes a batch of its tensors.</summary>
    /// <param name="parts">One for each source.</param>
    /// <returns>The batch.</returns>
    private protected abstract T Combine(Tensor[] parts);

    /// <summary>Rows of the sources, from rows of these batches.</summary>
    private int[] RowsOf(int[] rows) => _part is null ? rows : Array.ConvertAll(rows, row => _part[row]);

    private sealed class Some(Batches<T> whole, bool shuffle, bool dropLast, int[] part)
        : Batches<T>(whole._sources, whole._size, shuffle, dropLast, whole.Cursor.Seed, part)
    {
        private protected override T Combine(Tensor[] parts) => whole.Combine(parts);
    }

    private sealed class Enumerator(Batches<T> batches, CancellationToken cancellationToken) : ScopedEnumerator<T>("batch")
    {
        private LoaderCursor? _start;
        private int _batch;
        private int[]? _order;

        protected override bool TryNext(out T? next)
        {
            cancellationToken.ThrowIfCancellationRequested();
            next = default;
            if (_start is null)
            {
                _start = batches.Begin();
                _batch = (int)_start.Position;
            }

            if (_batch == batches.Count)
            {
                batches.Report(_start, null);
                return false;
            }

            int start = _batch++ * batches._size, end = Math.Min(start + batches._size, batches.Rows);
            Tensor[] parts = new Tensor[batches._sources.Length];
            Tensor? indices = null;
            for (int i = 0; i < parts.Length; i++)
            {
                parts[i] = Rows(batches._sources[i], start, end, ref indices);
            }

            next = batches.Combine(parts);
            batches.Report(_start, _batch);
            return true;
        }

        protected override void Finish() => _order = null;

        private Tensor Rows(Tensor source, int start, int end, ref Tensor? indices)
        {
            if (!batches._shuffle && batches._part is null)
            {
                // All rows are the source itself, which does not belong to the iteration: share its data.
                Tensor rows = source[start..end];
                return ReferenceEquals(rows, source)
                    ? Tensor.Adopt(new Tensor(source.Data.Retain(), source.Node?.Retain(), source.OutputIndex))
                    : rows;
            }

            _order ??= batches._shuffle ? batches.RowsOf(_start!.Order(batches.Rows)) : batches._part!;
            if (!ReferenceEquals(indices?.Device, source.Device))
            {
                indices = Tensor.From(_order.AsSpan(start, end - start), source.Device);
            }

            return source.Gather(indices!);
        }
    }
}
