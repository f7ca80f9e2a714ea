using System.Diagnostics.Metrics;
using DeepBridge.Data;
using DeepBridge.Memory;
using FsCheck;
using FsCheck.Fluent;

namespace DeepBridge.Tests.Data;

/// <summary>The loader: the same batches whoever makes them, and nothing left behind.</summary>
public sealed class DataLoaderTests
{
    private const int Rows = 23;

    private static IDataset<(HostArray<float> Input, long Label)> Noisy { get; } = Dataset.From(
        Rows, (index, random) => (new HostArray<float>(new float[] { index, (float)random.Uniform(), random.Integer(1000) }, [3]), (long)index));

    private static DataLoader<(HostArray<float> Input, long Label), (Tensor Inputs, Tensor Labels)> Loader(
        int workers, bool shuffle = true, bool dropLast = false, long? seed = 5, int batchSize = 4) => DataLoader.Create(
        Noisy, new DataLoaderOptions { BatchSize = batchSize, Shuffle = shuffle, DropLast = dropLast, Seed = seed, Workers = workers });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(40)]
    public async Task Order_and_content_are_the_same_with_any_number_of_workers(int workers)
    {
        var inline = Loader(0);
        var prefetching = Loader(workers);
        for (int epoch = 0; epoch < 3; epoch++)
        {
            float[][] expected = Read(inline);
            expected.Sum(batch => batch.Length).Should().Be(3 * Rows);
            List<float[]> read = [];
            if (epoch == 2)
            {
                IAsyncEnumerable<float[]> arrays = prefetching.AsAsyncEnumerable().Select(batch => batch.Item1.ToArray<float>());
                await foreach (float[] array in arrays)
                {
                    read.Add(array);
                }
            }
            else if (epoch == 1)
            {
                await foreach ((Tensor inputs, _) in prefetching)
                {
                    await Task.Yield();
                    read.Add(inputs.ToArray<float>());
                }
            }

            (epoch > 0 ? [.. read] : Read(prefetching)).Should().BeEquivalentTo(expected, options => options.WithStrictOrdering());
        }

        prefetching.Cursor.Should().Be(inline.Cursor).And.Be(new LoaderCursor(5, 3, 0));
    }

    [Fact]
    public void Each_epoch_has_another_order_and_other_random_numbers_and_another_seed_too()
    {
        var loader = Loader(0);
        float[] first = [.. Read(loader).SelectMany(each => each)], second = [.. Read(loader).SelectMany(each => each)];
        float[] other = [.. Read(Loader(0, seed: 6)).SelectMany(each => each)];
        foreach (float[] epoch in new[] { first, second, other })
        {
            epoch.Where((_, i) => i % 3 == 0).Should().BeEquivalentTo(Enumerable.Range(0, Rows).Select(i => (float)i));
        }

        Func<float[], int, float> noise = (epoch, index) => epoch[(Array.FindIndex(epoch, 0, value => value == index) / 3 * 3) + 1];
        first.Should().NotEqual(second).And.NotEqual(other);
        Func<int, bool> same = i => noise(first, i) == noise(second, i) || noise(first, i) == noise(other, i);
        Enumerable.Range(0, Rows).Should().NotContain(i => same(i));
    }

    [Fact]
    public void Without_a_seed_one_is_drawn_from_the_generator_when_the_loader_is_made()
    {
        using AmbientChange change = new RandomGenerator(3).Use();
        var one = Loader(0, seed: null);
        var two = Loader(0, seed: null);
        RandomGenerator.Seed(3);
        var three = Loader(0, seed: null);
        one.Cursor.Seed.Should().NotBe(two.Cursor.Seed).And.Be(three.Cursor.Seed);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void A_cursor_saved_in_the_middle_of_an_epoch_gives_the_rest_and_goes_on_alike(int workers)
    {
        var whole = Loader(workers);
        var resumed = Loader(workers, seed: 77);
        Read(whole);
        List<float[]> rest = [];
        LoaderCursor? saved = null;
        foreach ((Tensor inputs, _) in whole)
        {
            if (saved is not null)
            {
                rest.Add(inputs.ToArray<float>());
            }
            else if (whole.Cursor.Position == 2)
            {
                saved = whole.Cursor;
            }
        }

        rest.Should().HaveCount(4);
        resumed.Restore(saved!);
        Read(resumed).Should().BeEquivalentTo(rest, options => options.WithStrictOrdering());
        Read(resumed).Should().BeEquivalentTo(Read(whole), options => options.WithStrictOrdering());
    }

    [Fact]
    public void From_any_cursor_on_the_rest_is_the_rest_for_any_size_and_number_of_workers() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(60), Prop.ForAll(
            Gen.Choose(0, 1000).Four().ToArbitrary(),
            drawn =>
            {
                (int a, int b, int c, int d) = drawn;
                var whole = Loader(0, shuffle: a % 2 == 0, dropLast: b % 2 == 0, seed: c, batchSize: 1 + (d % 25));
                var other = Loader(a % 4, shuffle: a % 2 == 0, dropLast: b % 2 == 0, seed: d, batchSize: 1 + (d % 25));
                LoaderCursor cursor = whole.Cursor with { Epoch = b % 3, Position = c % (whole.Count + 1) };
                whole.Restore(cursor with { Position = 0 });
                other.Restore(cursor);
                float[][] expected = Read(whole)[(int)cursor.Position..], rest = Read(other);
                return other.Cursor == whole.Cursor && rest.Length == expected.Length
                    && rest.Zip(expected).All(pair => pair.First.SequenceEqual(pair.Second));
            }));

    [Fact]
    public void Two_loops_over_one_loader_have_an_epoch_each()
    {
        var loader = Loader(2);
        var alone = Loader(0);
        float[][] zero = Read(alone), one = Read(alone);
        using TensorScope outer = new();
        long before = LiveTensors.Count;
        int batch = 0;
        foreach (((Tensor first, _), (Tensor second, _)) in loader.Zip(loader))
        {
            first.ToArray<float>().Should().Equal(zero[batch]);
            second.ToArray<float>().Should().Equal(one[batch++]);
        }

        batch.Should().Be(6);
        LiveTensors.Count.Should().Be(before);
    }

    [Theory]
    [InlineData(4, false, 6)]
    [InlineData(4, true, 5)]
    [InlineData(23, true, 1)]
    [InlineData(24, true, 0)]
    [InlineData(24, false, 1)]
    public void The_last_batch_may_be_smaller_or_left_out(int batchSize, bool dropLast, int expected)
    {
        foreach (int workers in new[] { 0, 2 })
        {
            var loader = Loader(workers, shuffle: false, dropLast, batchSize: batchSize);
            float[][] read = Read(loader);
            (loader.Count, read.Length).Should().Be((expected, expected));
            read.SelectMany(batch => batch).Where((_, i) => i % 3 == 0).Should().Equal(
                Enumerable.Range(0, dropLast ? expected * batchSize : Rows).Select(i => (float)i));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task What_a_sample_throws_comes_out_with_its_number_after_the_batches_before_it(int workers)
    {
        InvalidOperationException cause = new("no such picture");
        IDataset<HostArray<float>> broken = Dataset.From(20, (index, _) => index == 9 ? throw cause : new HostArray<float>(new float[1], [1]));
        DataLoader<HostArray<float>, Tensor> loader = DataLoader.Create(broken, new DataLoaderOptions { BatchSize = 4, Workers = workers });
        using TensorScope outer = new();
        long before = LiveTensors.Count;
        int read = 0;
        SampleException error = FluentActions.Invoking(() =>
        {
            foreach (Tensor batch in loader)
            {
                read++;
            }
        }).Should().Throw<SampleException>().WithMessage("*9*no such picture*").Which;
        (error.Index, error.InnerException, read).Should().Be((9, cause, 2));
        loader.Cursor.Should().Be(new LoaderCursor(loader.Cursor.Seed, 0, 2));
        (await FluentActions.Awaiting(async () =>
        {
            await foreach (Tensor batch in loader)
            {
                await Task.Yield();
            }
        }).Should().ThrowAsync<SampleException>()).Which.Index.Should().Be(9);
        LiveTensors.Count.Should().Be(before);
        TensorScope.Current.Should().BeSameAs(outer);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Samples_that_make_tensors_hand_them_to_the_iteration_and_breaking_off_frees_all(int workers)
    {
        IDataset<Tensor> tensors = Dataset.From(40, (index, _) => Tensor.Full([8], index) * 2);
        DataLoader<Tensor, Tensor[]> loader = new(
            tensors, samples => device => [.. samples, Tensor.Stack([.. samples])], new DataLoaderOptions { BatchSize = 4, Workers = workers });
        using TensorScope outer = new();

        // The constant 2 is cached for good at its first use.
        tensors.Get(0).Dispose();
        long before = LiveTensors.Count;
        List<Tensor> seen = [];
        Tensor? kept = null;
        foreach (Tensor[] batch in loader)
        {
            batch.Should().OnlyContain(tensor => tensor.Scope == TensorScope.Current);
            seen.Should().NotContain(tensor => !tensor.IsReleased && !ReferenceEquals(tensor, kept));
            seen.AddRange(batch);
            kept ??= TensorScope.Current!.Keep(batch[1]);
            if (seen.Count == 20)
            {
                break;
            }
        }

        seen.Where(tensor => !tensor.IsReleased).Should().Equal(kept!);
        kept!.ToArray<float>().Should().OnlyContain(value => value == 2);
        LiveTensors.Count.Should().Be(before + 1);
        TensorScope.Current.Should().BeSameAs(outer);
    }

    [Fact]
    public void Leaving_the_loop_stops_the_workers_before_it_returns()
    {
        int made = 0, running = 0;
        IDataset<HostArray<float>> slow = Dataset.From(10_000, (_, _) =>
        {
            Interlocked.Increment(ref running);
            Interlocked.Increment(ref made);
            Thread.Sleep(1);
            Interlocked.Decrement(ref running);
            return new HostArray<float>(new float[1], [1]);
        });
        foreach (Tensor batch in DataLoader.Create(slow, new DataLoaderOptions { BatchSize = 2, Workers = 3, Prefetch = 2 }))
        {
            break;
        }

        int after = made;
        running.Should().Be(0);

        // One handed out, and for each of three workers two in its channel and one in its hands.
        after.Should().BeLessThanOrEqualTo(2 * (1 + (3 * 3)));
        Thread.Sleep(20);
        made.Should().Be(after);
    }

    [Fact]
    public void Workers_see_nothing_ambient_of_the_loop()
    {
        bool?[] seen = new bool?[6];
        IDataset<HostArray<float>> looking = Dataset.From(6, (index, _) =>
        {
            seen[index] = ReferenceEquals(Ambient.Now.Generator, null) && Ambient.Now.Recording && TensorScope.Current!.Name == "samples";
            return new HostArray<float>(new float[1], [1]);
        });
        using TensorScope outer = new("outer");
        using AmbientChange generator = new RandomGenerator(1).Use();
        using AmbientChange recording = Gradients.NoGradient();
        foreach (Tensor batch in DataLoader.Create(looking, new DataLoaderOptions { BatchSize = 2, Workers = 2 }))
        {
            TensorScope.Current!.Name.Should().Be("batch");
        }

        seen.Should().OnlyContain(good => good == true);
        ExecutionContext.IsFlowSuppressed().Should().BeFalse();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task Cancellation_ends_the_loop_also_while_it_waits(int workers)
    {
        using CancellationTokenSource source = new();
        IDataset<HostArray<float>> cancelling = Dataset.From(50, (index, _) =>
        {
            if (index == 9)
            {
                source.Cancel();
            }

            return new HostArray<float>(new float[1], [1]);
        });
        long before = LiveTensors.Count;
        DataLoader<HostArray<float>, Tensor> loader = DataLoader.Create(cancelling, new DataLoaderOptions { BatchSize = 5, Workers = workers });
        await FluentActions.Awaiting(async () =>
        {
            IAsyncEnumerator<Tensor> batches = loader.GetAsyncEnumerator(source.Token);
            await using (batches)
            {
                while (await batches.MoveNextAsync())
                {
                    await Task.Delay(1);
                }
            }
        }).Should().ThrowAsync<OperationCanceledException>();
        LiveTensors.Count.Should().Be(before);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Waiting_is_measured_and_told_to_the_meter(int workers)
    {
        double told = 0;
        using MeterListener listener = new()
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument is { Meter.Name: "DeepBridge", Name: "deepbridge.loader.wait", Unit: "s" })
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((_, seconds, _, _) => told += seconds);
        listener.Start();
        var loader = Loader(workers);
        Read(loader);
        loader.WaitTime.Should().BePositive();
        told.Should().BeApproximately(loader.WaitTime.TotalSeconds, 1e-3);
    }

    [Fact]
    public void Samples_of_one_batch_must_have_one_shape_and_options_must_make_sense()
    {
        IDataset<HostArray<int>> ragged = Dataset.From(4, (index, _) => new HostArray<int>(new int[index], [index]));
        FluentActions.Invoking(() => DataLoader.Create(ragged, new DataLoaderOptions { BatchSize = 2 }).ToList())
            .Should().Throw<ShapeMismatchException>().WithMessage("*(1,)*(0,)*");
        foreach (DataLoaderOptions bad in new DataLoaderOptions[] { new() { BatchSize = 0 }, new() { Prefetch = 0 }, new() { Workers = -1 } })
        {
            FluentActions.Invoking(() => DataLoader.Create(ragged, bad)).Should().Throw<ArgumentOutOfRangeException>();
        }
    }

    [Fact]
    public void Batches_have_the_dtypes_and_shapes_of_their_samples_and_go_to_the_device_asked_for()
    {
        IDataset<(HostArray<byte> Input, HostArray<int> Label)> pairs = Dataset.From(
            3, (index, _) => (new HostArray<byte>(new byte[] { (byte)index, 7 }, [1, 2]), new HostArray<int>(new[] { index }, [])));
        foreach ((Tensor inputs, Tensor labels) in DataLoader.Create(pairs, new DataLoaderOptions { Device = Device.Default }))
        {
            (inputs.Spec.ToString(), labels.Spec.ToString()).Should().Be((new TensorSpec([3, 1, 2], DType.UInt8).ToString(), new TensorSpec([3], DType.Int32).ToString()));
            inputs.ToArray<byte>().Should().Equal(0, 7, 1, 7, 2, 7);
            labels.ToArray<int>().Should().Equal(0, 1, 2);
        }
    }

    private static float[][] Read(ILoader<(Tensor Inputs, Tensor Labels)> loader) => [.. loader.Select(batch =>
    {
        float[] values = batch.Inputs.ToArray<float>();
        values.Where((_, i) => i % 3 == 0).Should().Equal(batch.Labels.ToArray<long>().Select(label => (float)label));
        return values;
    })];
}
