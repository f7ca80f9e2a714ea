using Xunit;

namespace DeepBridge.Testing;

/// <summary>
/// Judges ops' own rules, with the reference backend, in float64: gradients against central differences of values, and
/// gradients of gradients against central differences of gradients. Derive in one test project.
/// </summary>
public abstract class OpRules
{
    // Central differences of step h err by h²/6 of the third derivative and by 1e-16/h of rounding.
    private const double Step = 1e-5, Relative = 1e-6, Absolute = 2e-8;

    /// <summary>Rows of the theories: every op of the catalogue that has a gradient.</summary>
    /// <returns>Their names.</returns>
    public static TheoryData<string> Ops() =>
        [.. OpCases.All.Where(one => one.IsDifferenced).Select(one => one.Op.Name).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Gradients are the slopes of values.</summary>
    /// <param name="op">The op.</param>
    [Theory]
    [MemberData(nameof(Ops))]
    public void Gradients_are_slopes(string op) => Each(op, (one, inputs) =>
    {
        double Value(Tensor[] at) => Comparison.Dot(Comparison.Floating(one, at), Weights(Comparison.Floating(one, at))).Item();
        (Tensor[] gradients, _) = Comparison.Gradients(one, inputs, false);
        Compare(one, inputs, Value, gradients);
    });

    /// <summary>Gradients of gradients, also in the incoming gradient, are the slopes of gradients.</summary>
    /// <param name="op">The op.</param>
    [Theory]
    [MemberData(nameof(Ops))]
    public void Second_order_gradients_are_slopes(string op) => Each(op, (one, inputs) =>
    {
        int count = inputs.Length;
        Tensor[] all = [.. inputs, .. Weights(Comparison.Floating(one, inputs))];
        double Value(Tensor[] at)
        {
            Tensor[] tracked = [.. at.Take(count).Select(input => input.DType.IsFloating() ? input.Track() : input)];
            Tensor loss = Comparison.Dot(Comparison.Floating(one, tracked), at[count..]);
            Tensor[] slopes = Gradients.Of(loss, [.. tracked.Where(input => input.IsTracked)], zeros: true);
            return Comparison.Dot(slopes, [.. slopes.Select((slope, i) => Comparison.Weight(slope, 20 + i, false))]).Item();
        }

        (_, Tensor[] gradients) = Comparison.Gradients(one, inputs, true);
        Compare(one, all, Value, gradients);
    });

    private static void Each(string op, Action<OpCase, Tensor[]> check)
    {
        using AmbientChange device = Device.Use(ReferenceBackend.Instance.Device);
        foreach (OpCase one in OpCases.Of(op).Where(one => one.IsDifferenced))
        {
            using TensorScope scope = new();
            check(one, one.Make(ReferenceBackend.Instance.Device));
        }
    }

    private static Tensor[] Weights(Tensor[] outputs) => [.. outputs.Select((output, i) => Comparison.Weight(output, 10 + i, false))];

    /// <summary>Compares the gradients of the floating inputs with differences of a scalar, element by element.</summary>
    private static void Compare(OpCase one, Tensor[] inputs, Func<Tensor[], double> value, Tensor[] gradients)
    {
        int target = 0;
        for (int input = 0; input < inputs.Length; input++)
        {
            if (!inputs[input].DType.IsFloating())
            {
                continue;
            }

            double[] at = Host.Reals(inputs[input]), gradient = Host.Reals(gradients[target++]);
            for (int i = 0; i < at.Length; i++)
            {
                double centre = at[i], step = Step * Math.Max(1, Math.Abs(centre));
                double Moved(double to)
                {
                    using TensorScope scope = new();
                    at[i] = to;
                    Tensor moved = Host.Import(at, inputs[input].Shape, DType.Float64, inputs[input].Device);
                    return value([.. inputs.Select((tensor, k) => k == input ? moved : tensor)]);
                }

                double slope = (Moved(centre + step) - Moved(centre - step)) / (centre + step - (centre - step));
                at[i] = centre;
                double error = Math.Abs(slope - gradient[i]);
                Assert.True(
                    error <= Absolute + (Relative * Math.Abs(slope)),
                    $"{one}: the gradient of element {i} of input {input} is {gradient[i]:R}, the slope {slope:R}");
            }
        }

        Assert.Equal(target, gradients.Length);
    }
}
