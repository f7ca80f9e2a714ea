using DeepBridge.Memory;
using DeepBridge.Ops;
using DeepBridge.Randomness;

namespace DeepBridge;

/// <summary>
/// A stream of random numbers that is the same on every backend and machine: a seed, and a counter of the blocks drawn.
/// The counter is a <see cref="Variable"/>, saved in checkpoints and threaded through graphs.
/// </summary>
public sealed class RandomGenerator
{
    private static readonly Lock s_lock = new();
    private static RandomGenerator? s_default;

    /// <summary>Makes a generator.</summary>
    /// <param name="seed">The seed, the key of all draws.</param>
    public RandomGenerator(long seed = 0) => State = new Variable(Tensor.From([seed, 0L], Device.Default.Real), "generator");

    /// <summary>The generator of this flow: that of the innermost <see cref="Use"/>, else one of the process, with seed 0.</summary>
    public static RandomGenerator Current
    {
        get
        {
            if (Ambient.Now.Generator is { } generator)
            {
                return generator;
            }

            lock (s_lock)
            {
                return s_default ??= new RandomGenerator();
            }
        }
    }

    /// <summary>The key and the counter, int64 (2).</summary>
    public Variable State { get; }

    /// <summary>Starts the generator of this flow again.</summary>
    /// <param name="seed">The seed.</param>
    public static void Seed(long seed) => Current.Reset(seed);

    /// <summary>Makes this the generator of this flow until the result is disposed.</summary>
    /// <returns>What ends it.</returns>
    public AmbientChange Use() => Ambient.Enter(Ambient.Now with { Generator = this });

    /// <summary>Starts again.</summary>
    /// <param name="seed">The seed.</param>
    public void Reset(long seed) => Set(seed, 0);

    /// <summary>Draws uniform numbers.</summary>
    /// <param name="shape">Their shape.</param>
    /// <param name="low">The least.</param>
    /// <param name="high">The bound, which is not drawn but for rounding.</param>
    /// <param name="dtype">A floating dtype; below float32 the numbers are rounded float32.</param>
    /// <param name="device">Where they go; null: the default device.</param>
    /// <returns>The numbers.</returns>
    public Tensor Uniform(Shape shape, double low = 0, double high = 1, DType dtype = DType.Float32, Device? device = null)
    {
        DType drawn = dtype == DType.Float64 ? DType.Float64 : DType.Float32;
        Tensor unit = Draw(new RandomUniform(shape.Dims, drawn), device);
        return (low == 0 && high == 1 ? unit : (unit * (high - low)) + low).Cast(dtype);
    }

    /// <summary>
    /// Draws normal numbers: on the host, so that every backend has the same bits; on the device while a graph is traced.
    /// </summary>
    /// <param name="shape">Their shape.</param>
    /// <param name="mean">Their mean.</param>
    /// <param name="deviation">Their standard deviation.</param>
    /// <param name="dtype">A floating dtype; the numbers are drawn as float32.</param>
    /// <param name="device">Where they go; null: the default device.</param>
    /// <returns>The numbers.</returns>
    public Tensor Normal(Shape shape, double mean = 0, double deviation = 1, DType dtype = DType.Float32, Device? device = null)
    {
        device ??= Device.Default;
        Tensor standard;
        if (ReferenceEquals(State.Value.Data.Device, State.Device))
        {
            float[] numbers = new float[checked((int)shape.Count)];
            (ulong key, ulong counter) = Advance(Philox.Blocks(numbers.Length + (numbers.Length & 1)));
            Philox.Normals(key, counter, numbers);
            standard = Tensor.From(numbers, device).Reshape(shape.AsSpan());
        }
        else
        {
            standard = Draw(new RandomNormal(shape.Dims), device);
        }

        return (mean == 0 && deviation == 1 ? standard : (standard * deviation) + mean).Cast(dtype);
    }

    /// <summary>Draws integers from 0 to <paramref name="bound"/> − 1 on the host: the upper half of 64 random bits times the bound.</summary>
    /// <param name="count">How many.</param>
    /// <param name="bound">The bound, above 0.</param>
    /// <returns>The integers.</returns>
    public long[] Integers(int count, long bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        uint[] words = Words(checked(2 * count));
        long[] integers = new long[count];
        for (int i = 0; i < count; i++)
        {
            integers[i] = (long)Math.BigMul(words[2 * i] | ((ulong)words[(2 * i) + 1] << 32), (ulong)bound, out _);
        }

        return integers;
    }

    /// <summary>Draws a permutation of 0 to <paramref name="count"/> − 1 on the host: the positions sorted by a random word each.</summary>
    /// <param name="count">How many.</param>
    /// <returns>The permutation.</returns>
    public int[] Permutation(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        (ulong key, ulong counter) = Advance(Philox.Blocks(count));
        return Philox.Permutation(key, counter, count);
    }

    /// <summary>Draws words on the host.</summary>
    /// <param name="count">How many.</param>
    /// <returns>The words.</returns>
    public uint[] Words(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        uint[] words = new uint[count];
        (ulong key, ulong counter) = Advance(Philox.Blocks(count));
        Philox.Words(key, counter, words);
        return words;
    }

    /// <summary>Applies an op whose last input is the state and whose last output is the state after it.</summary>
    /// <param name="op">The op.</param>
    /// <param name="device">Where it runs; null: the default device, or that of the inputs.</param>
    /// <param name="inputs">The other inputs.</param>
    /// <returns>The first output.</returns>
    internal Tensor Draw(Op op, Device? device, params ReadOnlySpan<Tensor> inputs)
    {
        State.To((device ?? (inputs.IsEmpty ? Device.Default : inputs[0].Device)).Real);
        using Tensor before = State.Value;
        Tensor[] outputs = op.ApplyAll([.. inputs, before]);
        using Tensor after = outputs[^1];
        State.Assign(after);
        return outputs.First();
    }

    private (ulong Key, ulong Counter) Advance(long blocks)
    {
        lock (State)
        {
            using Tensor state = State.Value;
            long[] now = state.ToArray<long>();
            Set(now[0], now[1] + blocks);
            return ((ulong)now[0], (ulong)now[1]);
        }
    }

    private void Set(long key, long counter)
    {
        // Outside any scope nobody else would release it.
        using Tensor next = Tensor.From([key, counter], State.Device);
        State.Assign(next);
    }
}
