using DeepBridge.Ops;

namespace DeepBridge.Cpu.Tests;

/// <summary>The fused steps of the optimizers, beside what they decompose into.</summary>
public sealed class OptimizerStepTests
{
    static OptimizerStepTests() => CpuBackend.Register();

    public static TheoryData<int, DType> Sizes => new()
    {
        { 1, DType.Float32 }, { 13, DType.Float32 }, { 13, DType.Float64 }, { 1000, DType.Float32 }, { 150_000, DType.Float32 },
    };

    /// <summary>Each op with the number of its slots and whether it counts steps.</summary>
    private static IEnumerable<(Op Op, int Slots, bool Counts)> Steps()
    {
        yield return (new SgdStep(0, 0, 0.1, false), 0, false);
        yield return (new SgdStep(0.9, 0.2, 0.1, false), 1, true);
        yield return (new SgdStep(0.9, 0, 0, true), 1, true);
        foreach (bool decoupled in new[] { false, true })
        {
            yield return (new AdamStep(0.9, 0.99, 1e-3, 0.1, decoupled), 2, true);
            yield return (new AmsGradStep(0.9, 0.99, 1e-3, 0.1, decoupled), 3, true);
        }

        yield return (new RmsPropStep(0.9, 1e-3, 0.1, 0, false), 1, false);
        yield return (new RmsPropStep(0.9, 1e-3, 0, 0.8, false), 2, false);
        yield return (new RmsPropStep(0.9, 1e-3, 0, 0, true), 2, false);
        yield return (new RmsPropStep(0.9, 1e-3, 0.1, 0.8, true), 3, false);
        yield return (new AdagradStep(1e-3, 0.1, 0.2), 1, true);
        yield return (new LionStep(0.9, 0.99, 0.1), 1, false);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void They_are_what_they_decompose_into(int count, DType dtype)
    {
        using AmbientChange generator = new RandomGenerator(count).Use();
        foreach ((Op op, int slots, bool counts) in Steps())
        {
            foreach (int before in new[] { 0, 5 })
            {
                Tensor[] inputs = Inputs(count, dtype, slots, counts ? before : null);
                Tensor[] expected = op.Decompose(inputs)!, actual = op.ApplyAll(inputs);
                actual.Should().HaveCount(expected.Length);
                for (int i = 0; i < actual.Length; i++)
                {
                    Tensor distance = (actual[i] - expected[i]).Abs().Max(), size = expected[i].Abs().Max();
                    distance.Item().Should().BeLessThan((size.Item() * 2e-6) + 1e-12, $"output {i} of {op}");
                }
            }
        }
    }

    [Fact]
    public void Their_bits_do_not_depend_on_the_number_of_threads()
    {
        using AmbientChange generator = new RandomGenerator(1).Use();
        int limit = Workers.Limit;
        try
        {
            foreach ((Op op, int slots, bool counts) in Steps())
            {
                Tensor[] inputs = Inputs(200_001, DType.Float32, slots, counts ? 3 : null);
                Workers.Limit = 1;
                float[] one = op.ApplyAll(inputs)[0].ToArray<float>();
                Workers.Limit = 4;
                op.ApplyAll(inputs)[0].ToArray<float>().Should().Equal(one);
            }
        }
        finally
        {
            Workers.Limit = limit;
        }
    }

    /// <summary>The parameter, slots that squares may be, the count, the gradient, the rate.</summary>
    private static Tensor[] Inputs(int count, DType dtype, int slots, int? before)
    {
        List<Tensor> inputs = [Tensor.Normal([count]).Cast(dtype)];
        for (int slot = 0; slot < slots; slot++)
        {
            // The first is large beside the second, so that no variance is a difference of equal numbers.
            Tensor uniform = Tensor.Uniform([count]).Cast(dtype);
            inputs.Add(slot == 0 ? uniform + 0.5 : uniform * 0.1);
        }

        if (before is { } steps)
        {
            inputs.Add(Tensor.Full([], steps, DType.Int64));
        }

        return [.. inputs, Tensor.Normal([count]).Cast(dtype), Tensor.Full([], 0.01, DType.Float32)];
    }
}
