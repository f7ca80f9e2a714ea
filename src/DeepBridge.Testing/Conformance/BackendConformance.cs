using DeepBridge.Memory;
using Xunit;

namespace DeepBridge.Testing;

/// <summary>
/// What every backend must do. Derive in a test project, which must not run its tests in parallel, since live tensors
/// are counted process-wide:
/// <code>
/// [assembly: CollectionBehavior(DisableTestParallelization = true)]
/// public sealed class MyConformance : BackendConformance
/// {
///     protected override Device Device => MyBackend.Instance.Devices[0];
/// }
/// </code>
/// </summary>
public abstract partial class BackendConformance : PyTorchGoldens
{
    /// <summary>Cases of ops that the catalogue does not know: those of the deriving assembly.</summary>
    protected virtual IReadOnlyList<OpCase> OwnCases => [];

    /// <summary>The tolerance of a result; by default that of the table.</summary>
    /// <param name="one">The case.</param>
    /// <param name="dtype">The dtype of the result.</param>
    /// <param name="kind">The class of op, or of its gradients.</param>
    /// <returns>The tolerance.</returns>
    protected virtual Tolerance ToleranceOf(OpCase one, DType dtype, OpClass kind) => Tolerances.Of(dtype, kind);

    /// <summary>Why a case is left out on this device; by default none is.</summary>
    /// <param name="one">The case.</param>
    /// <returns>The reason; null: it runs.</returns>
    protected virtual string? SkipReason(OpCase one) => null;

    /// <summary>Rows of the theories: every op of the catalogue.</summary>
    /// <returns>Their names.</returns>
    public static TheoryData<string> Ops() => [.. OpCases.All.Select(one => one.Op.Name).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Values agree with the reference; inputs stay as they are; twice gives the same bits; nothing leaks.</summary>
    /// <param name="op">The op.</param>
    [Theory]
    [MemberData(nameof(Ops))]
    public void Values_agree(string op) => Each(OpCases.Of(op), CheckValues);

    /// <summary>Gradients, and gradients of gradients, agree with the reference; nothing leaks.</summary>
    /// <param name="op">The op.</param>
    [Theory]
    [MemberData(nameof(Ops))]
    public void Gradients_agree(string op) => Each(OpCases.Of(op), CheckGradients);

    /// <summary>An op that is given its inputs' memory computes the same, and touches no input that it was not given.</summary>
    /// <param name="op">The op.</param>
    [Theory]
    [MemberData(nameof(Ops))]
    public void Donated_inputs_change_nothing(string op) => Each(OpCases.Of(op), CheckDonation);

    /// <summary>Whatever an op's rule accepts the device runs, and what it refuses it refuses with a typed error.</summary>
    /// <param name="op">The op.</param>
    [Theory]
    [MemberData(nameof(Ops))]
    public void What_the_rule_accepts_runs(string op) => Each(OpCases.Of(op), CheckVariants);

    /// <summary>Ops of the deriving assembly pass all of these checks.</summary>
    [Fact]
    public void Own_ops_conform()
    {
        Each(OwnCases, one =>
        {
            CheckValues(one);
            CheckGradients(one);
            CheckDonation(one);
            CheckVariants(one);
        });
        Assert.All(OwnCases, one => Assert.NotNull(one.Op));
    }

    private void Each(IEnumerable<OpCase> cases, Action<OpCase> check)
    {
        List<string> failures = [], skips = [];
        int count = 0;
        using AmbientChange device = Device.Use(Device);
        using AmbientChange? wrapped = Wrapped?.Use();
        foreach (OpCase one in cases)
        {
            if (SkipReason(one) is { } reason)
            {
                skips.Add($"{one}: {reason}");
                continue;
            }

            count++;
            try
            {
                check(one);
            }
            catch (Exception error)
            {
                failures.Add($"{one}: {(error is ConformanceException ? error.Message : error)}");
            }
        }

        foreach (string skip in skips)
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"skipped: {skip}");
        }

        Assert.SkipWhen(count == 0 && skips.Count > 0, string.Join('\n', skips));
        if (failures.Count > 0)
        {
            Assert.Fail($"{failures.Count} of {count} cases on {Device}:\n{string.Join('\n', failures.Take(12))}");
        }
    }

    private void CheckValues(OpCase one) => Repeat(compare =>
    {
        using TensorScope scope = new(one.Op.Name);
        Tensor[] inputs = one.Make(Device), outputs = Untouched(inputs, () => one.Op.ApplyAll(inputs));
        if (compare)
        {
            TensorSpec[] specs = one.Op.InferAll([.. inputs.Select(input => input.Spec)]);
            Tensor[] expected = one.Op.ApplyAll(one.Make(ReferenceBackend.Instance.Device, DType.Float64));
            for (int i = 0; i < outputs.Length; i++)
            {
                Require(outputs[i].Spec.Equals(specs[i]), $"output {i} is {outputs[i].Spec}, its rule says {specs[i]}");
                Require(Comparison.Difference(expected[i], outputs[i], ToleranceOf(one, outputs[i].DType, one.Class)), $"output {i}");
            }
        }

        return [.. outputs.Select(Host.Bytes)];
    });

    private void CheckGradients(OpCase one)
    {
        if (!one.ComparesGradients || one.Op.NoGradient is not null)
        {
            return;
        }

        bool second = one.IsSmooth && one.Inputs.Sum(input => input.Shape.Count) < 1000;
        Repeat(compare =>
        {
            using TensorScope scope = new(one.Op.Name);
            Tensor[] inputs = one.Make(Device);
            (Tensor[] first, Tensor[] next) = Untouched(inputs, () => Comparison.Gradients(one, inputs, second));
            if (compare)
            {
                Tensor[] same = one.Make(ReferenceBackend.Instance.Device, DType.Float64);
                (Tensor[] expected, Tensor[] expectedNext) = Comparison.Gradients(one, same, second);
                Agree(one, expected, first, Tolerances.OfGradients(one.Class), "gradient");
                Agree(one, expectedNext, next, OpClass.Composite, "second-order gradient");
            }

            return [.. first.Concat(next).Select(Host.Bytes)];
        });
    }

    /// <summary>Compares gradients; where one is zero but for rounding, the largest of them all says how much that is.</summary>
    private void Agree(OpCase one, Tensor[] expected, Tensor[] actual, OpClass kind, string what)
    {
        double magnitude = Comparison.Magnitude(expected);
        for (int i = 0; i < actual.Length; i++)
        {
            Require(Comparison.Difference(expected[i], actual[i], ToleranceOf(one, actual[i].DType, kind), magnitude), $"{what} {i}");
        }
    }

    /// <summary>Runs twice and requires the same bits; the first run is told to compare them with the reference.</summary>
    private static void Repeat(Func<bool, byte[][]> run)
    {
        byte[][]? first = null;
        Settled(() =>
        {
            byte[][] results = run(first is null);
            first ??= results;
            for (int i = 0; i < first.Length; i++)
            {
                Require(first[i].AsSpan().SequenceEqual(results[i]), $"result {i} has other bits the second time");
            }
        });
    }

    /// <summary>Runs something and requires that its inputs are afterwards what they were.</summary>
    private static T Untouched<T>(Tensor[] inputs, Func<T> run)
    {
        byte[][] before = [.. inputs.Select(Host.Bytes)];
        T result = run();
        for (int i = 0; i < inputs.Length; i++)
        {
            Require(before[i].AsSpan().SequenceEqual(Host.Bytes(inputs[i])), $"input {i} was written to");
        }

        return result;
    }

    /// <summary>Runs an action twice and requires that the second time, when its constants are cached, it leaves nothing behind.</summary>
    private static void Settled(Action action)
    {
        action();
        long before = LiveTensors.Count;
        action();
        long leaked = LiveTensors.Count - before;
        Require(leaked == 0, $"{leaked} tensors more live than before (or tests run in parallel: see {nameof(BackendConformance)})");
    }

    private static void Require(bool holds, string message)
    {
        if (!holds)
        {
            throw new ConformanceException(message);
        }
    }

    private static void Require(string? difference, string what) => Require(difference is null, $"{what}: {difference}");

    private sealed class ConformanceException(string message) : Exception(message);
}
