using DeepBridge.Autodiff;

namespace DeepBridge.Ops;

/// <summary>
/// Random words of 32 bits, as int32 bit patterns, by Philox 4×32-10: element i is word i mod 4 of block counter + i/4.
/// Input: the state, int64 (2): the key, and the counter, which counts blocks. Outputs: the words, and the state after.
/// </summary>
/// <param name="Shape">The shape of the words.</param>
public sealed record RandomWords(Dims Shape) : Op<RandomWords>
{
    /// <inheritdoc/>
    public override int OutputCount => 2;

    /// <inheritdoc/>
    public override string? NoGradient => "its outputs are integers";

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        outputs[0] = new TensorSpec(Shape, DType.Int32);
        outputs[1] = RandomRules.State(this, inputs, outputs[0].Count);
    }
}

/// <summary>
/// Uniform numbers in [0, 1). A float32 takes one word: its lower 23 bits over 2²³; a float64 two: 52 bits over 2⁵².
/// Input: the state. Outputs: the numbers, and the state after.
/// </summary>
/// <param name="Shape">The shape of the numbers.</param>
/// <param name="DType">Float32 or Float64.</param>
public sealed record RandomUniform(Dims Shape, DType DType) : Op<RandomUniform>
{
    /// <inheritdoc/>
    public override int OutputCount => 2;

    /// <inheritdoc/>
    public override string? NoGradient => "it draws numbers";

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        Checks.Attribute(this, DType is DType.Float32 or DType.Float64, $"draws float32 or float64, got {DType.Name()}.");
        outputs[0] = new TensorSpec(Shape, DType);
        outputs[1] = RandomRules.State(this, inputs, outputs[0].Count, DType == DType.Float64 ? 2 : 1);
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        int count = checked((int)new Shape(Shape).Count);
        if (DType == DType.Float32)
        {
            Tensor[] words = new RandomWords(Shape).ApplyAll(inputs[0]);
            return [words[0].FloorModulo(1 << 23).Cast(DType.Float32) * Math.Pow(2, -23), words[1]];
        }

        Tensor[] pairs = new RandomWords([count, 2]).ApplyAll(inputs[0]);
        Tensor wide = pairs[0].Cast(DType.Int64);
        Tensor low = wide[.., 0].FloorModulo(1L << 32), high = wide[.., 1].FloorModulo(1L << 20);
        Tensor bits = low + (high * (1L << 32));
        return [(bits.Cast(DType.Float64) * Math.Pow(2, -52)).Reshape(Shape.AsSpan()), pairs[1]];
    }
}

/// <summary>
/// Standard normal numbers, float32, by Box–Muller: words 2i and 2i+1 give numbers 2i and 2i+1 as
/// √(−2·log(1−u₁)) times cos and sin of 2π·u₂. Input: the state. Outputs: the numbers, and the state after.
/// </summary>
/// <param name="Shape">The shape of the numbers.</param>
public sealed record RandomNormal(Dims Shape) : Op<RandomNormal>
{
    /// <inheritdoc/>
    public override int OutputCount => 2;

    /// <inheritdoc/>
    public override string? NoGradient => "it draws numbers";

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        outputs[0] = new TensorSpec(Shape, DType.Float32);
        outputs[1] = RandomRules.State(this, inputs, outputs[0].Count);
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        int count = checked((int)new Shape(Shape).Count), pairs = (count + 1) / 2;
        Tensor[] uniform = new RandomUniform([pairs, 2], DType.Float32).ApplyAll(inputs[0]);
        Tensor radius = ((1 - uniform[0][.., 0]).Log() * -2).Sqrt(), angle = uniform[0][.., 1] * (2 * Math.PI);
        Tensor both = Tensor.Stack([radius * angle.Cos(), radius * angle.Sin()], 1).Reshape(-1);
        return [both.Narrow(0, 0, count).Reshape(Shape.AsSpan()), uniform[1]];
    }
}

/// <summary>
/// Zeros each element with a probability and scales the others by 1 / (1 − p). Inputs: x, the state. Outputs: y, the
/// mask of the elements that stay (bool), and the state after. An element stays where the uniform number is not below p.
/// </summary>
/// <param name="Probability">p, from 0 to below 1.</param>
public sealed record Dropout(double Probability) : Op<Dropout>
{
    /// <inheritdoc/>
    public override int OutputCount => 3;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => new(0, 2);

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        Checks.Inputs(this, inputs, 2);
        Checks.Floating(this, inputs[0]);
        RandomRules.CheckProbability(this, Probability);
        outputs[0] = inputs[0];
        outputs[1] = inputs[0].As(DType.Bool);
        outputs[2] = RandomRules.State(this, inputs[1..], outputs[0].Count);
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Tensor[] uniform = new RandomUniform(inputs[0].Shape.Dims, DType.Float32).ApplyAll(inputs[1]);
        Tensor mask = uniform[0] >= Probability;
        return [DropoutGradient.Scale(inputs[0], mask, Probability), mask, uniform[1]];
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        if (b.IncomingOf(0) is { } incoming)
        {
            b.Give(0, new DropoutGradient(Probability).Apply(incoming, b.Output(1)));
        }
    }
}

/// <summary>x / (1 − p) where the mask is true, else 0. Inputs: x, the mask.</summary>
/// <param name="Probability">p.</param>
public sealed record DropoutGradient(double Probability) : Op<DropoutGradient>
{
    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 2);
        Checks.Floating(this, inputs[0]);
        Checks.Is(this, inputs[1], DType.Bool, "the mask");
        Checks.HasShape(this, inputs[1], inputs[0].Shape, "the mask");
        RandomRules.CheckProbability(this, Probability);
        return inputs[0];
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs) => [Scale(inputs[0], inputs[1], Probability)];

    internal static Tensor Scale(Tensor x, Tensor mask, double probability) =>
        Tensor.Where(mask, x * (1 / (1 - probability)), x.ZerosLike());
}

/// <summary>What the random ops share.</summary>
file static class RandomRules
{
    internal static void CheckProbability(Op op, double probability) => Checks.Attribute(
        op, probability is >= 0 and < 1, $"the probability must be at least 0 and below 1, got {probability}.");

    /// <summary>The state's spec; a draw has at most 2³⁰ words, which kernels count in 32 bits.</summary>
    internal static TensorSpec State(Op op, ReadOnlySpan<TensorSpec> inputs, long count, int words = 1)
    {
        Checks.Inputs(op, inputs, 1);
        Checks.Is(op, inputs[0], DType.Int64, "the state");
        Checks.HasShape(op, inputs[0], [2], "the state");
        Checks.Attribute(op, count <= (1 << 30) / words, $"draws at most 2^30 words at once, got {count} numbers.");
        return inputs[0];
    }
}
