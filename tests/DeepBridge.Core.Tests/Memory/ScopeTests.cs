using DeepBridge.Memory;

namespace DeepBridge.Tests.Memory;

public sealed class ScopeTests
{
    [Fact]
    public void A_scope_releases_what_was_created_inside()
    {
        Tensor before = Tensor.Zeros([2]), inside;
        using (new TensorScope())
        {
            inside = before + 1;
        }

        inside.IsReleased.Should().BeTrue();
        before.ToArray<float>().Should().Equal(0, 0);
    }

    [Fact]
    public void Scopes_nest()
    {
        using TensorScope outer = new("outer");
        Tensor a = Tensor.Zeros([2]), b;
        using (new TensorScope("inner"))
        {
            b = a + 1;
            TensorScope.Current!.Name.Should().Be("inner");
        }

        TensorScope.Current.Should().BeSameAs(outer);
        Tensor c = a + 2;
        (a.IsReleased, b.IsReleased, c.IsReleased).Should().Be((false, true, false));
        outer.Dispose();
        (a.IsReleased, c.IsReleased).Should().Be((true, true));
        TensorScope.Current.Should().BeNull();
    }

    [Fact]
    public void Keep_moves_a_value_with_its_history_to_the_parent()
    {
        using TensorScope outer = new("outer");
        Parameter w = new(Tensor.From<float>([2, 3]));
        Tensor loss;
        using (TensorScope inner = new("inner"))
        {
            loss = inner.Keep((w.Value * w.Value).Sum());
        }

        loss.Item().Should().Be(13);
        Gradients.Of(loss, [w])[w].ToArray<float>().Should().Equal(4, 6);
        outer.Dispose();
        loss.IsReleased.Should().BeTrue();
    }

    [Fact]
    public void What_the_outermost_scope_keeps_belongs_to_nobody()
    {
        Tensor kept;
        using (TensorScope scope = new())
        {
            kept = scope.Keep(Tensor.Ones([1]));
        }

        kept.ToArray<float>().Should().Equal(1);
        kept.Dispose();
        kept.IsReleased.Should().BeTrue();
    }

    [Fact]
    public void Keeping_what_another_scope_owns_changes_nothing()
    {
        using TensorScope outer = new("outer");
        Tensor mine = Tensor.Ones([1]);
        using (TensorScope inner = new("inner"))
        {
            inner.Keep(mine).Should().BeSameAs(mine);
        }

        outer.Dispose();
        mine.IsReleased.Should().BeTrue();
    }

    [Fact]
    public void A_scope_ended_twice_does_nothing_the_second_time()
    {
        using TensorScope outer = new();
        TensorScope inner = new();
        inner.Dispose();
        Tensor x = Tensor.Ones([1]);
        inner.Dispose();
        x.IsReleased.Should().BeFalse();
        TensorScope.Current.Should().BeSameAs(outer);
    }

    [Fact]
    public void Ending_a_scope_ends_its_descendants()
    {
        TensorScope outer = new(), middle = new(), inner = new();
        Tensor x = Tensor.Ones([1]);
        outer.Dispose();
        (middle.HasEnded, inner.HasEnded, x.IsReleased).Should().Be((true, true, true));
        TensorScope.Current.Should().BeNull();
    }

    [Fact]
    public void Ends_out_of_order_are_legal()
    {
        using TensorScope root = new("root");
        TensorScope first = new("first");
        Tensor a = Tensor.Ones([1]);
        TensorScope second = new("second");
        Tensor b = Tensor.Ones([1]);
        first.Dispose();
        (a.IsReleased, b.IsReleased).Should().Be((true, true));
        TensorScope.Current.Should().BeSameAs(root);
        Tensor c = Tensor.Ones([1]);
        second.Dispose();
        TensorScope.Current.Should().BeSameAs(root);
        c.IsReleased.Should().BeFalse();
    }

    [Fact]
    public void Siblings_end_in_any_order_without_losing_one_another()
    {
        using TensorScope root = new();
        TensorScope[] siblings = [.. Enumerable.Range(0, 5).Select(_ => TensorScope.Detached("sibling"))];
        Tensor[] tensors = [.. siblings.Select(sibling => sibling.Own(new Tensor(Tensor.Ones([1]).Data.Retain())))];
        siblings[2].End();
        siblings[0].End();
        tensors.Select(tensor => tensor.IsReleased).Should().Equal(true, false, true, false, false);
        root.Dispose();
        tensors.Should().OnlyContain(tensor => tensor.IsReleased);
    }

    [Fact]
    public void A_released_tensor_that_is_used_names_the_op_and_the_scope()
    {
        Tensor x;
        using (new TensorScope("epoch 3"))
        {
            x = Tensor.Ones([2]);
        }

        Tensor y = Tensor.Ones([2]);
        FluentActions.Invoking(() => x.Relu()).Should().Throw<TensorReleasedException>().WithMessage("*Relu*float32(2,)*'epoch 3'*Keep*");
        FluentActions.Invoking(() => y + x).Should().Throw<TensorReleasedException>().WithMessage("*Add*'epoch 3'*");
        FluentActions.Invoking(() => Tensor.Concat([y, x])).Should().Throw<TensorReleasedException>().WithMessage("*Concat*'epoch 3'*");
        FluentActions.Invoking(() => x.ToArray<float>()).Should().Throw<TensorReleasedException>().WithMessage("*'epoch 3'*");
        y.Dispose();
        FluentActions.Invoking(() => y.Relu()).Should().Throw<TensorReleasedException>().WithMessage("*Relu*disposed*");
    }

    [Fact]
    public void Disposing_frees_at_once_and_twice_does_nothing()
    {
        using TensorScope scope = new();
        long before = LiveTensors.Count;
        Tensor x = Tensor.From<float>([1, 2]);
        Tensor view = x[..1];
        x.Dispose();
        x.Dispose();
        view.ToArray<float>().Should().Equal(1);
        view.Dispose();
        LiveTensors.Count.Should().Be(before);
    }

    [Fact]
    public void Outside_any_scope_a_tensor_belongs_to_nobody()
    {
        TensorScope.Current.Should().BeNull();
        Tensor x = Tensor.Ones([2]);
        Tensor y = x + 1;
        (x.Scope, y.Scope).Should().Be(((TensorScope?)null, (TensorScope?)null));
    }

    [Fact]
    public void Run_keeps_its_result()
    {
        using TensorScope outer = new();
        Tensor inside = null!;
        Tensor result = TensorScope.Run(() =>
        {
            inside = Tensor.Ones([2]);
            return inside + 1;
        });
        (inside.IsReleased, result.IsReleased).Should().Be((true, false));
        result.Scope.Should().BeSameAs(outer);
    }

    [Fact]
    public void A_scope_ends_when_its_body_throws()
    {
        Tensor x = null!;
        FluentActions.Invoking(() => TensorScope.Run(() =>
        {
            x = Tensor.Ones([1]);
            throw new InvalidOperationException();
        })).Should().Throw<InvalidOperationException>();
        x.IsReleased.Should().BeTrue();
        TensorScope.Current.Should().BeNull();
    }

    [Fact]
    public async Task A_scope_follows_await()
    {
        Tensor x, y;
        using (TensorScope scope = new("async"))
        {
            x = Tensor.Ones([1]);
            await Task.Delay(1);
            TensorScope.Current.Should().BeSameAs(scope);
            y = await Task.Run(() => Tensor.Ones([1]) + 1);
            y.IsReleased.Should().BeFalse();
        }

        (x.IsReleased, y.IsReleased).Should().Be((true, true));
        TensorScope.Current.Should().BeNull();
    }

    [Fact]
    public async Task A_scope_opened_in_an_awaited_method_stays_there()
    {
        using TensorScope outer = new();
        await Inner();
        TensorScope.Current.Should().BeSameAs(outer);

        static async Task Inner()
        {
            TensorScope leaked = new("inner");
            await Task.Yield();
            TensorScope.Current.Should().BeSameAs(leaked);
        }
    }

    [Fact]
    public void Threads_may_share_a_scope()
    {
        Tensor[][] made = new Tensor[8][];
        using (new TensorScope("shared"))
        {
            Parallel.For(0, made.Length, i => made[i] = [.. Enumerable.Range(0, 200).Select(n => Tensor.From<float>([n + i]))]);
            made.SelectMany(each => each).Should().OnlyContain(tensor => !tensor.IsReleased);
            made[3][5].Item().Should().Be(8);
        }

        made.SelectMany(each => each).Should().OnlyContain(tensor => tensor.IsReleased);
    }

    [Fact]
    public void A_thread_without_flow_has_no_scope()
    {
        using TensorScope scope = new();
        Tensor x = null!;
        using (ExecutionContext.SuppressFlow())
        {
            Thread thread = new(() => x = Tensor.Ones([1]));
            thread.Start();
            thread.Join();
        }

        scope.Dispose();
        x.IsReleased.Should().BeFalse();
        x.Dispose();
    }

    [Fact]
    public async Task Fire_and_forget_neither_crashes_nor_leaks_into_the_next_scope()
    {
        TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<(bool Threw, Tensor Late)> forgotten;
        using TensorScope outer = new("outer");
        using (new TensorScope("step 1"))
        {
            Tensor batch = Tensor.Ones([2]);
            forgotten = Task.Run(async () =>
            {
                await go.Task;
                bool threw = false;
                try
                {
                    batch.Relu();
                }
                catch (TensorReleasedException error)
                {
                    threw = error.Message.Contains("step 1", StringComparison.Ordinal);
                }

                return (threw, Tensor.Ones([3]));
            });
        }

        using (TensorScope next = new("step 2"))
        {
            go.SetResult();
            (bool threw, Tensor late) = await forgotten;
            threw.Should().BeTrue();
            late.Scope.Should().BeSameAs(outer);
        }

        (await forgotten).Late.IsReleased.Should().BeFalse();
        outer.Dispose();
        (await forgotten).Late.IsReleased.Should().BeTrue();
    }

    [Fact]
    public void Ambient_settings_return_to_a_scope_that_lives()
    {
        using TensorScope outer = new("outer");
        TensorScope inner = new("inner");
        AmbientChange change = Gradients.NoGradient();
        TensorScope third = new("third");
        inner.Dispose();
        change.Dispose();
        TensorScope.Current.Should().BeSameAs(outer);
        third.HasEnded.Should().BeTrue();
        Ambient.Now.Recording.Should().BeTrue();
    }
}
