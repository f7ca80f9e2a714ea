using DeepBridge.Ops;
using DeepBridge.Randomness;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace DeepBridge.Testing;

public abstract partial class BackendConformance
{
    /// <summary>The known answers of Philox 4×32-10 (kat_vectors of the Random123 library) whose upper counter half is zero.</summary>
    [Fact]
    public void Words_are_Philoxs_known_answers()
    {
        uint[] zeros = Draw(new RandomWords([4]), 0, 0)[0].ToArray<int>().Select(word => (uint)word).ToArray();
        Assert.Equal([0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u], zeros);
    }

    /// <summary>Words, uniform numbers and masks have the host's bits, wherever the counter stands.</summary>
    [Fact]
    public void Random_numbers_have_the_hosts_bits() => Check(Gen.Choose(0, 40).SelectMany(count => Gen.Choose(int.MinValue, int.MaxValue).Four()
        .Select(bits => (count, key: ((long)bits.Item1 << 32) ^ bits.Item2, counter: ((long)bits.Item3 << 32) ^ bits.Item4))), draw =>
    {
        (int count, long key, long counter) = draw;
        uint[] words = new uint[2 * count];
        Philox.Words((ulong)key, (ulong)counter, words);
        Tensor[] drawn = Draw(new RandomWords([count]), key, counter);
        Assert.Equal(words[..count], drawn[0].ToArray<int>().Select(word => (uint)word));
        Assert.Equal([key, counter + Philox.Blocks(count)], drawn[1].ToArray<long>());

        float[] singles = new float[count];
        Philox.Uniforms((ulong)key, (ulong)counter, singles);
        Assert.Equal(singles, Draw(new RandomUniform([count], DType.Float32), key, counter)[0].ToArray<float>());
        Tensor[] doubles = Draw(new RandomUniform([count], DType.Float64), key, counter);
        Assert.Equal(Enumerable.Range(0, count).Select(i => Philox.Uniform(words[2 * i], words[(2 * i) + 1])), doubles[0].ToArray<double>());
        Assert.Equal(counter + Philox.Blocks(2 * count), doubles[1].ToArray<long>()[1]);

        // A number that equals the probability stays.
        double probability = singles.FirstOrDefault(0.3f);
        Tensor[] dropped = new Dropout(probability).ApplyAll(Tensor.Ones([count], device: Device), State(key, counter));
        Assert.Equal(singles.Select(number => number >= (float)probability), dropped[1].ToArray<bool>());
        Assert.Equal(dropped[1].ToArray<bool>().Select(kept => kept ? (float)(1 / (1 - probability)) : 0), dropped[0].ToArray<float>());
        Assert.Equal([key, counter + Philox.Blocks(count)], dropped[2].ToArray<long>());
    });

    /// <summary>A generator draws the same numbers for this device as for the reference: uniform ones and host-made normal ones.</summary>
    [Fact]
    public void A_generator_draws_the_same_on_every_device() => Assert.All(Enumerable.Range(0, 20), count =>
    {
        float[] Second(Device device, Func<RandomGenerator, Tensor> draw)
        {
            using TensorScope scope = new();
            using AmbientChange use = Device.Use(device);
            RandomGenerator generator = new(count);
            draw(generator);
            return draw(generator).ToArray<float>();
        }

        Device reference = ReferenceBackend.Instance.Device;
        Assert.Equal(Second(reference, generator => generator.Uniform([count])), Second(Device, generator => generator.Uniform([count])));
        Assert.Equal(Second(reference, generator => generator.Normal([count])), Second(Device, generator => generator.Normal([count])));
    });

    /// <summary>a + b = b + a and a·b = b·a, bit by bit, in every pair of shapes that broadcast.</summary>
    [Fact]
    public void Sums_and_products_commute() => Check(Broadcasts(), shapes =>
    {
        Tensor a = Random(shapes.Left, 1), b = Random(shapes.Right, 2);
        Assert.Equal((a + b).ToArray<float>(), (b + a).ToArray<float>());
        Assert.Equal((a * b).ToArray<float>(), (b * a).ToArray<float>());
        Assert.Equal(Broadcasting.Join("test", shapes.Left, shapes.Right), (a + b).Shape);
    });

    /// <summary>What broadcasting does, Expand before the op does too.</summary>
    [Fact]
    public void Broadcasting_is_expanding() => Check(Broadcasts(), shapes =>
    {
        Tensor a = Random(shapes.Left, 1), b = Random(shapes.Right, 2);
        Shape common = Broadcasting.Join("test", shapes.Left, shapes.Right);
        Assert.Equal((a - b).ToArray<float>(), (a.Expand(common) - b.Expand(common)).ToArray<float>());
        Assert.Equal((a < b).ToArray<bool>(), (a.Expand(common) < b.Expand(common)).ToArray<bool>());
    });

    /// <summary>⟨expand(x), y⟩ = ⟨x, sumTo(y)⟩: the sum is the transpose of the expansion.</summary>
    [Fact]
    public void Summing_is_the_transpose_of_expanding() => Check(Broadcasts(), shapes =>
    {
        Shape common = Broadcasting.Join("test", shapes.Left, shapes.Right);
        Tensor x = Whole(shapes.Left, 1), y = Whole(common, 2);
        Assert.Equal((x.Expand(common) * y).Sum().Item<long>(), (x * y.SumTo(shapes.Left)).Sum().Item<long>());
    });

    /// <summary>Reshape, permute, flip, pad and slice, split and concatenate: there and back changes no bit.</summary>
    [Fact]
    public void Movements_come_back() => Check(Shapes().Select(shape => (shape, seed: shape.GetHashCode())), drawn =>
    {
        (Shape shape, int seed) = drawn;
        System.Random random = new(seed);
        Tensor x = Random(shape, 1);
        float[] expected = x.ToArray<float>();
        int[] axes = [.. Enumerable.Range(0, shape.Rank)], back = new int[shape.Rank];
        random.Shuffle(axes);
        for (int i = 0; i < axes.Length; i++)
        {
            back[axes[i]] = i;
        }

        Assert.Equal(expected, x.Permute(axes).Permute(back).ToArray<float>());
        Assert.Equal(expected, x.Permute(axes).Reshape(checked((int)x.Count)).Reshape(x.Permute(axes).Shape.AsSpan()).Permute(back).ToArray<float>());
        int[] some = [.. axes.Take(random.Next(axes.Length + 1)).Order()];
        Tensor flipped = new Flip(Dims.Create(some)).Apply(x);
        Assert.Equal(expected, new Flip(Dims.Create(some)).Apply(flipped).ToArray<float>());
        int[] low = [.. axes.Select(_ => random.Next(3))], high = [.. axes.Select(_ => random.Next(3))];
        Tensor padded = new Pad(Dims.Create(low), Dims.Create(high), double.NaN).Apply(x);
        Assert.Equal(expected, new Slice(Dims.Create(low), shape.Dims, Dims.Repeat(1, shape.Rank)).Apply(padded).ToArray<float>());
        foreach (int axis in axes)
        {
            Assert.Equal(expected, Tensor.Concat(x.Split(2, axis), axis).ToArray<float>());
            Assert.Equal(expected, Tensor.Stack([x, flipped], axis).Narrow(axis, 0, 1).Squeeze(axis).ToArray<float>());
        }
    });

    private static Gen<Shape> Shapes() =>
        Gen.Choose(0, 4).SelectMany(rank => Gen.Choose(0, 4).ArrayOf(rank)).Select(dims => (Shape)dims);

    private static Gen<(Shape Left, Shape Right)> Broadcasts() => Shapes().SelectMany(shape =>
        Gen.Choose(0, 2).ArrayOf(shape.Rank).SelectMany(sides => Gen.Choose(0, shape.Rank).Two()
            .Select(cut => (Side(shape, sides, 1, cut.Item1), Side(shape, sides, 2, cut.Item2)))));

    /// <summary>A shape that broadcasts: without some leading axes, and with 1 where the other side has the extent.</summary>
    private static Shape Side(Shape shape, int[] sides, int mine, int cut) =>
        Shape.Create([.. shape.AsSpan().ToArray().Select((extent, i) => sides[i] == mine ? 1 : extent).Skip(cut)]);

    private void Check<T>(Gen<T> inputs, Action<T> law) => Prop.ForAll(inputs.ToArbitrary(), input => Settled(() =>
    {
        using TensorScope scope = new();
        using AmbientChange device = Device.Use(Device);
        using AmbientChange? wrapped = Wrapped?.Use();
        law(input);
    })).Check(Config.QuickThrowOnFailure.WithMaxTest(60));

    private Tensor Random(Shape shape, int seed) => new CaseInput(shape, DType.Float32, Testing.Values.Normal).Make(Device, seed);

    private Tensor Whole(Shape shape, int seed) => new CaseInput(shape, DType.Int64, Testing.Values.Normal).Make(Device, seed);

    private Tensor State(long key, long counter) => Tensor.From([key, counter], Device);

    private Tensor[] Draw(Op op, long key, long counter) => op.ApplyAll(State(key, counter));
}
