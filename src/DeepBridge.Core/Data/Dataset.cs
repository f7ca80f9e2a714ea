namespace DeepBridge.Data;

/// <summary>Makes datasets, of memory and of one another.</summary>
public static class Dataset
{
    /// <summary>Samples that lie in memory.</summary>
    /// <typeparam name="T">A sample.</typeparam>
    /// <param name="samples">The samples.</param>
    /// <returns>The dataset.</returns>
    public static IDataset<T> Of<T>(IReadOnlyList<T> samples)
    {
        ArgumentNullException.ThrowIfNull(samples);
        return new Functional<T>(samples.Count, (index, _) => samples[index]);
    }

    /// <summary>The rows (axis 0) of an array, without copies.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="rows">The array, of rank 1 or more.</param>
    /// <returns>The dataset.</returns>
    /// <exception cref="ShapeMismatchException">The array is a single number.</exception>
    public static IDataset<HostArray<T>> Rows<T>(HostArray<T> rows)
        where T : unmanaged => rows.Shape.Rank == 0
        ? throw new ShapeMismatchException(nameof(Rows), "a single number has no rows.", [rows.Shape])
        : new Functional<HostArray<T>>(rows.Shape[0], (index, _) => rows.Row(index));

    /// <summary>The rows (axis 0) of a tensor, which is copied to the host once.</summary>
    /// <typeparam name="T">The element type; it must match the dtype.</typeparam>
    /// <param name="rows">The tensor, of rank 1 or more.</param>
    /// <returns>The dataset.</returns>
    /// <exception cref="ShapeMismatchException">The tensor is a scalar.</exception>
    /// <exception cref="DTypeMismatchException"><typeparamref name="T"/> is not the dtype.</exception>
    public static IDataset<HostArray<T>> Rows<T>(Tensor rows)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(rows);
        return Rows(new HostArray<T>(rows.ToArray<T>(), rows.Shape));
    }

    /// <summary>Makes one sample at a time by a function.</summary>
    /// <typeparam name="T">A sample.</typeparam>
    /// <param name="count">How many there are.</param>
    /// <param name="get">Makes a sample of its number and its random numbers; from several threads at once.</param>
    /// <returns>The dataset.</returns>
    public static IDataset<T> From<T>(int count, Func<int, SampleRandom, T> get)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentNullException.ThrowIfNull(get);
        return new Functional<T>(count, get);
    }

    /// <summary>One sample without randomness of a loader: that of seed 0 and epoch 0.</summary>
    /// <typeparam name="T">A sample.</typeparam>
    /// <param name="dataset">The dataset.</param>
    /// <param name="index">The sample's number.</param>
    /// <returns>The sample.</returns>
    public static T Get<T>(this IDataset<T> dataset, int index)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        return dataset.Get(index, new SampleRandom(index: index));
    }

    /// <summary>Changes each sample by a function, each time it is asked for.</summary>
    /// <typeparam name="T">A sample.</typeparam>
    /// <typeparam name="TResult">What becomes of it.</typeparam>
    /// <param name="dataset">The dataset.</param>
    /// <param name="map">The function; it runs on several threads at once.</param>
    /// <returns>The dataset of the results.</returns>
    public static IDataset<TResult> Select<T, TResult>(this IDataset<T> dataset, Func<T, TResult> map)
    {
        ArgumentNullException.ThrowIfNull(map);
        return dataset.Select((sample, _) => map(sample));
    }

    /// <summary>Changes each sample by a function that may draw random numbers.</summary>
    /// <typeparam name="T">A sample.</typeparam>
    /// <typeparam name="TResult">What becomes of it.</typeparam>
    /// <param name="dataset">The dataset.</param>
    /// <param name="map">The function; it runs on several threads at once.</param>
    /// <returns>The dataset of the results.</returns>
    public static IDataset<TResult> Select<T, TResult>(this IDataset<T> dataset, Func<T, SampleRandom, TResult> map)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(map);
        return new Functional<TResult>(dataset.Count, (index, random) => map(dataset.Get(index, random), random));
    }

    /// <summary>Pairs of samples with the same number.</summary>
    /// <typeparam name="TInput">A sample of the first.</typeparam>
    /// <typeparam name="TLabel">A sample of the second.</typeparam>
    /// <param name="inputs">The first dataset.</param>
    /// <param name="labels">The second, with as many samples.</param>
    /// <returns>The dataset of the pairs.</returns>
    /// <exception cref="ArgumentException">They have not as many samples.</exception>
    public static IDataset<(TInput Input, TLabel Label)> Zip<TInput, TLabel>(this IDataset<TInput> inputs, IDataset<TLabel> labels)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(labels);
        return inputs.Count == labels.Count
            ? new Functional<(TInput, TLabel)>(inputs.Count, (index, random) => (inputs.Get(index, random), labels.Get(index, random)))
            : throw new ArgumentException($"{inputs.Count} inputs do not pair with {labels.Count} labels.", nameof(labels));
    }

    /// <summary>Some of the samples, in an order of its own.</summary>
    /// <typeparam name="T">A sample.</typeparam>
    /// <param name="dataset">The dataset.</param>
    /// <param name="indices">Their numbers; one may stand there twice.</param>
    /// <returns>The subset.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no sample of such a number.</exception>
    public static IDataset<T> Subset<T>(this IDataset<T> dataset, params ReadOnlySpan<int> indices)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        foreach (int index in indices)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)dataset.Count, nameof(indices));
        }

        int[] chosen = indices.ToArray();
        return new Functional<T>(chosen.Length, (index, random) => dataset.Get(chosen[index], random));
    }

    /// <summary>A stretch of the samples.</summary>
    /// <typeparam name="T">A sample.</typeparam>
    /// <param name="dataset">The dataset.</param>
    /// <param name="range">Which.</param>
    /// <returns>The subset.</returns>
    public static IDataset<T> Subset<T>(this IDataset<T> dataset, Range range)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        (int offset, int length) = range.GetOffsetAndLength(dataset.Count);
        return new Functional<T>(length, (index, random) => dataset.Get(offset + index, random));
    }

    /// <summary>Splits the samples at random into two parts; one seed always gives the same two.</summary>
    /// <typeparam name="T">A sample.</typeparam>
    /// <param name="dataset">The dataset.</param>
    /// <param name="fraction">How much goes to the first part, 0 to 1, rounded to whole samples.</param>
    /// <param name="seed">The seed.</param>
    /// <returns>The parts, which share no sample.</returns>
    public static (IDataset<T> First, IDataset<T> Second) RandomSplit<T>(this IDataset<T> dataset, double fraction, long seed = 0)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentOutOfRangeException.ThrowIfNotEqual(fraction is >= 0 and <= 1, true, nameof(fraction));
        int[] order = new LoaderCursor(seed, 0, 0).Order(dataset.Count);
        int first = (int)Math.Round(fraction * order.Length);
        return (dataset.Subset(order.AsSpan(0, first)), dataset.Subset(order.AsSpan(first)));
    }

    private sealed class Functional<T>(int count, Func<int, SampleRandom, T> get) : IDataset<T>
    {
        public int Count => count;

        public T Get(int index, SampleRandom random)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)count, nameof(index));
            return get(index, random);
        }
    }
}
