using DeepBridge.Data;

namespace DeepBridge.Tests.Data;

public sealed class BatchesTests
{
    private readonly Tensor _inputs = Tensor.Arange(20, DType.Float32).Reshape(10, 2);
    private readonly Tensor _labels = Tensor.Arange(10);

    [Fact]
    public void Batches_come_in_order_and_the_last_may_be_smaller()
    {
        Batches batches = new(_inputs, _labels, 4);
        (batches.Count, batches.Rows).Should().Be((3, 10));
        Read(batches).Should().BeEquivalentTo(
            new long[][] { [0, 1, 2, 3], [4, 5, 6, 7], [8, 9] }, options => options.WithStrictOrdering());
    }

    [Theory]
    [InlineData(4, 2)]
    [InlineData(5, 2)]
    [InlineData(11, 0)]
    public void A_last_batch_that_is_not_full_may_be_dropped(int size, int expected)
    {
        Batches batches = new(_inputs, _labels, size, dropLast: true);
        batches.Count.Should().Be(expected);
        Read(batches).Should().HaveCount(expected).And.NotContain(batch => batch.Length != size);
    }

    [Fact]
    public void Each_epoch_is_a_fresh_permutation_in_which_rows_stay_together()
    {
        Batches batches = new(_inputs, _labels, 4, shuffle: true, generator: new RandomGenerator(1));
        long[][] first = Read(batches), second = Read(batches);
        first.SelectMany(each => each).Should().BeEquivalentTo(Enumerable.Range(0, 10).Select(i => (long)i));
        second.SelectMany(each => each).Should().BeEquivalentTo(first.SelectMany(each => each));
        second.SelectMany(each => each).Should().NotEqual(first.SelectMany(each => each));
    }

    [Fact]
    public void One_seed_gives_the_same_orders_also_from_the_ambient_generator()
    {
        long[][] first = Read(new Batches(_inputs, _labels, 3, shuffle: true, generator: new RandomGenerator(7)));
        using AmbientChange change = new RandomGenerator(7).Use();
        long[][] ambient = Read(new Batches(_inputs, _labels, 3, shuffle: true));
        ambient.Should().BeEquivalentTo(first, options => options.WithStrictOrdering());
        Read(new Batches(_inputs, _labels, 3, shuffle: true, generator: new RandomGenerator(8)))
            .SelectMany(each => each).Should().NotEqual(first.SelectMany(each => each));
    }

    [Fact]
    public void One_tensor_is_batched_by_itself()
    {
        List<float> sums = [];
        foreach (Tensor batch in Batches.Of(_inputs, 5))
        {
            sums.Add(batch.Sum().Item<float>());
        }

        sums.Should().Equal(45, 145);
    }

    [Fact]
    public void A_batch_of_all_rows_belongs_to_its_iteration_and_the_source_does_not()
    {
        Tensor kept = null!;
        foreach ((Tensor inputs, _) in new Batches(_inputs, _labels, 10))
        {
            kept = inputs;
            kept.Scope.Should().BeSameAs(TensorScope.Current);
        }

        (kept.IsReleased, _inputs.IsReleased).Should().Be((true, false));
    }

    [Fact]
    public void Rows_that_do_not_fit_and_bad_sizes_throw()
    {
        FluentActions.Invoking(() => new Batches(_inputs, _labels[1..], 4)).Should().Throw<ShapeMismatchException>().WithMessage("*(10, 2)*(9,)*");
        FluentActions.Invoking(() => Batches.Of(Tensor.Of(1), 4)).Should().Throw<ShapeMismatchException>();
        FluentActions.Invoking(() => Batches.Of(_inputs, 0)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Theory]
    [InlineData(0.01, 1)]
    [InlineData(0.3, 3)]
    [InlineData(0.99, 10)]
    public void A_split_shares_nothing_loses_nothing_and_follows_its_seed(double validation, int expected)
    {
        Batches whole = new(_inputs, _labels, 4, shuffle: true, dropLast: true, generator: new RandomGenerator(1));
        (Batches<(Tensor Inputs, Tensor Labels)> train, Batches<(Tensor Inputs, Tensor Labels)> held) = whole.Split(validation, seed: 4);
        long[] first = Numbers(held);
        (train.Rows, held.Rows, train.Count).Should().Be((10 - expected, expected, (10 - expected) / 4));
        first.Should().HaveCount(expected).And.BeInAscendingOrder();
        Numbers(held).Should().Equal(first, "it validates on the same rows in each epoch");
        Enumerable.Range(0, 20).SelectMany(_ => Numbers(train)).Distinct().Order().Should()
            .Equal(train.Count == 0 ? [] : Enumerable.Range(0, 10).Select(row => (long)row).Except(first), "each epoch leaves out others");
        Numbers(whole.Split(validation, seed: 4).Validation).Should().Equal(first);
    }

    [Fact]
    public void A_part_is_shuffled_as_the_whole_is_and_can_be_split_and_resumed()
    {
        (Batches<(Tensor Inputs, Tensor Labels)> ordered, _) = new Batches(_inputs, _labels, 4).Split(0.2);
        Numbers(ordered).Should().HaveCount(8).And.BeInAscendingOrder();
        (Batches<(Tensor Inputs, Tensor Labels)> train, Batches<(Tensor Inputs, Tensor Labels)> test) =
            new Batches(_inputs, _labels, 4, shuffle: true, generator: new RandomGenerator(1)).Split(0.2);
        (Batches<(Tensor Inputs, Tensor Labels)> rest, Batches<(Tensor Inputs, Tensor Labels)> held) = train.Split(0.25);
        Numbers(rest).Concat(Numbers(held)).Concat(Numbers(test)).Order().Should().Equal(Enumerable.Range(0, 10).Select(row => (long)row));
        LoaderCursor start = rest.Cursor;
        long[] second = Numbers(rest), third = Numbers(rest);
        third.Should().NotEqual(second).And.BeEquivalentTo(second);
        rest.Restore(start);
        Numbers(rest).Should().Equal(second);
        FluentActions.Invoking(() => train.Split(0)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => train.Split(1)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => train.Split(double.NaN)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void No_rows_are_no_batches() => Read(new Batches(Tensor.Zeros([0, 2]), Tensor.Zeros([0], DType.Int64), 4, shuffle: true)).Should().BeEmpty();

    private static long[] Numbers(Batches<(Tensor Inputs, Tensor Labels)> batches) => [.. Read(batches).SelectMany(batch => batch)];

    private static long[][] Read(Batches<(Tensor Inputs, Tensor Labels)> batches)
    {
        List<long[]> read = [];
        foreach ((Tensor inputs, Tensor labels) in batches)
        {
            long[] numbers = labels.ToArray<long>();
            inputs.ToArray<float>().Should().Equal(numbers.SelectMany(number => new[] { 2f * number, (2f * number) + 1 }));
            read.Add(numbers);
        }

        return [.. read];
    }
}
