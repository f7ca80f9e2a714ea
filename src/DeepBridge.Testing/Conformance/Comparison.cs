namespace DeepBridge.Testing;

/// <summary>Runs cases and says what differs.</summary>
internal static class Comparison
{
    /// <summary>Where a tensor differs from what was expected; null: nowhere.</summary>
    /// <param name="expected">The truth.</param>
    /// <param name="actual">What the device made.</param>
    /// <param name="tolerance">How far it may be off.</param>
    /// <param name="magnitude">The size of the numbers that it was made of, where they may cancel to something smaller.</param>
    internal static string? Difference(Tensor expected, Tensor actual, Tolerance tolerance, double magnitude = 0)
    {
        if (expected.Shape != actual.Shape)
        {
            return $"has shape {actual.Shape}, expected {expected.Shape}";
        }

        if (!actual.DType.IsFloating())
        {
            long[] wanted = Host.Wholes(expected), got = Host.Wholes(actual);
            int wrong = Enumerable.Range(0, got.Length).FirstOrDefault(i => wanted[i] != got[i], -1);
            return wrong < 0 ? null : $"element {wrong} is {got[wrong]}, expected {wanted[wrong]}";
        }

        return Difference(Host.Reals(expected), Host.Reals(actual), tolerance, actual.DType, magnitude);
    }

    /// <summary>Where numbers differ from what was expected; null: nowhere.</summary>
    private static string? Difference(double[] expected, double[] actual, Tolerance tolerance, DType dtype, double magnitude)
    {
        double scale = tolerance.Absolute == 0 ? 0 : Math.Max(magnitude, Largest(expected));
        double floor = (tolerance.Absolute * scale) + (tolerance == default ? 0 : Tolerances.Tiny(dtype));
        int count = 0, worst = -1;
        double largest = -1;
        for (int i = 0; i < actual.Length; i++)
        {
            double wanted = Elements.Round(expected[i], dtype), got = actual[i];
            if (wanted == got || (double.IsNaN(wanted) && double.IsNaN(got)))
            {
                continue;
            }

            double error = Math.Abs(wanted - got), allowed = (tolerance.Relative * Math.Abs(wanted)) + floor;
            if (double.IsFinite(wanted) && error <= allowed)
            {
                continue;
            }

            count++;
            if (worst < 0 || error / allowed > largest)
            {
                (worst, largest) = (i, error / allowed);
            }
        }

        return worst < 0 ? null
            : $"{count} of {actual.Length} elements differ, element {worst} most: {actual[worst]:R}, expected {expected[worst]:R}, {largest:G3} times the tolerance";
    }

    /// <summary>The largest finite magnitude in tensors: what cancellation between them is measured by.</summary>
    internal static double Magnitude(IEnumerable<Tensor> tensors) => tensors.Select(tensor => Largest(Host.Reals(tensor))).DefaultIfEmpty(0).Max();

    /// <summary>
    /// The gradients of Σ w·op(inputs) for fixed random w in the floating inputs, and, where asked, those of
    /// Σ v·gradient in the inputs and in w.
    /// </summary>
    internal static (Tensor[] First, Tensor[] Second) Gradients(OpCase one, Tensor[] inputs, bool second)
    {
        Tensor[] tracked = [.. inputs.Select(input => input.DType.IsFloating() ? input.Track() : input)];
        Tensor[] targets = [.. tracked.Where(input => input.IsTracked)];
        Tensor[] outputs = Floating(one, tracked);
        if (targets.Length == 0 || outputs.Length == 0)
        {
            return ([], []);
        }

        Tensor[] weights = [.. outputs.Select((output, i) => Weight(output, 10 + i, second))];
        Tensor loss = Dot(outputs, weights);
        Tensor[] first = DeepBridge.Gradients.Of(loss, targets, differentiable: second, zeros: true);
        if (!second)
        {
            return (first, []);
        }

        Tensor slope = Dot(first, [.. first.Select((gradient, i) => Weight(gradient, 20 + i, false))]);
        Tensor[] all = [.. targets, .. weights];
        return (first, slope.IsTracked ? DeepBridge.Gradients.Of(slope, all, zeros: true) : [.. all.Select(target => target.ZerosLike())]);
    }

    /// <summary>The outputs that carry an incoming gradient.</summary>
    internal static Tensor[] Floating(OpCase one, Tensor[] inputs) =>
        [.. one.Op.ApplyAll(inputs).Take(one.Outputs ?? int.MaxValue).Where(output => output.DType.IsFloating())];

    /// <summary>Σ w·x over several tensors.</summary>
    internal static Tensor Dot(Tensor[] tensors, Tensor[] weights) =>
        tensors.Zip(weights, (tensor, weight) => (tensor * weight).Sum()).Aggregate((sum, next) => sum + next);

    /// <summary>Random weights for a tensor, the same whatever its device; representable in every dtype.</summary>
    internal static Tensor Weight(Tensor tensor, int seed, bool track)
    {
        Random random = new(seed);
        double[] numbers = new double[tensor.Count];
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = random.Next(-64, 65) / 64.0;
        }

        Tensor weight = Host.Import(numbers, tensor.Shape, tensor.DType, tensor.Device);
        return track ? weight.Track() : weight;
    }

    private static double Largest(double[] numbers) => numbers.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty(0).Max();
}
