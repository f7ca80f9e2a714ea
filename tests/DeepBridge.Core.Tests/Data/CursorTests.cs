using System.Text.Json;
using DeepBridge.Data;

namespace DeepBridge.Tests.Data;

/// <summary>Where a loader stands can be saved and restored, through the interface that a training loop uses.</summary>
public sealed class CursorTests
{
    private static Batches<Tensor> Rows(long seed = 3) =>
        Batches.Of(Tensor.Arange(11, DType.Float32), 2, shuffle: true, generator: new RandomGenerator(seed));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(6)]
    public void A_restored_cursor_gives_what_is_left_of_the_epoch_and_goes_on_alike(int handedOut)
    {
        Batches<Tensor> whole = Rows(), other = Rows(99);
        Epoch(whole);
        List<float[]> second = [];
        LoaderCursor? saved = whole.Cursor;
        foreach (Tensor batch in whole)
        {
            second.Add(batch.ToArray<float>());
            saved = second.Count == handedOut ? whole.Cursor : saved;
        }

        LoaderCursor read = JsonSerializer.Deserialize<LoaderCursor>(JsonSerializer.Serialize(saved))!;
        read.Should().Be(new LoaderCursor(saved.Seed, 1, handedOut));
        other.Restore(read);
        other.Cursor.Should().Be(read);
        Epoch(other).Should().BeEquivalentTo(second[handedOut..], options => options.WithStrictOrdering());
        other.Cursor.Should().Be(whole.Cursor).And.Be(new LoaderCursor(saved.Seed, 2, 0));
        Epoch(other).Should().BeEquivalentTo(Epoch(whole), options => options.WithStrictOrdering());
    }

    [Fact]
    public void An_iteration_left_in_the_middle_can_be_taken_up_and_else_the_next_epoch_follows()
    {
        Batches<Tensor> left = Rows(), whole = Rows();
        float[] first = [];
        foreach (Tensor batch in left)
        {
            first = batch.ToArray<float>();
            break;
        }

        LoaderCursor cursor = left.Cursor;
        cursor.Should().Be(new LoaderCursor(cursor.Seed, 0, 1));
        float[][] zero = Epoch(whole), one = Epoch(whole);
        first.Should().Equal(zero[0]);
        Epoch(left).Should().BeEquivalentTo(one, options => options.WithStrictOrdering());
        left.Restore(cursor);
        Epoch(left).Should().BeEquivalentTo(zero[1..], options => options.WithStrictOrdering());
    }

    [Fact]
    public async Task The_interface_is_enough_for_await_foreach_and_linq()
    {
        ILoader<Tensor> loader = Rows();
        float[][] expected = Epoch(Rows());
        List<float[]> read = [];
        await foreach (Tensor batch in loader)
        {
            await Task.Yield();
            read.Add(batch.ToArray<float>());
            loader.Cursor.Position.Should().Be(read.Count);
        }

        read.Should().BeEquivalentTo(expected, options => options.WithStrictOrdering());
        loader.Select(batch => batch.Shape[0]).Sum().Should().Be(11);
        loader.Count.Should().Be(6);
        loader.Cursor.Epoch.Should().Be(2);
    }

    [Fact]
    public void An_enumerator_that_never_moved_takes_no_epoch()
    {
        Batches<Tensor> loader = Rows();
        using (loader.GetEnumerator())
        {
            Epoch(loader).Should().BeEquivalentTo(Epoch(Rows()), options => options.WithStrictOrdering());
        }
    }

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(0, -1)]
    [InlineData(0, 7)]
    public void A_cursor_outside_the_epochs_is_refused(long epoch, long position)
    {
        Batches<Tensor> loader = Rows();
        LoaderCursor before = loader.Cursor;
        FluentActions.Invoking(() => loader.Restore(new LoaderCursor(1, epoch, position))).Should().Throw<ArgumentOutOfRangeException>();
        loader.Cursor.Should().Be(before);
    }

    private static float[][] Epoch(ILoader<Tensor> loader) => [.. loader.Select(batch => batch.ToArray<float>())];
}
