using DeepBridge.Autodiff;

namespace DeepBridge.Ops;

/// <summary>
/// x · weightᵀ + bias. Inputs: x (…, in), numeric; weight (out, in); optionally bias (out). Output: (…, out). The leading
/// axes are one product's rows, also in the gradient.
/// </summary>
public sealed record Linear : Op<Linear>
{
    /// <summary>The op.</summary>
    public static readonly Linear Instance = new();

    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Low;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => new(((needs & 1) << 1) | ((needs >> 1) & 1), 0);

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 2, 3);
        Shape x = inputs[0].Shape, weight = inputs[1].Shape;
        Checks.Numeric(this, inputs[0]);
        Checks.Same(this, inputs[0], inputs[1]);
        Checks.Rank(this, inputs[0], 1, int.MaxValue, "the input");
        Checks.Rank(this, inputs[1], 2, null, "the weight");
        if (x[^1] != weight[1])
        {
            throw new ShapeMismatchException(
                Name, $"the input of shape {x} has {x[^1]} features; the weight of shape {weight} expects {weight[1]}.", [x, weight], x.Rank - 1);
        }

        if (inputs.Length == 3)
        {
            Checks.Same(this, inputs[0], inputs[2]);
            Checks.HasShape(this, inputs[2], [weight[0]], "the bias");
        }

        return inputs[0].As(x.With(x.Rank - 1, weight[0]));
    }

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs)
    {
        Shape x = inputs[0].Shape;
        Tensor y = new MatMul(false, true).Apply(Rows(inputs[0]), inputs[1]);
        y = inputs.Length == 3 ? y + inputs[2] : y;
        return [y.Reshape(x.With(x.Rank - 1, inputs[1].Shape[0]).AsSpan())];
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        Tensor g = Rows(b.Incoming);
        if (b.Needs(0))
        {
            b.Give(0, new MatMul().Apply(g, b.Input(1)).Reshape(b.InputSpec(0).Shape.AsSpan()));
        }

        if (b.Needs(1))
        {
            b.Give(1, new MatMul(true, false).Apply(g, Rows(b.Input(0))));
        }

        if (b.InputCount == 3 && b.Needs(2))
        {
            b.Give(2, g.Sum(0));
        }
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) =>
        2 * outputs[0].Count * inputs[1].Shape[1];

    private static Tensor Rows(Tensor x)
    {
        int rows = 1;
        foreach (int extent in x.Shape.AsSpan()[..^1])
        {
            rows = checked(rows * extent);
        }

        return x.Reshape(rows, x.Shape[^1]);
    }
}
