using DeepBridge.Data;
using DeepBridge.Memory;

namespace DeepBridge.Tests.Memory;

public sealed class LiveCountTests
{
    [Fact]
    public void The_count_of_live_tensors_is_constant_after_every_step()
    {
        Tower model = new();
        Batches batches = new(Tensor.Uniform([8, 2]), Tensor.Uniform([8, 2]), 4, shuffle: true);
        List<long> counts = [];
        for (int epoch = 0; epoch < 5; epoch++)
        {
            foreach ((Tensor inputs, Tensor labels) in batches)
            {
                Tensor distance = model.Call(inputs) - labels;
                Gradients gradients = Gradients.Of((distance * distance).Sum(), model.Parameters);
                foreach (Parameter parameter in model.Parameters)
                {
                    parameter.Assign((parameter.Value - (gradients[parameter] * 0.01)).Detach());
                }
            }

            counts.Add(LiveTensors.Count);
        }

        counts.Distinct().Should().ContainSingle();
    }

    [Fact]
    public void An_abandoned_history_is_released_with_its_scope()
    {
        Parameter w = new(Tensor.Ones([4]));
        long before = LiveTensors.Count;
        using (new TensorScope())
        {
            Tensor x = w.Value;
            for (int i = 0; i < 10; i++)
            {
                x = (x * x).Tanh();
            }
        }

        LiveTensors.Count.Should().Be(before);
    }

    [Fact]
    public void A_backward_pass_that_throws_leaves_nothing_behind()
    {
        Parameter w = new(Tensor.Ones([4]));
        long before = LiveTensors.Count;
        using (new TensorScope())
        {
            Tensor y = Gradients.Custom("broken", [w.Value * w.Value], x => [x[0].Tanh()], (_, _) => throw new InvalidOperationException("no"))[0];
            FluentActions.Invoking(() => Gradients.Of((y * y).Sum(), [w])).Should().Throw<InvalidOperationException>();
        }

        LiveTensors.Count.Should().Be(before);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_chain_of_100000_ops_is_released_without_recursion(bool backward)
    {
        long before = LiveTensors.Count, after = 0;
        float gradient = 0;
        Exception? error = null;
        Thread thread = new(
            () =>
            {
                try
                {
                    Run();
                }
                catch (Exception caught)
                {
                    error = caught;
                }
            },
            256 * 1024);
        thread.Start();
        thread.Join();
        error.Should().BeNull();
        gradient.Should().Be(backward ? 1 : 0);
        after.Should().Be(before);

        void Run()
        {
            using (TensorScope scope = new())
            {
                Tensor x = Tensor.From<float>([1]).Track();
                Tensor y = x.Relu();
                for (int i = 0; i < 100_000; i++)
                {
                    Tensor next = y + y - y;
                    y.Dispose();
                    y = next;
                }

                if (backward)
                {
                    gradient = Gradients.Of(y.Sum(), [x])[0].ToArray<float>()[0];
                }
            }

            after = LiveTensors.Count;
        }
    }

    [Fact]
    public void A_hundred_thousand_nested_scopes_end_without_recursion()
    {
        TensorScope outermost = new();
        Tensor x = null!;
        for (int i = 0; i < 100_000; i++)
        {
            TensorScope inner = new();
            x = i == 99_999 ? inner.Own(new Tensor(Tensor.Ones([1]).Data.Retain())) : x;
        }

        outermost.Dispose();
        x.IsReleased.Should().BeTrue();
        TensorScope.Current.Should().BeNull();
    }

    [Fact]
    public void A_random_generator_outside_any_scope_leaves_no_count_behind()
    {
        RandomGenerator generator = new(1);
        generator.Words(4);
        long before = LiveTensors.Count;
        for (int i = 0; i < 10; i++)
        {
            generator.Permutation(10);
            generator.Reset(i);
            generator.Uniform([3]).Dispose();
        }

        LiveTensors.Count.Should().Be(before);
    }
}
