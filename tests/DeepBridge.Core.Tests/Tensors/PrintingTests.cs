using DeepBridge.Graphs;

namespace DeepBridge.Tests.Tensors;

public sealed class PrintingTests
{
    [Fact]
    public void A_matrix_is_aligned() => Text(Tensor.From<float>([1, -2.5f, 3, 40, 5, 6.125f], [2, 3])).Should().Be(
        """
        [[ 1.0000, -2.5000,  3.0000],
         [40.0000,  5.0000,  6.1250]]
        float32(2, 3) on cpu
        """);

    [Fact]
    public void Whole_floats_end_in_a_point() => Text(Tensor.From<float>([1, 2, 3])).Should().Be("[1., 2., 3.] float32(3,) on cpu");

    [Fact]
    public void Scalars_stand_alone()
    {
        Text(Tensor.Of(3.14159)).Should().Be("3.1416 float32() on cpu");
        Text(Tensor.Of(7)).Should().Be("7 int64() on cpu");
        Text(Tensor.Of(true)).Should().Be("true bool() on cpu");
        Text(Tensor.Of(0.0)).Should().Be("0. float32() on cpu");
        Text(Tensor.Of(-0.0)).Should().Be("-0. float32() on cpu");
    }

    [Fact]
    public void Bools_and_integers_are_aligned()
    {
        Text(Tensor.From([true, false])).Should().Be("[ true, false] bool(2,) on cpu");
        Text(Tensor.From<sbyte>([-128, 7, 42])).Should().Be("[-128,    7,   42] int8(3,) on cpu");
        Text(Tensor.From([long.MinValue, long.MaxValue])).Should().Be("[-9223372036854775808,  9223372036854775807] int64(2,) on cpu");
        Text(Tensor.From<byte>([255])).Should().Be("[255] uint8(1,) on cpu");
        Text(Tensor.From<short>([-3])).Should().Be("[-3] int16(1,) on cpu");
        Text(Tensor.From<int>([12, 3])).Should().Be("[12,  3] int32(2,) on cpu");
    }

    [Fact]
    public void Sixteen_bit_floats_print_their_values()
    {
        Text(Tensor.From([(Half)1.5, (Half)2])).Should().Be("[1.5000, 2.0000] float16(2,) on cpu");
        Text(Tensor.From([(BFloat16)1.5f, (BFloat16)2f])).Should().Be("[1.5000, 2.0000] bfloat16(2,) on cpu");
        Text(Tensor.From<double>([0.25])).Should().Be("[0.2500] float64(1,) on cpu");
    }

    [Fact]
    public void A_wide_range_is_scientific()
    {
        Text(Tensor.From([1e-5f, 1f])).Should().Be("[1.0000e-05, 1.0000e+00] float32(2,) on cpu");
        Text(Tensor.From([123456789f])).Should().Be("[1.2346e+08] float32(1,) on cpu");
        Text(Tensor.From([1f, 2000f])).Should().Be("[1.0000e+00, 2.0000e+03] float32(2,) on cpu");
        Text(Tensor.From([0.00001f])).Should().Be("[1.0000e-05] float32(1,) on cpu");
        Text(Tensor.From([0f, 1000f])).Should().Be("[   0., 1000.] float32(2,) on cpu");
    }

    [Fact]
    public void Nan_and_infinities_are_aligned()
    {
        Text(Tensor.From([float.NaN, 1.5f, float.NegativeInfinity, float.PositiveInfinity])).Should()
            .Be("[   nan, 1.5000,   -inf,    inf] float32(4,) on cpu");
        Text(Tensor.From([float.NaN])).Should().Be("[nan] float32(1,) on cpu");
        Text(Tensor.From([float.NaN, 2f])).Should().Be("[nan,  2.] float32(2,) on cpu");
    }

    [Fact]
    public void An_empty_tensor_has_its_shape_in_the_trailer()
    {
        Text(Tensor.Zeros([0])).Should().Be("[] float32(0,) on cpu");
        Text(Tensor.Zeros([2, 0, 3])).Should().Be("[] float32(2, 0, 3) on cpu");
    }

    [Fact]
    public void Blocks_are_set_apart_by_empty_lines() => Text(Tensor.Arange(8, DType.Int32).Reshape(2, 2, 2)).Should().Be(
        """
        [[[0, 1],
          [2, 3]],

         [[4, 5],
          [6, 7]]]
        int32(2, 2, 2) on cpu
        """);

    [Fact]
    public void Long_rows_are_broken_at_eighty_characters() => Text(Tensor.Arange(40, DType.Int64)).Should().Be(
        """
        [ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
         19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37,
         38, 39]
        int64(40,) on cpu
        """);

    [Fact]
    public void Beyond_a_thousand_elements_only_the_edges_are_shown()
    {
        Text(Tensor.Arange(1001, DType.Int64)).Should().Be("[   0,    1,    2, ...,  998,  999, 1000] int64(1001,) on cpu");
        Text(Tensor.Arange(1000, DType.Int64)).Should().NotContain("...");
        Text(Tensor.Arange(2000, DType.Int32).Reshape(40, 50)).Should().Be(
            """
            [[   0,    1,    2, ...,   47,   48,   49],
             [  50,   51,   52, ...,   97,   98,   99],
             [ 100,  101,  102, ...,  147,  148,  149],
             ...,
             [1850, 1851, 1852, ..., 1897, 1898, 1899],
             [1900, 1901, 1902, ..., 1947, 1948, 1949],
             [1950, 1951, 1952, ..., 1997, 1998, 1999]]
            int32(40, 50) on cpu
            """);
        Text(Tensor.Arange(2000, DType.Int32).Reshape(1000, 2)).Should().Be(
            """
            [[   0,    1],
             [   2,    3],
             [   4,    5],
             ...,
             [1994, 1995],
             [1996, 1997],
             [1998, 1999]]
            int32(1000, 2) on cpu
            """);
    }

    [Fact]
    public void A_view_prints_its_own_order() => Text(Tensor.From<int>([1, 2, 3, 4], [2, 2]).T).Should().Be(
        """
        [[1, 3],
         [2, 4]]
        int32(2, 2) on cpu
        """);

    [Fact]
    public void A_tracked_tensor_says_so() => Text(Tensor.From<float>([1]).Track()).Should().Be("[1.] float32(1,) on cpu, tracked");

    [Fact]
    public void A_released_tensor_says_so_instead_of_throwing()
    {
        Tensor x = Tensor.From<float>([1, 2]);
        x.Dispose();
        x.ToString().Should().Be("released float32(2,) on cpu");
    }

    [Fact]
    public void A_tensor_of_a_trace_says_so_and_printing_is_not_traced()
    {
        Tensor captured = Tensor.Arange(1001, DType.Float32);
        string symbolic = string.Empty, concrete = string.Empty;
        Graph graph = Graph.Trace(
            arguments =>
            {
                symbolic = arguments[0].ToString();
                concrete = captured.ToString();
                return [arguments[0].Relu()];
            },
            [new TensorSpec([2, 3], DType.Float32)]);
        symbolic.Should().Be("traced float32(2, 3) on cpu");
        concrete.Should().Be("[   0.,    1.,    2., ...,  998.,  999., 1000.] float32(1001,) on cpu");
        graph.Nodes.Should().ContainSingle();
    }

    [Fact]
    public void Printing_leaves_no_tensor_behind()
    {
        using TensorScope scope = new();
        Tensor x = Tensor.Arange(2000, DType.Float32).Track();
        long before = LiveTensorsNow();
        x.ToString().Should().NotBeEmpty();
        LiveTensorsNow().Should().Be(before);
    }

    private static long LiveTensorsNow() => DeepBridge.Memory.LiveTensors.Count;

    private static string Text(Tensor tensor) => tensor.ToString();
}
