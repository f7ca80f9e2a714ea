using DeepBridge.Testing;

namespace DeepBridge.Swapping.Tests;

/// <summary>
/// The same model, state and batch on another backend: the same step. Runs that differ in the order of a sum drift apart,
/// so backends are compared from each of 200 states of a <c>cpu</c> run (CI: 20 of them).
/// </summary>
public sealed class SwapTests(ITestOutputHelper output)
{
    private const int FullStates = 200;

    // A pre-activation within rounding of 0 may fall on the other side of a ReLU or lose a maximum: one of the thousands of
    // terms of a gradient then comes or goes. In 200 states norms agreed within 5.5e-4, most of it in the bias before a batch
    // norm, whose gradient is rounding.
    private const double NormTolerance = 2e-3;

    public static TheoryData<string, string, bool> Cases
    {
        get
        {
            TheoryData<string, string, bool> cases = [];
            foreach (string device in Backends.Engines.Select(row => row.Data))
            {
                foreach (string model in new[] { "cnn", "mlp" })
                {
                    cases.Add(device, model, false);
                    cases.Add(device, model, true);
                }
            }

            return cases;
        }
    }

    [Theory]
    [Trait("Category", "Proof")]
    [MemberData(nameof(Cases))]
    public void From_each_state_of_a_cpu_run_a_step_agrees(string device, string model, bool compiled)
    {
        Backends.Require(device);
        Twin walker = new(model, "cpu"), other = new(model, device);
        Tolerance gradients = Tolerances.Of(DType.Float32, OpClass.Composite), update = Tolerances.Of(DType.Float32, OpClass.Composite);
        int states = Environment.GetEnvironmentVariable("DEEPBRIDGE_PROOF") == "full" ? FullStates : FullStates / 10, byNorm = 0;
        double worst = 0, worstLoss = 0;
        foreach (int step in TensorScope.Steps(FullStates))
        {
            // A seeded tenth: the states are those of the same run.
            bool compared = states == FullStates || step % (FullStates / states) == 7;
            if (compared)
            {
                other.CopyFrom(walker);
            }

            (Tensor loss, Gradients expected) = walker.Backward(step);
            if (compared)
            {
                (Tensor otherLoss, Tensor[] actual, Gradients mapped) = Other(other, step, compiled, walker, expected);
                double reference = loss.Item();
                worstLoss = Math.Max(worstLoss, Math.Abs(otherLoss.Item() - reference) / Math.Abs(reference));
                byNorm += Compare([.. walker.Parameters.Select(parameter => expected[parameter])], actual, gradients, ref worst) ? 0 : 1;
                other.Update(mapped);
            }

            walker.Update(expected);
            if (compared)
            {
                foreach ((Variable wanted, Variable got) in walker.State().Zip(other.State()))
                {
                    Near(Numbers(wanted.Value), Numbers(got.Value), update).Should().BeTrue($"{wanted} after the optimizer's step {step}, from the same state and gradients");
                }
            }
        }

        output.WriteLine($"{states} states of {model}, cpu to {device}{(compiled ? " compiled" : string.Empty)}: loss within {worstLoss:E1}, gradients within {worst:E1} of their norm, {byNorm} states needed the norm");
        worstLoss.Should().BeLessThan(1e-5);
        worst.Should().BeLessThan(NormTolerance);
    }

    /// <summary>Another backend's step; the optimizer there gets the gradients of here, so that it is compared apart.</summary>
    private static (Tensor Loss, Tensor[] Gradients, Gradients Mapped) Other(Twin other, int step, bool compiled, Twin walker, Gradients expected)
    {
        Dictionary<Variable, Tensor> given = other.Parameters.Zip(walker.Parameters)
            .ToDictionary(pair => (Variable)pair.First, pair => expected[pair.Second].To(other.Device));
        if (!compiled)
        {
            (Tensor loss, Gradients gradients) = other.Backward(step);
            return (loss, [.. other.Parameters.Select(parameter => gradients[parameter])], gradients.Map((variable, _) => given[variable]));
        }

        (Tensor compiledLoss, Tensor[] tensors) = other.CompiledBackward(step);
        Tensor sum = other.Parameters.Select(parameter => parameter.Value.Sum()).Aggregate((left, right) => left + right);
        return (compiledLoss, tensors, Gradients.Of(sum, other.Parameters).Map((variable, _) => given[variable]));
    }

    /// <summary>Whether gradients agree element by element; the worst difference of norms is kept.</summary>
    private static bool Compare(Tensor[] expected, Tensor[] actual, Tolerance tolerance, ref double worst)
    {
        double[][] wanted = [.. expected.Select(Numbers)], got = [.. actual.Select(Numbers)];
        double all = Math.Sqrt(wanted.Sum(Square));
        bool near = true;
        for (int i = 0; i < wanted.Length; i++)
        {
            double difference = Math.Sqrt(Square([.. wanted[i].Zip(got[i], (a, b) => a - b)]));
            worst = Math.Max(worst, difference / Math.Max(Math.Sqrt(Square(wanted[i])), all * 1e-3));
            near &= Near(wanted[i], got[i], tolerance);
        }

        return near;
    }

    private static bool Near(double[] expected, double[] actual, Tolerance tolerance)
    {
        double scale = expected.Max(Math.Abs);
        return expected.Zip(actual).All(pair => Math.Abs(pair.First - pair.Second) <= (tolerance.Relative * Math.Abs(pair.First)) + (tolerance.Absolute * scale));
    }

    private static double Square(double[] numbers) => numbers.Sum(number => number * number);

    private static double[] Numbers(Tensor tensor) => tensor.Detach().Cast(DType.Float64).ToArray<double>();
}
