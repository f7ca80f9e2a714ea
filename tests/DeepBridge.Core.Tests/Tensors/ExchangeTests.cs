using DeepBridge.Backends;
using DeepBridge.Graphs;
using Numerics = System.Numerics.Tensors;

namespace DeepBridge.Tests.Tensors;

/// <summary>Data comes in and goes out through spans, memory, arrays and the BCL's tensors.</summary>
public sealed class ExchangeTests
{
    [Fact]
    public void The_BCLs_tensors_go_in_and_out()
    {
        using TensorScope scope = new();
        Numerics.Tensor<float> given = Numerics.Tensor.Create<float>([1, 2, 3, 4, 5, 6], [2, 3]);
        Tensor tensor = Tensor.From<float>(given.AsReadOnlyTensorSpan());
        tensor.Shape.Should().Be(Shape.Create([2, 3]));
        Numerics.Tensor<float> back = tensor.T.ToNumerics<float>();
        back.Lengths.ToArray().Should().Equal(3, 2);
        back[2, 1].Should().Be(6);
        back[0, 1].Should().Be(4);
    }

    [Fact]
    public void Memory_is_wrapped_without_a_copy_and_lent_without_one()
    {
        using TensorScope scope = new();
        float[] values = new float[5000];
        values[4999] = 1;
        Tensor tensor = Tensor.Wrap<float>(values.AsMemory(), [50, 100]);
        values[4999] = 7;
        tensor[-1, -1].Item<float>().Should().Be(7, "the tensor looks at the caller's memory");
        tensor.Read<float>(lent => lent.Overlaps(values).Should().BeTrue());
        (tensor + 1).Read<float>(lent => lent.Overlaps(values).Should().BeFalse());
    }

    [Fact]
    public void Rectangular_arrays_keep_their_shape()
    {
        using TensorScope scope = new();
        Tensor.FromArray<int>(new int[,] { { 1, 2, 3 }, { 4, 5, 6 } })[1, 0].Item<int>().Should().Be(4);
        FluentActions.Invoking(() => Tensor.FromArray<float>(new int[2, 2])).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => Tensor.From<float>([1, 2, 3], [2, 2])).Should().Throw<ShapeMismatchException>();
        FluentActions.Invoking(() => Tensor.From<float>([1, 2]).ToArray<double>()).Should().Throw<DTypeMismatchException>();
    }

    [Fact]
    public void Creation_makes_what_it_says()
    {
        using TensorScope scope = new();
        Tensor.Linspace(0, 1, 5).ToArray<float>().Should().Equal(0, 0.25f, 0.5f, 0.75f, 1);
        Tensor.Arange(1, 2, 0.25).ToArray<float>().Should().Equal(1, 1.25f, 1.5f, 1.75f);
        Tensor.Arange(3, 0, -1, DType.Int32).ToArray<int>().Should().Equal(3, 2, 1);
        Tensor.Eye(2, 3).ToArray<float>().Should().Equal(1, 0, 0, 0, 1, 0);
        Tensor.Full([2], 2.5, DType.Float64).ToArray<double>().Should().Equal(2.5, 2.5);
        Tensor.Of(3).DType.Should().Be(DType.Int64);
    }

    [Fact]
    public void Indices_ranges_and_steps_pick_parts()
    {
        using TensorScope scope = new();
        Tensor x = Tensor.Arange(24).Reshape(2, 3, 4);
        x[0, ^1].ToArray<long>().Should().Equal(8, 9, 10, 11);
        x[.., 1, 1..3].ToArray<long>().Should().Equal(5, 6, 17, 18);
        x[TensorIndex.Ellipsis, 0].Shape.Should().Be(Shape.Create([2, 3]));
        x[TensorIndex.NewAxis, 0].Shape.Should().Be(Shape.Create([1, 3, 4]));
        x[1, 0, TensorIndex.Every(.., 3)].ToArray<long>().Should().Equal(12, 15);
        FluentActions.Invoking(() => x[2]).Should().Throw<ShapeMismatchException>();
        FluentActions.Invoking(() => x[.., .., 3..6]).Should().Throw<ShapeMismatchException>();
        FluentActions.Invoking(() => x[0, 0, 0, 0]).Should().Throw<ShapeMismatchException>();
    }

    [Fact]
    public void Numbers_do_not_widen_tensors_and_operators_follow_Python()
    {
        using TensorScope scope = new();
        (Tensor.Ones([1]) + 1.5).DType.Should().Be(DType.Float32);
        (Tensor.Arange(2) + 1.5).DType.Should().Be(DType.Float32);
        (Tensor.Arange(2) / 2).ToArray<float>().Should().Equal(0, 0.5f);
        (Tensor.From([-7L, 7L]) % 2).ToArray<long>().Should().Equal(1, 1);
        Tensor.From([-7L, 7L]).FloorDivide(2).ToArray<long>().Should().Equal(-4, 3);
        Tensor.From([true, false]).Sum().Item<long>().Should().Be(1);
    }

    [Fact]
    public void A_backend_reaches_the_data_of_a_tensor_and_makes_tensors_of_data()
    {
        using TensorScope scope = new();
        Tensor x = Tensor.From([1f, 2f]);
        BackendTensor data = BackendTensor.Of(x);
        data.IsShared.Should().BeTrue();
        Tensor again = data.ToTensor();
        x.Dispose();
        again.ToArray<float>().Should().Equal(1, 2);
        again.IsTracked.Should().BeFalse();
        FluentActions.Invoking(() => BackendTensor.Of(x)).Should().Throw<TensorReleasedException>();
        FluentActions.Invoking(() => Graph.Trace(a => [BackendTensor.Of(a[0]).ToTensor()], [again.Spec])).Should().Throw<TracingException>();
    }

    [Fact]
    public void Pinned_memory_knows_the_array_it_lies_in()
    {
        int[] array = [1, 2, 3];
        using HostMemory part = HostMemory.Pin(array.AsMemory(1));
        part.TryGetArray(out Array? found, out int offset).Should().BeTrue();
        found.Should().BeSameAs(array);
        offset.Should().Be(1);
        part.Bytes.Should().Be(8);
    }
}
