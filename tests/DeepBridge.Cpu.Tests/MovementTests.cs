using System.Runtime.InteropServices;
using DeepBridge.Ops;

namespace DeepBridge.Cpu.Tests;

/// <summary>Which movements are views, and that chains of them say the same as dense copies between them.</summary>
public sealed class MovementTests
{
    static MovementTests() => CpuBackend.Register();

    private static CpuTensor Numbers(params int[] dims)
    {
        CpuTensor tensor = CpuTensor.Allocate(new TensorSpec(Shape.Create(dims), DType.Int32), "cpu");
        for (int i = 0; i < tensor.Count; i++)
        {
            tensor.Span<int>()[i] = i;
        }

        return tensor;
    }

    [Fact]
    public void A_reshape_of_a_view_is_a_view_where_strides_can_say_it()
    {
        CpuTensor x = Numbers(4, 6, 5);
        CpuTensor narrowed = Views.Slice(x, new TensorSpec([4, 6, 3], DType.Int32), new Slice([0, 0, 1], [4, 6, 3], [1, 1, 1]));
        CpuTensor folded = Views.Reshape(narrowed, new TensorSpec([2, 12, 3], DType.Int32));
        folded.Strides.Should().Equal(60, 5, 1);
        CpuTensor mixed = Views.Reshape(narrowed, new TensorSpec([4, 18], DType.Int32));
        mixed.IsDense.Should().BeTrue();
        mixed.Span<int>()[3].Should().Be(6);
    }

    [Fact]
    public void Strides_that_are_dense_after_all_are_forgotten()
    {
        CpuTensor x = Numbers(1, 6);
        Views.Permute(x, new TensorSpec([6, 1], DType.Int32), [1, 0]).IsDense.Should().BeTrue();
        CpuTensor rows = Views.Slice(Numbers(4, 6), new TensorSpec([2, 6], DType.Int32), new Slice([1, 0], [2, 6], [1, 1]));
        rows.IsDense.Should().BeTrue();
        rows.Span<int>()[0].Should().Be(6);
    }

    [Fact]
    public void Flipping_twice_gives_the_same_layout()
    {
        CpuTensor x = Numbers(3, 4), twice = Views.Flip(Views.Flip(x, [0, 1]), [0, 1]);
        twice.IsDense.Should().BeTrue();
        twice.Span<int>().ToArray().Should().Equal(x.Span<int>().ToArray());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void Transposed_copies_of_any_size_agree_with_a_loop(int size)
    {
        DType dtype = size switch { 1 => DType.UInt8, 2 => DType.Int16, 4 => DType.Int32, _ => DType.Int64 };
        foreach ((int rows, int columns) in new[] { (3, 5), (8, 8), (17, 9), (64, 130), (300, 301) })
        {
            CpuTensor x = CpuTensor.Allocate(new TensorSpec([rows, columns], dtype), "cpu");
            Span<byte> bytes = MemoryMarshal.CreateSpan(ref x.First<byte>(), rows * columns * size);
            new Random(rows).NextBytes(bytes);
            CpuTensor y = Dense.Copy(Views.Permute(x, new TensorSpec([columns, rows], dtype), [1, 0]));
            Span<byte> moved = MemoryMarshal.CreateSpan(ref y.First<byte>(), bytes.Length);
            for (int i = 0; i < rows; i++)
            {
                for (int j = 0; j < columns; j++)
                {
                    moved.Slice(((j * rows) + i) * size, size).SequenceEqual(bytes.Slice(((i * columns) + j) * size, size)).Should().BeTrue();
                }
            }

            GC.KeepAlive(x);
            GC.KeepAlive(y);
        }
    }

    [Fact]
    public void A_view_keeps_native_memory_that_its_source_gave_up()
    {
        CpuTensor x = Numbers(100, 100);
        CpuTensor view = Views.Permute(x, new TensorSpec([100, 100], DType.Int32), [1, 0]);
        x.Release();
        CpuTensor other = Numbers(100, 100);
        other.Span<int>().Clear();
        CpuTensor copy = Dense.Copy(view);
        copy.Span<int>()[1].Should().Be(100);
        GC.KeepAlive(copy);
    }
}
