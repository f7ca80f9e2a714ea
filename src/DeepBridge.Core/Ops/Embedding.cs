using DeepBridge.Autodiff;
using DeepBridge.Backends;

namespace DeepBridge.Ops;

/// <summary>
/// Rows of a table by number. Inputs: the table (rows, features); indices of any shape, int32 or int64, from 0 to rows − 1.
/// Output: the indices' shape and the features.
/// </summary>
/// <param name="PaddingIndex">A row, from 0, that is returned as stored and gets no gradient; null: none.</param>
public sealed record Embedding(int? PaddingIndex) : Op<Embedding>, IBoundedOp
{
    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Input(1);

    /// <inheritdoc/>
    public override TensorSpec Infer(ReadOnlySpan<TensorSpec> inputs)
    {
        Checks.Inputs(this, inputs, 2);
        Checks.Rank(this, inputs[0], 2, null, "the table");
        Checks.Index(this, inputs[1], "indices");
        int rows = inputs[0].Shape[0];
        Checks.Attribute(
            this, PaddingIndex is null || (uint)PaddingIndex.Value < (uint)rows, $"the padding index {PaddingIndex} is no row of a table of {rows}.");
        return inputs[0].As(Shape.Create([.. inputs[1].Shape.AsSpan(), inputs[0].Shape[1]]));
    }

    /// <inheritdoc/>
    public IReadOnlyList<ValueBound> Bounds(ReadOnlySpan<TensorSpec> inputs) => [new ValueBound(1, 0, inputs[0].Shape[0] - 1)];

    /// <inheritdoc/>
    public override Tensor[] Decompose(ReadOnlySpan<Tensor> inputs) => [new Gather(0).Apply(inputs[0], inputs[1])];

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        Tensor g = b.Incoming, indices = b.Input(1);
        if (PaddingIndex is { } padding)
        {
            g = Tensor.Where((indices == padding).Unsqueeze(-1), g.ZerosLike(), g);
        }

        b.Give(0, new ScatterAdd(0, b.InputSpec(0).Shape[0]).Apply(g, indices));
    }

    /// <inheritdoc/>
    public override long Flops(ReadOnlySpan<TensorSpec> inputs, ReadOnlySpan<TensorSpec> outputs) => 0;
}
