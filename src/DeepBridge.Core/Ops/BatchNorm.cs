using DeepBridge.Autodiff;

namespace DeepBridge.Ops;

/// <summary>
/// Batch normalization in training: (x − mean) / √(variance + ε) for each channel, times a weight, plus a bias. Inputs: x
/// (N, C, d…), floating, with at least two values a channel; weight (C); bias (C). Outputs: y; the batch's mean (C); its
/// biased variance (C), both float32 for the 16-bit floats.
/// </summary>
/// <param name="Epsilon">ε.</param>
public sealed record BatchNorm(double Epsilon) : Op<BatchNorm>
{
    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Full;

    /// <inheritdoc/>
    public override int OutputCount => 3;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => new(ulong.MaxValue, 6);

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        Checks.Inputs(this, inputs, 3);
        TensorSpec channel = BatchNormRules.Channel(this, inputs[0]);
        BatchNormRules.Require(this, inputs[1], channel, "the weight");
        BatchNormRules.Require(this, inputs[2], channel, "the bias");
        if (inputs[0].Count < 2L * channel.Count)
        {
            throw new ShapeMismatchException(
                Name, $"training takes at least two values a channel, and shape {inputs[0].Shape} has fewer. Enlarge the batch, or evaluate.", [inputs[0].Shape], 0);
        }

        outputs[0] = inputs[0];
        outputs[1] = channel.As(channel.DType.Wide());
        outputs[2] = outputs[1];
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Tensor x = inputs[0].Widen();
        Dims axes = BatchNormRules.Axes(x.Rank);
        Tensor mean = x.Mean(axes, keepDims: true);
        Tensor distance = x - mean;
        Tensor variance = (distance * distance).Mean(axes, keepDims: true);
        Tensor scale = (variance + Epsilon).Rsqrt() * BatchNormRules.Raise(inputs[1].Widen(), x.Rank);
        Tensor y = (distance * scale) + BatchNormRules.Raise(inputs[2].Widen(), x.Rank);
        return [y.Cast(inputs[0].DType), mean.Reshape(x.Shape[1]), variance.Reshape(x.Shape[1])];
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        if (b.IncomingOf(0) is not { } g || b.IncomingOf(1) is not null || b.IncomingOf(2) is not null)
        {
            // The statistics carry gradients themselves only in gradients of gradients.
            b.Replay(this);
            return;
        }

        Tensor[] gradients = new BatchNormGradient(Epsilon).ApplyAll(g, b.Input(0), b.Input(1), b.Output(1), b.Output(2));
        for (int i = 0; i < gradients.Length; i++)
        {
            b.Give(i, gradients[i]);
        }
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 7 * inputs[0].Count;
}

/// <summary>
/// The gradients of <see cref="BatchNorm"/>. Inputs: the gradient of y; x; the weight; the batch's mean; its biased
/// variance. Outputs: the gradients of x, weight and bias.
/// </summary>
/// <param name="Epsilon">ε.</param>
public sealed record BatchNormGradient(double Epsilon) : Op<BatchNormGradient>
{
    /// <inheritdoc/>
    public override int OutputCount => 3;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        Checks.Inputs(this, inputs, 5);
        TensorSpec channel = BatchNormRules.Channel(this, inputs[1]), statistic = channel.As(channel.DType.Wide());
        Checks.Same(this, inputs[0], inputs[1]);
        Checks.HasShape(this, inputs[0], inputs[1].Shape, "the incoming gradient");
        BatchNormRules.Require(this, inputs[2], channel, "the weight");
        BatchNormRules.Require(this, inputs[3], statistic, "the mean");
        BatchNormRules.Require(this, inputs[4], statistic, "the variance");
        outputs[0] = inputs[1];
        outputs[1] = inputs[2];
        outputs[2] = inputs[2];
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        DType dtype = inputs[1].DType;
        Tensor g = inputs[0].Widen(), x = inputs[1].Widen();
        Dims axes = BatchNormRules.Axes(x.Rank);
        long count = x.Count / Math.Max(x.Shape[1], 1);
        Tensor inverse = BatchNormRules.Raise((inputs[4] + Epsilon).Rsqrt(), x.Rank);
        Tensor normal = (x - BatchNormRules.Raise(inputs[3], x.Rank)) * inverse;
        Tensor bias = g.Sum(axes, keepDims: true), weight = (g * normal).Sum(axes, keepDims: true);
        Tensor scale = inverse * BatchNormRules.Raise(inputs[2].Widen(), x.Rank);
        Tensor gradient = (g - (bias / count) - (normal * (weight / count))) * scale;
        return [gradient.Cast(dtype), weight.Reshape(x.Shape[1]).Cast(dtype), bias.Reshape(x.Shape[1]).Cast(dtype)];
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 11 * inputs[1].Count;
}

/// <summary>
/// Batch normalization in evaluation, by running statistics. Inputs: x (N, C, d…), floating; mean (C); variance (C);
/// weight (C); bias (C). Output: y.
/// </summary>
/// <param name="Epsilon">ε.</param>
public sealed record BatchNormInference(double Epsilon) : Op<BatchNormInference>
{
    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Full;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 5);
        TensorSpec channel = BatchNormRules.Channel(this, inputs[0]);
        for (int i = 1; i < 5; i++)
        {
            string what = i switch { 1 => "the mean", 2 => "the variance", 3 => "the weight", _ => "the bias" };
            TensorSpec expected = i < 3 && inputs[i].DType == channel.DType.Wide() ? channel.As(channel.DType.Wide()) : channel;
            BatchNormRules.Require(this, inputs[i], expected, what);
        }

        return inputs[0];
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        int rank = inputs[0].Rank;
        Tensor scale = (inputs[2].Widen() + Epsilon).Rsqrt() * inputs[3].Widen();
        Tensor y = (inputs[0].Widen() - BatchNormRules.Raise(inputs[1].Widen(), rank)) * BatchNormRules.Raise(scale, rank);
        return [(y + BatchNormRules.Raise(inputs[4].Widen(), rank)).Cast(inputs[0].DType)];
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 2 * inputs[0].Count;
}

/// <summary>What these ops share.</summary>
file static class BatchNormRules
{
    internal static TensorSpec Channel(Op op, TensorSpec x)
    {
        Checks.Floating(op, x);
        Checks.Rank(op, x, 2, int.MaxValue, "the input");
        return x.As([x.Shape[1]]);
    }

    internal static void Require(Op op, TensorSpec input, TensorSpec expected, string what)
    {
        Checks.Is(op, input, expected.DType, what);
        Checks.HasShape(op, input, expected.Shape, what);
    }

    internal static Dims Axes(int rank) => Dims.Take([0, .. Enumerable.Range(2, rank - 2)]);

    internal static Tensor Raise(Tensor channel, int rank)
    {
        int[] dims = new int[rank];
        Array.Fill(dims, 1);
        dims[1] = channel.Shape[0];
        return channel.Reshape(dims);
    }
}
