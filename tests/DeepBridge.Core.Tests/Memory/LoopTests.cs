using DeepBridge.Data;
using DeepBridge.Memory;

namespace DeepBridge.Tests.Memory;

/// <summary>Loops over scoped enumerators: one scope an iteration, however the loop ends.</summary>
public sealed class LoopTests
{
    private readonly Tensor _rows = Tensor.Arange(12, DType.Float32).Reshape(6, 2);

    private Batches<Tensor> Rows => Batches.Of(_rows, 1);

    [Fact]
    public void An_iteration_releases_what_the_body_made_and_a_loop_needs_no_using()
    {
        List<Tensor> made = [];
        foreach (Tensor row in Rows)
        {
            made.Should().NotContain(tensor => !tensor.IsReleased);
            made.Add(row);
            made.Add(row + 1);
            made[^1].IsReleased.Should().BeFalse();
        }

        made.Should().HaveCount(12).And.OnlyContain(tensor => tensor.IsReleased);
        TensorScope.Current.Should().BeNull();
    }

    [Fact]
    public void Steps_number_the_iterations()
    {
        List<int> numbers = [];
        List<Tensor> made = [];
        foreach (int step in TensorScope.Steps(3))
        {
            numbers.Add(step);
            made.Add(Tensor.Ones([1]));
        }

        numbers.Should().Equal(0, 1, 2);
        made.Should().OnlyContain(tensor => tensor.IsReleased);
        TensorScope.Steps(0).Should().BeEmpty();
        FluentActions.Invoking(() => TensorScope.Steps(-1)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void Break_ends_the_scope()
    {
        using TensorScope outer = new();
        Tensor last = null!;
        foreach (Tensor row in Rows)
        {
            last = row * 2;
            break;
        }

        last.IsReleased.Should().BeTrue();
        TensorScope.Current.Should().BeSameAs(outer);
    }

    [Fact]
    public void Throw_ends_the_scope()
    {
        using TensorScope outer = new();
        Tensor last = null!;
        FluentActions.Invoking(() =>
        {
            foreach (Tensor row in Rows)
            {
                last = row * 2;
                throw new InvalidOperationException();
            }
        }).Should().Throw<InvalidOperationException>();
        last.IsReleased.Should().BeTrue();
        TensorScope.Current.Should().BeSameAs(outer);
    }

    [Fact]
    public void What_is_kept_lives_on()
    {
        using TensorScope outer = new();
        List<Tensor> kept = [];
        foreach (Tensor row in Rows)
        {
            kept.Add(TensorScope.Current!.Keep(row.Sum()));
        }

        kept.Select(tensor => tensor.Item()).Should().Equal(1, 5, 9, 13, 17, 21);
        outer.Dispose();
        kept.Should().OnlyContain(tensor => tensor.IsReleased);
    }

    [Fact]
    public void Nested_loops_return_to_the_outer_iteration()
    {
        List<Tensor> inner = [];
        foreach (Tensor a in Rows)
        {
            TensorScope iteration = TensorScope.Current!;
            Tensor sum = a + 0;
            foreach (Tensor b in Rows)
            {
                inner.Add(a + b);
                if (inner.Count % 3 == 0)
                {
                    break;
                }
            }

            TensorScope.Current.Should().BeSameAs(iteration);
            inner.Should().OnlyContain(tensor => tensor.IsReleased);
            (sum + 1).IsReleased.Should().BeFalse();
        }

        inner.Should().HaveCount(18);
        TensorScope.Current.Should().BeNull();
    }

    [Theory]
    [InlineData(6, 6)]
    [InlineData(6, 3)]
    [InlineData(3, 6)]
    public void Two_loaders_zipped_release_both(int first, int second)
    {
        using TensorScope outer = new();
        Batches<Tensor> some = Batches.Of(_rows[..first], 1), others = Batches.Of(_rows[..second], 1);
        long before = LiveTensors.Count;
        List<Tensor> made = [];
        foreach ((Tensor a, Tensor b) in some.Zip(others))
        {
            made.Should().NotContain(tensor => !tensor.IsReleased);
            made.AddRange([a, b, a + b]);
            made[^1].IsReleased.Should().BeFalse();
        }

        made.Should().HaveCount(3 * Math.Min(first, second)).And.OnlyContain(tensor => tensor.IsReleased);
        TensorScope.Current.Should().BeSameAs(outer);
        LiveTensors.Count.Should().Be(before);
    }

    [Fact]
    public void Linq_over_a_loader_releases_each_iteration()
    {
        using TensorScope outer = new();
        List<Tensor> made = [];
        double[] sums = [.. Rows.Where((_, i) => i % 2 == 0).Select(row =>
        {
            made.Add(row.Sum());
            return made[^1].Item();
        }).Take(2)];
        sums.Should().Equal(1, 9);
        made.Should().OnlyContain(tensor => tensor.IsReleased);
        Rows.ToList().Should().OnlyContain(tensor => tensor.IsReleased);
        Rows.First().IsReleased.Should().BeTrue();
        Rows.Count().Should().Be(6);
        TensorScope.Current.Should().BeSameAs(outer);
    }

    [Fact]
    public void A_finished_enumerator_stays_finished_and_opens_no_scope()
    {
        using IEnumerator<Tensor> rows = Rows.GetEnumerator();
        while (rows.MoveNext())
        {
        }

        rows.MoveNext().Should().BeFalse();
        TensorScope.Current.Should().BeNull();
        IEnumerator<Tensor> disposed = Rows.GetEnumerator();
        disposed.MoveNext().Should().BeTrue();
        disposed.Dispose();
        disposed.MoveNext().Should().BeFalse();
        TensorScope.Current.Should().BeNull();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Await_foreach_that_really_suspends_owns_what_the_body_and_the_loader_make(bool stop)
    {
        using TensorScope outer = new("outer");
        List<Tensor> made = [];
        SlowLoader loader = new();
        int suspended = 0;
        await foreach (Tensor element in loader)
        {
            TensorScope iteration = TensorScope.Current!;
            iteration.Should().NotBeSameAs(outer);
            element.Scope.Should().BeSameAs(iteration);
            made.Should().NotContain(tensor => !tensor.IsReleased);
            made.AddRange([element, element + 1]);
            await Task.Delay(1);
            suspended++;
            TensorScope.Current.Should().BeSameAs(iteration);
            made.Add(element * 2);
            made[^1].Scope.Should().BeSameAs(iteration);
            if (stop && suspended == 2)
            {
                break;
            }
        }

        loader.Suspensions.Should().BeGreaterThanOrEqualTo(suspended);
        made.Should().HaveCount(3 * suspended).And.OnlyContain(tensor => tensor.IsReleased);
        TensorScope.Current.Should().BeSameAs(outer);
        Ambient.Now.Scope.Should().BeSameAs(outer);
    }

    [Fact]
    public async Task Await_foreach_over_batches_is_the_same_loop()
    {
        List<Tensor> made = [];
        double sum = 0;
        await foreach ((Tensor inputs, Tensor labels) in new Batches(_rows, Tensor.Arange(6), 4))
        {
            made.AddRange([inputs, labels]);
            await Task.Yield();
            sum += inputs.Sum().Item() + labels.Sum().Item();
        }

        sum.Should().Be(66 + 15);
        made.Should().OnlyContain(tensor => tensor.IsReleased);
        TensorScope.Current.Should().BeNull();
    }

    [Fact]
    public async Task Cancellation_ends_an_asynchronous_loop_and_its_scope()
    {
        using CancellationTokenSource source = new();
        Tensor last = null!;
        IAsyncEnumerator<Tensor> rows = Rows.GetAsyncEnumerator(source.Token);
        (await rows.MoveNextAsync()).Should().BeTrue();
        last = rows.Current;
        await source.CancelAsync();
        await FluentActions.Awaiting(async () => await rows.MoveNextAsync()).Should().ThrowAsync<OperationCanceledException>();
        await rows.DisposeAsync();
        last.IsReleased.Should().BeTrue();
        TensorScope.Current.Should().BeNull();
    }

    [Fact]
    public void Parallel_for_over_call_keeps_each_result_in_the_loops_scope()
    {
        Scale module = new();
        Tensor[] results = new Tensor[64];
        long before = LiveTensors.Count;
        using (TensorScope scope = new("loop"))
        {
            Parallel.For(0, results.Length, i => results[i] = module.Call(Tensor.From<float>([i, 1])));
            results.Should().OnlyContain(result => !result.IsReleased && result.Scope == scope);
            results.Select(result => result.ToArray<float>()[0]).Should().Equal(Enumerable.Range(0, 64).Select(i => (float)i));
        }

        results.Should().OnlyContain(result => result.IsReleased);
        LiveTensors.Count.Should().Be(before);
    }

    /// <summary>A loader whose elements come later, made on another thread.</summary>
    private sealed class SlowLoader : IAsyncEnumerable<Tensor>
    {
        public int Suspensions { get; private set; }

        public IAsyncEnumerator<Tensor> GetAsyncEnumerator(CancellationToken cancellationToken = default) => new Enumerator(this);

        private sealed class Enumerator(SlowLoader loader) : ScopedEnumerator<Tensor>("slow")
        {
            private int _next;

            protected override bool TryNext(out Tensor? next)
            {
                next = _next < 4 ? Tensor.From<float>([_next++]) : null;
                return next is not null;
            }

            protected override async ValueTask<(bool Found, Tensor? Next)> NextAsync()
            {
                loader.Suspensions++;
                await Task.Delay(2).ConfigureAwait(false);
                return (TryNext(out Tensor? next), next);
            }
        }
    }
}
