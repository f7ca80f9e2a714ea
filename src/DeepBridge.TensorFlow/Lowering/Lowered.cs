using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Lowering;

/// <summary>What a lowering is given: where it emits, the inputs, and the specs.</summary>
/// <param name="emit">Where it emits.</param>
/// <param name="x">The inputs.</param>
/// <param name="ins">Their specs.</param>
/// <param name="outs">The specs that the op's rule inferred.</param>
internal readonly ref struct Site(Emitter emit, ReadOnlySpan<nint> x, ReadOnlySpan<TensorSpec> ins, ReadOnlySpan<TensorSpec> outs)
{
    /// <summary>Where it emits.</summary>
    internal Emitter Emit { get; } = emit;

    /// <summary>The inputs.</summary>
    internal ReadOnlySpan<nint> X { get; } = x;

    /// <summary>Their specs.</summary>
    internal ReadOnlySpan<TensorSpec> Ins { get; } = ins;

    /// <summary>The specs that the op's rule inferred.</summary>
    internal ReadOnlySpan<TensorSpec> Outs { get; } = outs;
}

/// <summary>The one table of how DeepBridge's ops are said in TensorFlow's, for eager execution and for graphs.</summary>
internal static partial class Lowered
{
    /// <summary>What TensorFlow's shapes hold; it ends the process over more than one more.</summary>
    internal const int MostAxes = 253;

    /// <summary>Emits an op; one that computes does so in float32 where its inputs are 16-bit floats.</summary>
    /// <param name="op">The op.</param>
    /// <param name="site">Where, and with what.</param>
    /// <returns>The outputs; one may be an input.</returns>
    internal static nint[] Emit(Op op, in Site site)
    {
        Eager.EagerContext.RequireAxes(site.Outs[0]);
        if (!Narrow(site.Ins) || !Computes(op))
        {
            return Table(op, site);
        }

        Emitter e = site.Emit;
        nint[] inputs = site.X.ToArray();
        TensorSpec[] ins = site.Ins.ToArray(), outs = site.Outs.ToArray();
        for (int i = 0; i < inputs.Length; i++)
        {
            if (IsNarrow(ins[i].DType))
            {
                inputs[i] = e.Cast(inputs[i], DType.Float32);
                ins[i] = ins[i].As(DType.Float32);
            }
        }

        for (int i = 0; i < outs.Length; i++)
        {
            outs[i] = IsNarrow(outs[i].DType) ? outs[i].As(DType.Float32) : outs[i];
        }

        nint[] results = Table(op, new Site(e, inputs, ins, outs));
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = IsNarrow(site.Outs[i].DType) ? e.Cast(results[i], site.Outs[i].DType) : results[i];
        }

        return results;
    }

    private static nint[] Table(Op op, in Site site) =>
        (site.Outs[0].Rank > 5 ? null : Elementwise(op, site)) ?? Moved(op, site) ?? Reduced(op, site) ?? Indexed(op, site) ?? Multiplied(op, site)
        ?? Normalized(op, site) ?? Slid(op, site) ?? Flattened(op, site) ?? throw new UnsupportedOpException($"The backend of TensorFlow has no lowering of {op.Name}.");

    private static bool Narrow(ReadOnlySpan<TensorSpec> specs)
    {
        foreach (TensorSpec spec in specs)
        {
            if (IsNarrow(spec.DType))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsNarrow(DType dtype) => dtype is DType.Float16 or DType.BFloat16;

    /// <summary>Whether an op does arithmetic; the others move and compare elements of any dtype.</summary>
    private static bool Computes(Op op) => op is not (Reshape or Permute or Expand or Slice or Pad or Flip or Concat or Where or Gather
        or Equal or NotEqual or Less or LessEqual or Greater or GreaterEqual);
}
