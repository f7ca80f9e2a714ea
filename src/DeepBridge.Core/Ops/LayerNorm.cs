using DeepBridge.Autodiff;

namespace DeepBridge.Ops;

/// <summary>
/// (x − mean) / √(biased variance + ε) over the trailing axes, times a weight, plus a bias. Inputs: x, floating;
/// optionally a weight of the trailing axes' shape; optionally a bias of the same. Outputs: y; the mean; the reciprocal
/// standard deviation: both with the trailing axes kept at extent 1, float32 for the 16-bit floats.
/// </summary>
/// <param name="AxisCount">The number of trailing axes, at least 1.</param>
/// <param name="Epsilon">ε.</param>
public sealed record LayerNorm(int AxisCount, double Epsilon) : Op<LayerNorm>
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
        Checks.Inputs(this, inputs, 1, 3);
        Shape trailing = LayerNormRules.Trailing(this, inputs[0], AxisCount);
        for (int i = 1; i < inputs.Length; i++)
        {
            Checks.Same(this, inputs[0], inputs[i]);
            Checks.HasShape(this, inputs[i], trailing, i == 1 ? "the weight" : "the bias");
        }

        outputs[0] = inputs[0];
        outputs[1] = LayerNormRules.Statistic(inputs[0], AxisCount);
        outputs[2] = outputs[1];
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Tensor x = inputs[0].Widen();
        Dims axes = LayerNormRules.Axes(x.Rank, AxisCount);
        Tensor mean = x.Mean(axes, keepDims: true);
        Tensor distance = x - mean;
        Tensor inverse = ((distance * distance).Mean(axes, keepDims: true) + Epsilon).Rsqrt();
        Tensor y = distance * inverse;
        y = inputs.Length > 1 ? y * inputs[1].Widen() : y;
        y = inputs.Length > 2 ? y + inputs[2].Widen() : y;
        return [y.Cast(inputs[0].DType), mean, inverse];
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

        if (b.InputCount == 1)
        {
            b.Give(0, new LayerNormGradient(AxisCount, false).ApplyAll(g, b.Input(0), b.Output(1), b.Output(2))[0]);
            return;
        }

        Tensor[] gradients = new LayerNormGradient(AxisCount, true).ApplyAll(g, b.Input(0), b.Output(1), b.Output(2), b.Input(1));
        for (int i = 0; i < b.InputCount; i++)
        {
            b.Give(i, gradients[i]);
        }
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 8 * inputs[0].Count;
}

/// <summary>
/// The gradients of <see cref="LayerNorm"/>. Inputs: the gradient of y; x; the mean; the reciprocal standard deviation;
/// the weight where there is one. Outputs: the gradients of x and, where there is a weight, of weight and bias.
/// </summary>
/// <param name="AxisCount">The number of trailing axes.</param>
/// <param name="Affine">Whether there is a weight.</param>
public sealed record LayerNormGradient(int AxisCount, bool Affine) : Op<LayerNormGradient>
{
    /// <inheritdoc/>
    public override int OutputCount => Affine ? 3 : 1;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        Checks.Inputs(this, inputs, Affine ? 5 : 4);
        Shape trailing = LayerNormRules.Trailing(this, inputs[1], AxisCount);
        TensorSpec statistic = LayerNormRules.Statistic(inputs[1], AxisCount);
        Checks.Same(this, inputs[0], inputs[1]);
        Checks.HasShape(this, inputs[0], inputs[1].Shape, "the incoming gradient");
        for (int i = 2; i < 4; i++)
        {
            Checks.Same(this, inputs[i], statistic);
            Checks.HasShape(this, inputs[i], statistic.Shape, i == 2 ? "the mean" : "the reciprocal standard deviation");
        }

        outputs[0] = inputs[1];
        if (Affine)
        {
            Checks.Same(this, inputs[4], inputs[1]);
            Checks.HasShape(this, inputs[4], trailing, "the weight");
            outputs[1] = inputs[4];
            outputs[2] = inputs[4];
        }
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        DType dtype = inputs[1].DType;
        Tensor g = inputs[0].Widen(), normal = (inputs[1].Widen() - inputs[2]) * inputs[3];
        Tensor scaled = Affine ? g * inputs[4].Widen() : g;
        Dims axes = LayerNormRules.Axes(g.Rank, AxisCount);
        Tensor along = normal * (scaled * normal).Mean(axes, keepDims: true);
        Tensor x = ((scaled - scaled.Mean(axes, keepDims: true) - along) * inputs[3]).Cast(dtype);
        return Affine
            ? [x, (g * normal).SumTo(inputs[4].Shape).Cast(dtype), g.SumTo(inputs[4].Shape).Cast(dtype)]
            : [x];
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 14 * inputs[1].Count;
}

/// <summary>What both share.</summary>
file static class LayerNormRules
{
    internal static Shape Trailing(Op op, TensorSpec x, int count)
    {
        Checks.Floating(op, x);
        Checks.Attribute(op, count >= 1 && count <= x.Rank, $"{count} trailing axes are not in shape {x.Shape}.");
        return Shape.Create(x.Shape.AsSpan()[^count..]);
    }

    internal static TensorSpec Statistic(TensorSpec x, int count)
    {
        int[] dims = x.Shape.AsSpan().ToArray();
        Array.Fill(dims, 1, dims.Length - count, count);
        return new TensorSpec(new Shape(Dims.Take(dims)), x.DType.Wide());
    }

    internal static Dims Axes(int rank, int count) => Dims.Take([.. Enumerable.Range(rank - count, count)]);
}
