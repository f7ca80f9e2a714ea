using System.Numerics;
using System.Runtime.Intrinsics;
using DeepBridge.Ops;

namespace DeepBridge.Cpu.Tests;

/// <summary>Every vector width, every length of tail and every number of threads gives the same bits.</summary>
public sealed class LanesTests
{
    static LanesTests() => CpuBackend.Register();

    private static float[] Numbers(int count)
    {
        Random random = new(7);
        float[] numbers = [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() * 20) - 10))];
        float[] special = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, 0, -0f, 1e-40f, 100, -110];
        special.AsSpan(0, Math.Min(8, count)).CopyTo(numbers);
        return numbers;
    }

    private static void Agree<TOp>()
        where TOp : IUnary
    {
        Agree<TOp, float>([.. Numbers(100)]);
        Agree<TOp, double>([.. Numbers(100).Select(value => (double)value)]);
    }

    private static void Agree<TOp, T>(T[] x)
        where TOp : IUnary
        where T : unmanaged, INumber<T>
    {
        T[] wide = new T[x.Length], middle = new T[x.Length], narrow = new T[x.Length], one = new T[1];
        Loops.Unary<TOp, Lanes512<T>, Vector512<T>, T>(ref x[0], ref wide[0], x.Length);
        Loops.Unary<TOp, Lanes256<T>, Vector256<T>, T>(ref x[0], ref middle[0], x.Length);
        Loops.Unary<TOp, Lanes128<T>, Vector128<T>, T>(ref x[0], ref narrow[0], x.Length);
        middle.Should().Equal(wide, typeof(TOp).Name);
        narrow.Should().Equal(wide, typeof(TOp).Name);
        for (int i = 0; i < x.Length; i++)
        {
            Loops.Unary<TOp, T>(ref x[i], ref one[0], 1);
            one[0].Should().Be(wide[i], typeof(TOp).Name);
        }
    }

    [Fact]
    public void Functions_have_the_same_bits_at_every_width()
    {
        Agree<ExpKernel>();
        Agree<Expm1Kernel>();
        Agree<ErfKernel>();
        Agree<TanhKernel>();
        Agree<SigmoidKernel>();
        Agree<RsqrtKernel>();
        Agree<SignKernel>();
        Agree<ReluKernel>();
        Agree<RoundKernel>();
    }

    /// <summary>
    /// Logarithm, sine and cosine are .NET's own: it compiles them ahead of time without fused operations and again, hot,
    /// with them, so a width may be a unit in the last place off another until all are hot.
    /// </summary>
    [Fact]
    public void Functions_of_the_runtime_agree_at_every_width_but_for_the_last_place()
    {
        Near<LogKernel>();
        Near<Log1pKernel>();
        Near<SinKernel>();
        Near<CosKernel>();
    }

    private static void Near<TOp>()
        where TOp : IUnary
    {
        float[] x = Numbers(100), wide = new float[x.Length], narrow = new float[x.Length];
        Loops.Unary<TOp, Lanes512<float>, Vector512<float>, float>(ref x[0], ref wide[0], x.Length);
        Loops.Unary<TOp, Lanes128<float>, Vector128<float>, float>(ref x[0], ref narrow[0], x.Length);
        for (int i = 0; i < x.Length; i++)
        {
            bool near = wide[i].Equals(narrow[i]) || Math.Abs(wide[i] - narrow[i]) <= 2 * (MathF.BitIncrement(Math.Abs(wide[i])) - Math.Abs(wide[i]));
            near.Should().BeTrue($"{typeof(TOp).Name} of {x[i]:R} is {wide[i]:R} and {narrow[i]:R}");
        }
    }

    [Fact]
    public void Every_length_agrees_also_in_place()
    {
        float[] numbers = Numbers(130);
        for (int count = 0; count <= 130; count++)
        {
            float[] expected = [.. numbers.Take(count).Select(value => -value)], actual = [.. numbers.Take(count)];
            if (count > 0)
            {
                Loops.Unary<NegateKernel, float>(ref actual[0], ref actual[0], count);
            }

            actual.Should().Equal(expected);
            int[] left = [.. Enumerable.Range(0, count)], right = [.. Enumerable.Range(0, count).Select(i => i % 3 * 40)];
            byte[] mask = new byte[count];
            if (count > 0)
            {
                Loops.Compare<LessKernel, int>(ref left[0], 1, ref right[0], 1, ref mask[0], count);
                Loops.Binary<SubtractKernel, int>(ref left[0], 1, ref right[0], 1, ref left[0], count);
            }

            mask.Should().Equal(Enumerable.Range(0, count).Select(i => i < i % 3 * 40 ? (byte)1 : (byte)0));
            left.Should().Equal(Enumerable.Range(0, count).Select(i => i - (i % 3 * 40)));
        }
    }

    [Theory]
    [InlineData(new[] { 300001 }, new[] { 0 })]
    [InlineData(new[] { 5, 90001 }, new[] { 1 })]
    [InlineData(new[] { 90001, 5 }, new[] { 0 })]
    [InlineData(new[] { 700, 600 }, new[] { 0 })]
    [InlineData(new[] { 8, 16, 40, 41 }, new[] { 0, 2, 3 })]
    public void Threads_change_no_bit(int[] dims, int[] axes)
    {
        Tensor x = Tensor.From(Numbers(dims.Aggregate(1, (a, b) => a * b)), "cpu").Reshape(dims);
        x = Tensor.Where(x.Abs() < 50, x, x.ZerosLike());
        Func<Tensor, Tensor>[] functions =
        [
            t => new Sum(Dims.Create(axes), false).Apply(t), t => new Max(Dims.Create(axes), false).Apply(t), t => t.Exp(), t => t * t + 1,
            t => t + t.Flip(0), t => new ArgMax(axes[0], false).Apply(t).Cast(DType.Float32), t => t.Permute([.. Enumerable.Range(0, t.Rank).Reverse()]) * 2,
        ];
        int limit = Workers.Limit;
        try
        {
            foreach (Func<Tensor, Tensor> function in functions)
            {
                Workers.Limit = 1;
                float[] alone = function(x).ToArray<float>();
                Workers.Limit = 2;
                function(x).ToArray<float>().Should().Equal(alone);
            }
        }
        finally
        {
            Workers.Limit = limit;
        }
    }

    [Theory]
    [InlineData(1000003, 1)]
    [InlineData(1, 1000003)]
    [InlineData(100001, 3)]
    [InlineData(5000, 100)]
    public void Sums_with_a_large_offset_are_as_good_as_rounding_allows(int rows, int columns)
    {
        Random random = new(3);
        float[] numbers = [.. Enumerable.Range(0, rows * columns).Select(_ => 10000 + (float)random.NextDouble())];
        float[] sums = new Sum([0], false).Apply(Tensor.From(numbers, "cpu").Reshape(rows, columns)).ToArray<float>();
        for (int column = 0; column < columns; column += Math.Max(1, columns / 10))
        {
            double exact = 0;
            for (int row = 0; row < rows; row++)
            {
                exact += numbers[(row * columns) + column];
            }

            ((double)sums[column]).Should().BeApproximately(exact, exact * 1.2e-7);
        }
    }

    [Fact]
    public void Random_numbers_are_the_hosts_whatever_their_number()
    {
        Tensor state = Tensor.From([42L, 7L], "cpu");
        foreach (int count in new[] { 1, 5, 16, 1000, 4099, 100003 })
        {
            float[] uniform = new float[count], normal = new float[count];
            Randomness.Philox.Uniforms(42, 7, uniform);
            Randomness.Philox.Normals(42, 7, normal);
            new RandomUniform([count], DType.Float32).ApplyAll(state)[0].ToArray<float>().Should().Equal(uniform);
            new RandomNormal([count]).ApplyAll(state)[0].ToArray<float>().Should().Equal(normal);
            foreach (DType dtype in new[] { DType.Float32, DType.Float64, DType.BFloat16 })
            {
                Tensor x = Tensor.From(normal, "cpu").Cast(dtype);
                Tensor[] fused = new Dropout(0.3).ApplyAll(x, state), composed = new Dropout(0.3).Decompose([x, state]);
                fused[0].Cast(DType.Float64).ToArray<double>().Should().Equal(composed[0].Cast(DType.Float64).ToArray<double>());
                fused[1].ToArray<bool>().Should().Equal(composed[1].ToArray<bool>());
                fused[2].ToArray<long>().Should().Equal(composed[2].ToArray<long>());
            }
        }
    }

    [Fact]
    public void Philox_draws_its_published_words()
    {
        // Salmon et al., known-answer test of Philox 4x32-10 with counter and key zero, and its neighbours by the scalar tail.
        uint[] words = new uint[40];
        Randomness.Philox.Words(0, 0, words);
        words[..4].Should().Equal(0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u);
        for (ulong block = 0; block < 10; block++)
        {
            uint[] alone = new uint[4];
            Randomness.Philox.Words(0, block, alone);
            words.AsSpan((int)block * 4, 4).ToArray().Should().Equal(alone);
        }
    }
}
