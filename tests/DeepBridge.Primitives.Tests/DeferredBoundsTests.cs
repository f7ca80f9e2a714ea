using DeepBridge.Memory;
using DeepBridge.Ops;

namespace DeepBridge.Primitives.Tests;

/// <summary>On a device that does not check values at once, a bad one is harmless, and its error comes with what is read next.</summary>
public sealed class DeferredBoundsTests
{
    private static Device Device => PrimitivesBackend.Deferring.Device;

    [Fact]
    public void A_bad_index_is_harmless_and_its_error_comes_once_with_the_next_read()
    {
        using AmbientChange device = Device.Use(Device);
        using TensorScope scope = new();
        Tensor rows = Tensor.Arange(3, DType.Float32), found = new Gather(0).Apply(rows, Tensor.From([1L, 7L, -2L]));
        Tensor other = rows + 1;
        FluentActions.Invoking(() => other.ToArray<float>()).Should().Throw<ValueOutOfBoundsException>().WithMessage("*Gather*-2*values from 0 to 2*");
        other.ToArray<float>().Should().Equal(1, 2, 3);
        found.ToArray<float>().Should().Equal(1, 2, 0);
    }

    [Fact]
    public void The_error_names_the_module_and_Synchronize_throws_it()
    {
        using AmbientChange device = Device.Use(Device);
        using TensorScope scope = new();
        Layers.Sequential model = [new Layers.Embedding(3, 2), new Layers.Linear(2, 2)];
        _ = model.Call(Tensor.From([0L, 3L]));
        FluentActions.Invoking(() => PrimitivesBackend.Deferring.Synchronize(Device))
            .Should().Throw<ValueOutOfBoundsException>().WithMessage("*Embedding*3*in module '0'*");
        PrimitivesBackend.Deferring.Synchronize(Device);
    }

    [Fact]
    public void Labels_and_divisors_are_checked_and_what_is_ignored_is_not()
    {
        using AmbientChange device = Device.Use(Device);
        using TensorScope scope = new();
        Tensor logits = Tensor.Ones([2, 3]), whole = Tensor.From([4L, 5L]);
        Loss.CrossEntropy(logits, Tensor.From([0L, -100L])).Item().Should().BeApproximately(Math.Log(3), 1e-6);
        Tensor loss = Loss.CrossEntropy(logits, Tensor.From([0L, 3L]));
        FluentActions.Invoking(() => loss.Item()).Should().Throw<ValueOutOfBoundsException>().WithMessage("*CrossEntropy*3*");
        Tensor quotient = whole.FloorDivide(Tensor.From([2L, 0L]));
        FluentActions.Invoking(() => quotient.ToArray<long>()).Should().Throw<ValueOutOfBoundsException>().WithMessage("*divisor*");
        quotient.ToArray<long>().Should().Equal(2, 5);
    }

    [Fact]
    public void A_loop_that_reads_nothing_learns_of_its_mistake_too()
    {
        using AmbientChange device = Device.Use(Device);
        using TensorScope scope = new();
        Tensor rows = Tensor.Arange(3, DType.Float32), bad = Tensor.From([3L]), good = Tensor.From([0L]);
        new Gather(0).Apply(rows, bad);
        FluentActions.Invoking(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                new Gather(0).Apply(rows, good);
            }
        }).Should().Throw<ValueOutOfBoundsException>();
        long live = LiveTensors.Count;
        foreach (int step in TensorScope.Steps(1_000))
        {
            new Gather(0).Apply(rows, good);
        }

        PrimitivesBackend.Deferring.Synchronize(Device);
        (LiveTensors.Count - live).Should().BeLessThan(1);
    }
}
