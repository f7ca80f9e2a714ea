using DeepBridge.Autodiff;

namespace DeepBridge.Ops;

/// <summary>How a window slides over one or two spatial axes.</summary>
/// <param name="Stride">The step, an axis; at least 1.</param>
/// <param name="Low">Zeros before, an axis.</param>
/// <param name="High">Zeros after, an axis.</param>
/// <param name="Dilation">The distance of the window's elements, an axis; at least 1.</param>
public readonly record struct Window(Dims Stride, Dims Low, Dims High, Dims Dilation)
{
    /// <summary>The number of spatial axes.</summary>
    public int Rank => Stride.Length;

    /// <summary>The spatial extents that come out.</summary>
    /// <param name="op">The op, for errors.</param>
    /// <param name="input">The input, (batch, channels, spatial…).</param>
    /// <param name="size">The window's extents.</param>
    /// <returns>One extent a spatial axis.</returns>
    /// <exception cref="ShapeMismatchException">The window is larger than the padded input.</exception>
    /// <exception cref="InvalidAttributeException">What is slid over has more than 2³¹−1 elements, and kernels count in 32 bits.</exception>
    public int[] Slide(Op op, Shape input, ReadOnlySpan<int> size)
    {
        int[] output = new int[Rank];
        long plane = 1;
        for (int i = 0; i < output.Length; i++)
        {
            long padded = (long)input[i + 2] + Low[i] + High[i], reach = ((long)Dilation[i] * (size[i] - 1)) + 1;
            if (padded < reach)
            {
                throw new ShapeMismatchException(
                    op.Name, $"the window reaches over {reach} elements of axis {i + 2}, the padded input {input} has {padded}.", [input], i + 2);
            }

            plane = padded + reach + Stride[i] + Dilation[i] > int.MaxValue ? long.MaxValue : plane * padded;
            Checks.Attribute(
                op,
                plane <= int.MaxValue,
                $"stride {Stride}, padding {Low} and {High} and dilation {Dilation} reach over more than 2^31-1 elements of the input {input}.");
            output[i] = (int)((padded - reach) / Stride[i]) + 1;
        }

        return output;
    }

    /// <summary>Checks the attributes.</summary>
    /// <param name="op">The op, for errors.</param>
    /// <param name="size">The window's extents.</param>
    internal void Check(Op op, ReadOnlySpan<int> size)
    {
        Checks.Attribute(
            op,
            Rank is 1 or 2 && Low.Length == Rank && High.Length == Rank && Dilation.Length == Rank && size.Length == Rank,
            $"stride {Stride}, padding {Low} and {High}, dilation {Dilation} and window {Dims.Create(size)} must have one entry for each of 1 or 2 spatial axes.");
        for (int i = 0; i < Rank; i++)
        {
            Checks.Attribute(
                op,
                Stride[i] >= 1 && Dilation[i] >= 1 && Low[i] >= 0 && High[i] >= 0 && size[i] >= 1,
                $"stride {Stride}, dilation {Dilation} and window {Dims.Create(size)} must be at least 1, padding {Low} and {High} not negative.");
        }
    }
}

/// <summary>
/// Cross-correlation, what deep learning calls convolution, over one or two spatial axes. Inputs: x (batch, channels,
/// spatial…), weight (filters, channels / groups, window…), and optionally bias (filters). Output: (batch, filters,
/// spatial…).
/// </summary>
/// <param name="Window">How the window slides.</param>
/// <param name="Groups">Channels and filters are split into so many independent groups.</param>
public sealed record Convolution(Window Window, int Groups = 1) : Op<Convolution>
{
    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Low;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => new(((needs & 1) << 1) | ((needs >> 1) & 1), 0);

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 2, 3);
        TensorSpec x = inputs[0], weight = inputs[1];
        Checks.Floating(this, x);
        Checks.Same(this, x, weight);
        Checks.Rank(this, x, Window.Rank + 2, null, "the input (batch, channels, spatial…)");
        Checks.Rank(this, weight, Window.Rank + 2, null, "the weight (filters, channels / groups, window…)");
        Window.Check(this, weight.Shape.AsSpan()[2..]);
        CheckGroups(this, Groups, x.Shape, weight.Shape);
        if (inputs.Length == 3)
        {
            Checks.Same(this, x, inputs[2]);
            Checks.HasShape(this, inputs[2], [weight.Shape[0]], "the bias");
        }

        return x.As(Shape.Create([x.Shape[0], weight.Shape[0], .. Window.Slide(this, x.Shape, weight.Shape.AsSpan()[2..])]));
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        bool toBias = b.InputCount == 3 && b.Needs(2);
        if (b.Needs(1))
        {
            Dims weight = b.InputSpec(1).Shape.Dims;
            ConvolutionGradient op = new(Window, Groups, weight, b.Needs(0), toBias);
            Tensor[] gradients = op.ToInput ? op.ApplyAll(b.Incoming, b.Input(0), b.Input(1)) : op.ApplyAll(b.Incoming, b.Input(0));
            b.Give(1, gradients[0]);
            if (toBias)
            {
                b.Give(2, gradients[1]);
            }

            if (op.ToInput)
            {
                b.Give(0, gradients[^1]);
            }

            return;
        }

        if (b.Needs(0))
        {
            b.Give(0, new ConvolutionInputGradient(Window, Groups, b.InputSpec(0).Shape.Dims).Apply(b.Incoming, b.Input(1)));
        }

        if (toBias)
        {
            b.Give(2, ConvolutionGradient.Bias(b.Incoming));
        }
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) =>
        2 * outputs[0].Count * (inputs[1].Count / Math.Max(inputs[1].Shape[0], 1));

    internal static void CheckGroups(Op op, int groups, Shape x, Shape weight)
    {
        Checks.Attribute(op, groups >= 1, $"groups must be at least 1, got {groups}.");
        if (x[1] != (long)weight[1] * groups)
        {
            throw new ShapeMismatchException(
                op.Name, $"the input {x} has {x[1]} channels; the weight {weight} expects {weight[1]} in each of {groups} groups.", [x, weight], 1);
        }

        if (weight[0] % groups != 0)
        {
            throw new ShapeMismatchException(op.Name, $"{weight[0]} filters of the weight {weight} do not split into {groups} groups.", [x, weight], 0);
        }
    }
}

/// <summary>
/// The gradient of a convolution in its input, which is also the transposed convolution. Inputs: g (batch, filters,
/// spatial…), weight (filters, channels / groups, window…).
/// </summary>
/// <param name="Window">How the window slides.</param>
/// <param name="Groups">The groups.</param>
/// <param name="InputShape">The shape of the convolution's input.</param>
public sealed record ConvolutionInputGradient(Window Window, int Groups, Dims InputShape) : Op<ConvolutionInputGradient>
{
    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Low;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => new(((needs & 1) << 1) | ((needs >> 1) & 1), 0);

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 2);
        TensorSpec input = inputs[1].As(new Shape(InputShape));
        TensorSpec expected = new Convolution(Window, Groups).Infer([input, inputs[1]]);
        Checks.Same(this, inputs[0], inputs[1]);
        Checks.HasShape(this, inputs[0], expected.Shape, "the incoming gradient");
        return input;
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        if (b.Needs(0))
        {
            b.Give(0, new Convolution(Window, Groups).Apply(b.Incoming, b.Input(1)));
        }

        if (b.Needs(1))
        {
            b.Give(1, new ConvolutionWeightGradient(Window, Groups, b.InputSpec(1).Shape.Dims).Apply(b.Incoming, b.Input(0)));
        }
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) =>
        2 * inputs[0].Count * (inputs[1].Count / Math.Max(inputs[1].Shape[0], 1));
}

/// <summary>
/// The gradient of a convolution in its weight. Inputs: x (batch, channels, spatial…), g (batch, filters, spatial…).
/// </summary>
/// <param name="Window">How the window slides.</param>
/// <param name="Groups">The groups.</param>
/// <param name="WeightShape">The shape of the convolution's weight.</param>
public sealed record ConvolutionWeightGradient(Window Window, int Groups, Dims WeightShape) : Op<ConvolutionWeightGradient>
{
    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Low;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => new(((needs & 1) << 1) | ((needs >> 1) & 1), 0);

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 2);
        TensorSpec weight = inputs[0].As(new Shape(WeightShape));
        TensorSpec expected = new Convolution(Window, Groups).Infer([inputs[0], weight]);
        Checks.Same(this, inputs[0], inputs[1]);
        Checks.HasShape(this, inputs[1], expected.Shape, "the incoming gradient");
        return weight;
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        if (b.Needs(0))
        {
            b.Give(0, new ConvolutionInputGradient(Window, Groups, b.InputSpec(0).Shape.Dims).Apply(b.Input(1), b.Incoming));
        }

        if (b.Needs(1))
        {
            b.Give(1, new Convolution(Window, Groups).Apply(b.Input(0), b.Incoming));
        }
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) =>
        2 * inputs[1].Count * (outputs[0].Count / Math.Max(outputs[0].Shape[0], 1));
}

/// <summary>
/// The gradients of a convolution in all that is trained, for engines that compute them at once. Inputs: g (batch, filters,
/// spatial…), x (batch, channels, spatial…), and weight where the gradient in x is asked for. Outputs: the gradient in the
/// weight, then those in the bias and in x as far as they are asked for.
/// </summary>
/// <param name="Window">How the window slides.</param>
/// <param name="Groups">The groups.</param>
/// <param name="WeightShape">The shape of the convolution's weight.</param>
/// <param name="ToInput">Whether the gradient in x is asked for.</param>
/// <param name="ToBias">Whether the gradient in the bias is asked for.</param>
public sealed record ConvolutionGradient(Window Window, int Groups, Dims WeightShape, bool ToInput, bool ToBias) : Op<ConvolutionGradient>
{
    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Low;

    /// <inheritdoc/>
    public override int OutputCount => 1 + (ToBias ? 1 : 0) + (ToInput ? 1 : 0);

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        Checks.Inputs(this, inputs, ToInput ? 3 : 2);
        TensorSpec g = inputs[0], x = inputs[1], weight = x.As(new Shape(WeightShape));
        TensorSpec expected = new Convolution(Window, Groups).Infer([x, ToInput ? inputs[2] : weight]);
        Checks.Same(this, g, x);
        Checks.HasShape(this, g, expected.Shape, "the incoming gradient");
        if (ToInput)
        {
            Checks.HasShape(this, inputs[2], weight.Shape, "the weight");
            outputs[^1] = x;
        }

        outputs[0] = weight;
        if (ToBias)
        {
            outputs[1] = x.As([WeightShape[0]]);
        }
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        List<Tensor> gradients = [new ConvolutionWeightGradient(Window, Groups, WeightShape).Apply(inputs[1], inputs[0])];
        if (ToBias)
        {
            gradients.Add(Bias(inputs[0]));
        }

        if (ToInput)
        {
            gradients.Add(new ConvolutionInputGradient(Window, Groups, inputs[1].Shape.Dims).Apply(inputs[0], inputs[2]));
        }

        return [.. gradients];
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) =>
        (ToInput ? 4 : 2) * inputs[0].Count * (outputs[0].Count / Math.Max(WeightShape[0], 1));

    internal static Tensor Bias(Tensor incoming) => incoming.Sum(incoming.Rank == 3 ? [0, 2] : [0, 2, 3]);
}
