using DeepBridge.Autodiff;
using DeepBridge.Backends;

namespace DeepBridge.Ops;

/// <summary>
/// The maximum of each window over one or two spatial axes. Input: (batch, channels, spatial…); padding counts as −∞
/// and is at most half of the window. Outputs: the maxima, and where each was found, int64, counted row by row in the
/// unpadded spatial axes. The first of equals is found, and the last NaN.
/// </summary>
/// <param name="Size">The window's extents.</param>
/// <param name="Window">How it slides.</param>
public sealed record MaxPool(Dims Size, Window Window) : Op<MaxPool>
{
    /// <inheritdoc/>
    public override int OutputCount => 2;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => new(0, 2);

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        Checks.Inputs(this, inputs, 1);
        outputs[0] = inputs[0].As(PoolRules.Infer(this, Size, Window, inputs[0]));
        PoolRules.RequireElements(this, Size, Window, inputs[0].Shape, outputs[0].Shape);
        outputs[1] = outputs[0].As(DType.Int64);
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        if (b.IncomingOf(0) is { } incoming)
        {
            b.Give(0, new MaxPoolGradient(b.InputSpec(0).Shape.Dims).Apply(incoming, b.Output(1)));
        }
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) =>
        outputs[0].Count * new Shape(Size).Count;
}

/// <summary>
/// Sends the gradient of a max pooling to the elements that were found. Inputs: g (batch, channels, spatial…), the
/// positions that <see cref="MaxPool"/> returned.
/// </summary>
/// <param name="InputShape">The shape of the pooling's input.</param>
public sealed record MaxPoolGradient(Dims InputShape) : Op<MaxPoolGradient>, IBoundedOp
{
    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Input(1);

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 2);
        Checks.Floating(this, inputs[0]);
        Checks.Index(this, inputs[1], "positions");
        Checks.HasShape(this, inputs[1], inputs[0].Shape, "the positions");
        Checks.Attribute(
            this,
            InputShape.Length >= 2 && InputShape.Length == inputs[0].Rank && InputShape[0] == inputs[0].Shape[0] && InputShape[1] == inputs[0].Shape[1],
            $"the input shape {InputShape} does not have the batch and channels of {inputs[0].Shape}.");
        return inputs[0].As(new Shape(InputShape));
    }

    /// <inheritdoc/>
    public IReadOnlyList<ValueBound> Bounds(ReadOnlySpan<TensorSpec> inputs) => [new ValueBound(1, 0, PoolRules.Plane(InputShape) - 1)];

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Shape input = new(InputShape);
        (Tensor positions, int planes, int plane) = PoolRules.Flat(inputs[1], input);
        return [new ScatterAdd(0, planes * plane).Apply(inputs[0].Reshape(-1), positions).Reshape(input.AsSpan())];
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        (Tensor positions, _, _) = PoolRules.Flat(b.Input(1), new Shape(InputShape));
        b.Give(0, new Gather(0).Apply(b.Incoming.Reshape(-1), positions).Reshape(b.InputSpec(0).Shape.AsSpan()));
    }
}

/// <summary>
/// The mean of each window over one or two spatial axes. Input: (batch, channels, spatial…); padding is at most half
/// of the window and the dilation is 1.
/// </summary>
/// <param name="Size">The window's extents.</param>
/// <param name="Window">How it slides.</param>
/// <param name="CountPadding">Whether the divisor counts padding, as PyTorch's default does.</param>
public sealed record AveragePool(Dims Size, Window Window, bool CountPadding = true) : Op<AveragePool>
{
    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Nothing;

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 1);
        Shape output = PoolRules.Infer(this, Size, Window, inputs[0]);
        Checks.Attribute(this, Window.Dilation == Dims.Repeat(1, Window.Rank), $"average pooling has no dilation, got {Window.Dilation}.");
        return inputs[0].As(output);
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b) =>
        b.Give(0, new AveragePoolGradient(Size, Window, CountPadding, b.InputSpec(0).Shape.Dims).Apply(b.Incoming));

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) =>
        outputs[0].Count * new Shape(Size).Count;
}

/// <summary>Spreads the gradient of an average pooling over the windows. Input: g (batch, channels, spatial…).</summary>
/// <param name="Size">The window's extents.</param>
/// <param name="Window">How it slides.</param>
/// <param name="CountPadding">Whether the divisor counts padding.</param>
/// <param name="InputShape">The shape of the pooling's input.</param>
public sealed record AveragePoolGradient(Dims Size, Window Window, bool CountPadding, Dims InputShape) : Op<AveragePoolGradient>
{
    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Nothing;

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 1);
        TensorSpec input = inputs[0].As(new Shape(InputShape));
        Checks.HasShape(this, inputs[0], new AveragePool(Size, Window, CountPadding).Infer([input]).Shape, "the incoming gradient");
        return input;
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => b.Give(0, new AveragePool(Size, Window, CountPadding).Apply(b.Incoming));

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) =>
        inputs[0].Count * new Shape(Size).Count;
}

/// <summary>What the pooling ops share.</summary>
file static class PoolRules
{
    internal static Shape Infer(Op op, Dims size, Window window, TensorSpec input)
    {
        Checks.Floating(op, input);
        window.Check(op, size.AsSpan());
        Checks.Rank(op, input, window.Rank + 2, null, "the input (batch, channels, spatial…)");
        for (int i = 0; i < size.Length; i++)
        {
            if (input.Shape[i + 2] == 0)
            {
                throw new ShapeMismatchException(op.Name, $"axis {i + 2} of the input {input.Shape} is empty: there is nothing under the windows.", [input.Shape], i + 2);
            }

            Checks.Attribute(
                op,
                window.Low[i] <= size[i] / 2 && window.High[i] <= size[i] / 2,
                $"padding {window.Low} and {window.High} must be at most half of the window {size}.");
        }

        return Shape.Create([input.Shape[0], input.Shape[1], .. window.Slide(op, input.Shape, size.AsSpan())]);
    }

    /// <summary>Requires that every window has an element under it: a dilated one may step over a short axis into the padding.</summary>
    internal static void RequireElements(Op op, Dims size, Window window, Shape input, Shape output)
    {
        for (int i = 0; i < size.Length; i++)
        {
            int step = window.Dilation[i], extent = input[i + 2];
            for (int at = 0; step > 1 && at < output[i + 2]; at++)
            {
                int first = (at * window.Stride[i]) - window.Low[i];
                first += first < 0 ? (-first + step - 1) / step * step : 0;
                Checks.Attribute(
                    op,
                    first < extent && first <= (at * window.Stride[i]) - window.Low[i] + ((size[i] - 1) * step),
                    $"a window of {size} with dilation {window.Dilation} and padding {window.Low} and {window.High} has no element of the input {input} under it.");
            }
        }
    }

    /// <summary>The number of elements of one channel.</summary>
    internal static long Plane(Dims input)
    {
        long plane = 1;
        foreach (int extent in input.AsSpan()[2..])
        {
            plane *= extent;
        }

        return plane;
    }

    /// <summary>Positions within each plane as positions within all planes.</summary>
    internal static (Tensor Positions, int Planes, int Plane) Flat(Tensor positions, Shape input)
    {
        int planes = input[0] * input[1], plane = checked((int)Plane(input.Dims));
        Tensor offset = Tensor.Arange(planes, device: positions.Data.Device).Reshape(planes, 1) * plane;
        int each = planes == 0 ? 0 : (int)(positions.Count / planes);
        return ((positions.Cast(DType.Int64).Reshape(planes, each) + offset).Reshape(-1), planes, plane);
    }
}
