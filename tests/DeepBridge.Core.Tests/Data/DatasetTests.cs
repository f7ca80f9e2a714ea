using DeepBridge.Data;

namespace DeepBridge.Tests.Data;

public sealed class DatasetTests
{
    private static readonly IDataset<int> s_squares = Dataset.From(10, (index, _) => index * index);

    [Fact]
    public void Datasets_are_made_of_one_another()
    {
        s_squares.Select(square => square + 0.5).Get(3).Should().Be(9.5);
        s_squares.Zip(Dataset.Of("0123456789".ToCharArray())).Get(4).Should().Be((16, '4'));
        All(s_squares.Subset(3, 1, 3)).Should().Equal(9, 1, 9);
        All(s_squares.Subset(2..4)).Should().Equal(4, 9);
        All(s_squares.Subset(..0)).Should().BeEmpty();
        FluentActions.Invoking(() => s_squares.Subset(3, 10)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => s_squares.Subset(8..11)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => s_squares.Zip(Dataset.Of(new int[9]))).Should().Throw<ArgumentException>().WithMessage("*10*9*");
        FluentActions.Invoking(() => s_squares.Get(10)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => s_squares.Get(-1)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0.25, 25)]
    [InlineData(0.904, 90)]
    [InlineData(1, 100)]
    public void A_random_split_shares_nothing_loses_nothing_and_follows_its_seed(double fraction, int expected)
    {
        IDataset<int> numbers = Dataset.From(100, (index, _) => index);
        (IDataset<int> first, IDataset<int> second) = numbers.RandomSplit(fraction, seed: 4);
        All(first).Should().HaveCount(expected);
        All(first).Concat(All(second)).Should().BeEquivalentTo(Enumerable.Range(0, 100)).And.NotBeInAscendingOrder();
        All(numbers.RandomSplit(fraction, seed: 4).First).Should().Equal(All(first));
        FluentActions.Invoking(() => numbers.RandomSplit(double.NaN)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void Rows_of_tensors_and_arrays_are_views_of_them()
    {
        IDataset<HostArray<float>> rows = Dataset.Rows<float>(Tensor.Arange(12, DType.Float32).Reshape(3, 2, 2));
        rows.Count.Should().Be(3);
        rows.Get(1).Shape.AsSpan().ToArray().Should().Equal(2, 2);
        rows.Get(1).Span.ToArray().Should().Equal(4, 5, 6, 7);
        Dataset.Rows<long>(Tensor.Arange(3)).Get(2).Span.ToArray().Should().Equal(2);
        FluentActions.Invoking(() => Dataset.Rows<float>(Tensor.Of(1.0))).Should().Throw<ShapeMismatchException>();
        FluentActions.Invoking(() => Dataset.Rows<int>(Tensor.Arange(3))).Should().Throw<DTypeMismatchException>();
        FluentActions.Invoking(() => new HostArray<int>(new int[3], [2])).Should().Throw<ShapeMismatchException>();
        FluentActions.Invoking(() => new HostArray<int>(new int[1], []).Row(0)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void Random_numbers_of_samples_are_uniform_apart_and_pinned()
    {
        double[] means = [.. Enumerable.Range(0, 200).Select(index => Mean(new SampleRandom(1, 2, index)))];
        means.Average().Should().BeApproximately(0.5, 0.005);
        means.Should().OnlyHaveUniqueItems();
        SampleRandom random = new(1, 2, 3);
        int[] counts = new int[5];
        for (int i = 0; i < 5000; i++)
        {
            counts[random.Integer(5)]++;
        }

        counts.Should().OnlyContain(count => count > 900 && count < 1100);
        new SampleRandom(1, 2, 3).Integer(1_000_000).Should().NotBe(new SampleRandom(1, 3, 3).Integer(1_000_000));

        // The layout: words 2 and 3 of block `epoch` under the seed are the key; sample i begins at block i · 2³².
        uint[] block = new uint[4], words = new uint[2];
        DeepBridge.Randomness.Philox.Words(1, 2, block);
        DeepBridge.Randomness.Philox.Words(block[2] | ((ulong)block[3] << 32), 3ul << 32, words);
        new SampleRandom(1, 2, 3).Uniform().Should().Be(DeepBridge.Randomness.Philox.Uniform(words[0], words[1]));

        static double Mean(SampleRandom random) => Enumerable.Range(0, 100).Average(_ => random.Uniform());
    }

    private static T[] All<T>(IDataset<T> dataset) => [.. Enumerable.Range(0, dataset.Count).Select(index => dataset.Get(index))];
}
