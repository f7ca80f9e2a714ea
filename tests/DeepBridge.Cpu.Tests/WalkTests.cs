namespace DeepBridge.Cpu.Tests;

public sealed class WalkTests
{
    [Fact]
    public void Dense_operands_are_one_loop()
    {
        Walk.TryMake([2, 3, 4], [12, 4, 1, 12, 4, 1], out Walk walk).Should().BeTrue();
        walk.Rank.Should().Be(1);
        walk.Inner.Should().Be(24);
        walk.Rows.Should().Be(1);
    }

    [Fact]
    public void A_repeated_row_is_two_loops()
    {
        Walk.TryMake([2, 3, 4], [12, 4, 1, 0, 0, 1], out Walk walk).Should().BeTrue();
        (walk.Rank, walk.Inner, walk.Rows).Should().Be((2, 4, 6L));
        ((long)walk.Stride(1, 1)).Should().Be(0);
        ((long)walk.Offset(0, 5)).Should().Be(20);
    }

    [Fact]
    public void Axes_of_extent_one_are_left_out()
    {
        Walk.TryMake([1, 5, 1], [999, 2, 777], out Walk walk).Should().BeTrue();
        (walk.Rank, walk.Inner, (long)walk.Stride(0)).Should().Be((1, 5, 2L));
    }

    [Fact]
    public void A_scalar_has_no_loop()
    {
        Walk.TryMake([], [], out Walk walk).Should().BeTrue();
        (walk.Rank, walk.Inner, walk.Rows).Should().Be((0, 1, 1L));
    }

    [Fact]
    public void Offsets_count_from_the_innermost_axis()
    {
        Walk.TryMake([2, 3, 4], [1, 2, 6, 12, 4, 1], out Walk walk).Should().BeTrue();
        walk.Rank.Should().Be(3);
        ((long)walk.Offset(0, 1)).Should().Be(2);
        ((long)walk.Offset(0, 3)).Should().Be(1);
        ((long)walk.Offset(1, 5)).Should().Be(20);
    }

    [Fact]
    public void More_axes_than_fit_are_refused_and_still_computed()
    {
        int[] dims = [2, 2, 2, 2, 2, 2, 2, 2, 2, 2];
        long[] strides = new long[20];
        for (int i = 0; i < 10; i++)
        {
            strides[i] = i % 2 == 0 ? 0 : 1 << (9 - i);
            strides[10 + i] = i % 2 == 0 ? 1 << (9 - i) : 0;
        }

        Walk.TryMake(dims, strides, out _).Should().BeFalse();

        CpuBackend.Register();
        Device cpu = "cpu";
        Tensor even = Tensor.From([.. Enumerable.Range(0, 32).Select(i => (float)i)], cpu).Reshape(2, 1, 2, 1, 2, 1, 2, 1, 2, 1);
        Tensor odd = Tensor.From([.. Enumerable.Range(0, 32).Select(i => 100f * i)], cpu).Reshape(1, 2, 1, 2, 1, 2, 1, 2, 1, 2);
        float[] sum = (even + odd).ToArray<float>(), expected = new float[1024], chosen = Tensor.Where(even > odd, even, odd).ToArray<float>();
        float[] larger = new float[1024];
        for (int i = 0; i < 1024; i++)
        {
            int e = 0, o = 0;
            for (int bit = 9; bit >= 0; bit -= 2)
            {
                e = (e * 2) + ((i >> bit) & 1);
                o = (o * 2) + ((i >> (bit - 1)) & 1);
            }

            expected[i] = e + (100f * o);
            larger[i] = Math.Max(e, 100f * o);
        }

        sum.Should().Equal(expected);
        chosen.Should().Equal(larger);
    }
}
