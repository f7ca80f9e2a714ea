using DeepBridge.Autodiff;

namespace DeepBridge.Ops;

/// <summary>
/// Matrix products of the last two axes; leading axes broadcast. Transposed operands are read as they lie. Inputs: two
/// numeric tensors of rank 2 or more.
/// </summary>
/// <param name="TransposeLeft">Whether the left matrices are read transposed.</param>
/// <param name="TransposeRight">Whether the right matrices are read transposed.</param>
public sealed record MatMul(bool TransposeLeft = false, bool TransposeRight = false) : Op<MatMul>
{
    /// <inheritdoc/>
    public override AutocastClass AutocastClass => AutocastClass.Low;

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => new(((needs & 1) << 1) | ((needs >> 1) & 1), 0);

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 2);
        Checks.Same(this, inputs[0], inputs[1]);
        Checks.Numeric(this, inputs[0]);
        Shape left = inputs[0].Shape, right = inputs[1].Shape;
        Checks.Rank(this, inputs[0], 2, int.MaxValue, "the left operand");
        Checks.Rank(this, inputs[1], 2, int.MaxValue, "the right operand");
        (int rows, int inner) = TransposeLeft ? (left[^1], left[^2]) : (left[^2], left[^1]);
        (int depth, int columns) = TransposeRight ? (right[^1], right[^2]) : (right[^2], right[^1]);
        if (inner != depth)
        {
            throw new ShapeMismatchException(
                Name,
                $"the left operand {left}{(TransposeLeft ? " (transposed)" : string.Empty)} has {inner} columns, the right one {right}{(TransposeRight ? " (transposed)" : string.Empty)} has {depth} rows; expected equal numbers.",
                [left, right],
                left.Rank - (TransposeLeft ? 2 : 1));
        }

        Shape batch = Broadcasting.Join(Name, Shape.Create(left.AsSpan()[..^2]), Shape.Create(right.AsSpan()[..^2]));
        return inputs[0].As(Shape.Create([.. batch.AsSpan(), rows, columns]));
    }

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        Tensor g = b.Incoming;
        Shape left = b.InputSpec(0).Shape, right = b.InputSpec(1).Shape;
        if (b.Needs(0))
        {
            Tensor y = b.Input(1);
            Tensor gradient = TransposeLeft ? new MatMul(TransposeRight, true).Apply(y, g) : new MatMul(false, !TransposeRight).Apply(g, y);
            b.Give(0, gradient.SumTo(left));
        }

        if (b.Needs(1))
        {
            Tensor x = b.Input(0);
            if (right.Rank == 2 && left.Rank > 2 && !TransposeLeft)
            {
                // One product over all rows, instead of one for each batch and a sum of them.
                x = x.Flatten(0, -2);
                g = g.Flatten(0, -2);
            }

            Tensor gradient = TransposeRight ? new MatMul(true, TransposeLeft).Apply(g, x) : new MatMul(!TransposeLeft, false).Apply(x, g);
            b.Give(1, gradient.SumTo(right));
        }
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) =>
        2 * outputs[0].Count * inputs[0].Shape[TransposeLeft ? ^2 : ^1];
}
