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
    private const int MostAxes = 253;

    /// <summary>Requires no more axes than TensorFlow has.</summary>
    /// <param name="spec">The spec.</param>
    /// <exception cref="UnsupportedOpException">There are more.</exception>
    internal static void RequireAxes(TensorSpec spec)
    {
        if (spec.Rank > MostAxes)
        {
            throw new UnsupportedOpException($"TensorFlow has at most {MostAxes} axes, and {spec} has {spec.Rank}.");
        }
    }

    /// <summary>Emits an op; one that computes does so in float32 where its inputs are 16-bit floats.</summary>
    /// <param name="op">The op.</param>
    /// <param name="site">Where, and with what.</param>
    /// <returns>The outputs; one may be an input.</returns>
    internal static nint[] Emit(Op op, in Site site)
    {
        RequireAxes(site.Outs[0]);
        if (!Narrow(site.Ins) || !Computes(op))
        {
            return Table(op, site);
        }

        Emitter e = site.Emit;
        nint[] inputs = site.X.ToArray();
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] = IsNarrow(site.Ins[i].DType) ? e.Cast(inputs[i], DType.Float32) : inputs[i];
        }

        TensorSpec[] ins = Array.ConvertAll(site.Ins.ToArray(), Wide), outs = Array.ConvertAll(site.Outs.ToArray(), Wide);
        nint[] results = Table(op, new Site(e, inputs, ins, outs));
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = IsNarrow(site.Outs[i].DType) ? e.Cast(results[i], site.Outs[i].DType) : results[i];
        }

        return results;
    }

    private static nint[] Table(Op op, in Site s) => (s.Outs[0].Rank > 5 ? null : Elementwise(op, s)) ?? Others(op, s);

    private static nint[]? Elementwise(Op op, in Site s) => op switch
    {
        Add => [Each("AddV2"u8, s)],
        Subtract => [Each("Sub"u8, s)],
        Multiply => [Each("Mul"u8, s)],
        Divide => [Each("RealDiv"u8, s)],
        Maximum => [Each("Maximum"u8, s)],
        Minimum => [Each("Minimum"u8, s)],
        Power => [Each("Pow"u8, s)],
        FloorDivide => [FloorDivided(s)],
        FloorModulo => [FloorRemainder(s)],
        Negate => [Each("Neg"u8, s)],
        Abs => [Each("Abs"u8, s)],
        Relu => [s.Emit.NoteRectified(Each("Relu"u8, s))],
        Exp => [Each("Exp"u8, s)],
        Expm1 => [Each("Expm1"u8, s)],
        Log => [Each("Log"u8, s)],
        Log1p => [Each("Log1p"u8, s)],
        Sqrt => [Each("Sqrt"u8, s)],
        Rsqrt => [Each("Rsqrt"u8, s)],
        Sin => [Each("Sin"u8, s)],
        Cos => [Each("Cos"u8, s)],
        Erf => [Each("Erf"u8, s)],
        Tanh => [Each("Tanh"u8, s)],
        Sigmoid => [Each("Sigmoid"u8, s)],
        LogicalNot => [Each("LogicalNot"u8, s)],
        Sign => [Signed(s)],
        Floor or Ceiling or Round when !s.Ins[0].DType.IsFloating() => [s.X[0]],
        Floor => [Each("Floor"u8, s)],
        Ceiling => [Each("Ceil"u8, s)],
        Round => [Each("Round"u8, s)],
        Equal => [Each("Equal"u8, s)],
        NotEqual => [Each("NotEqual"u8, s)],
        Less or LessEqual or Greater or GreaterEqual when s.Ins[0].DType == DType.Bool => OfBytes(op, s),
        Less => [Each("Less"u8, s)],
        LessEqual => [Each("LessEqual"u8, s)],
        Greater => [Each("Greater"u8, s)],
        GreaterEqual => [Each("GreaterEqual"u8, s)],
        LogicalAnd => [Each("LogicalAnd"u8, s)],
        LogicalOr => [Each("LogicalOr"u8, s)],
        LogicalXor => [Each("NotEqual"u8, s)],
        ReluGradient => [Rectified(s)],
        TanhGradient => [s.Emit.Map("TanhGrad"u8, s.X[1], s.X[0])],
        SigmoidGradient => [s.Emit.Map("SigmoidGrad"u8, s.X[1], s.X[0])],
        Ops.Where => [Each("SelectV2"u8, s)],
        Cast cast when cast.DType == s.Ins[0].DType => [s.X[0]],
        Cast { DType: DType.Bool } => [s.Emit.Map("NotEqual"u8, s.X[0], s.Emit.Number(0, s.Ins[0].DType))],
        Cast cast => [s.Ins[0].DType.IsFloating() && !cast.DType.IsFloating() ? Truncated(cast.DType, s) : s.Emit.Cast(s.X[0], cast.DType)],
        Fill fill => [Filled(s.Emit, s.Outs[0], fill.Value)],
        Iota iota => [Counted(iota, s.Emit)],
        _ => null,
    };

    private static nint[] Others(Op op, in Site s) => op switch
    {
        Ops.Reshape => [s.Ins[0].Shape == s.Outs[0].Shape ? s.X[0] : s.Emit.Reshape(s.X[0], s.Outs[0].Shape.Dims)],
        Permute permute => [s.Emit.Transpose(s.X[0], permute.Axes)],
        Expand expand => [Spread(s.Emit, s.X[0], s.Ins[0].Shape, expand.Shape)],
        Slice slice => [Cut(s.Emit, s.X[0], slice.Starts, slice.Sizes, slice.Steps)],
        Pad pad => [Padded(s.Emit, s.X[0], pad, s.Ins[0].DType)],
        Flip flip => [flip.Axes.Length == 0 ? s.X[0] : s.Emit.Op("ReverseV2"u8, s.X[0], s.Emit.Integers(flip.Axes)).One()],
        Concat concat => [s.X.Length == 1 ? s.X[0] : s.Emit.ListOp("ConcatV2"u8, s.X, s.Emit.Integer(concat.Axis)).One()],
        RandomWords random => Words(random.Shape, s),
        RandomUniform uniform => Uniform(uniform, s),

        Sum sum => [Summed(sum, s)],
        Product product => [Fold("Prod"u8, s.Emit, s.X[0], product.Axes, product.KeepDims)],
        Max max => [Fold(s.Ins[0].DType == DType.Bool ? "Any"u8 : "Max"u8, s.Emit, s.X[0], max.Axes, max.KeepDims)],
        Min min => [Fold(s.Ins[0].DType == DType.Bool ? "All"u8 : "Min"u8, s.Emit, s.X[0], min.Axes, min.KeepDims)],
        Any any => [Fold("Any"u8, s.Emit, s.X[0], any.Axes, any.KeepDims)],
        All all => [Fold("All"u8, s.Emit, s.X[0], all.Axes, all.KeepDims)],
        ArgMax argMax => [Arg("ArgMax"u8, argMax.Axis, s)],
        ArgMin argMin => [Arg("ArgMin"u8, argMin.Axis, s)],
        CumulativeSum cumulative => [s.Emit.Op("Cumsum"u8, s.X[0], s.Emit.Integer(cumulative.Axis)).One()],

        Gather gather => [s.Emit.Op("GatherV2"u8, s.X[0], s.X[1], s.Emit.Integer(gather.Axis)).One()],
        ScatterAdd scatter => [Scattered(scatter, s)],
        OneHot hot => [s.Emit.Op("OneHot"u8, s.X[0], s.Emit.Integer(hot.Depth), s.Emit.Number(1, hot.DType), s.Emit.Number(0, hot.DType)).One()],
        TakeAlongAxis take => [s.Emit.Op("GatherV2"u8, s.X[0], s.X[1], s.Emit.Integer(take.Axis)).Integer("batch_dims"u8, take.Axis).One()],

        Softmax => [Rowwise("Softmax"u8, s)],
        LogSoftmax => [Rowwise("LogSoftmax"u8, s)],
        BatchNorm norm => Batchwise(norm.Epsilon, s),
        BatchNormGradient norm => BatchwiseBack(norm.Epsilon, s),

        // Over an empty matrix, what TensorFlow fuses would end the process; oneDNN gives an empty batch a wrong shape.
        MatMul or Linear or Convolution or ConvolutionInputGradient or ConvolutionWeightGradient when IsEmpty(s) => Nothing(op, s),
        MaxPool or AveragePool or AveragePoolGradient when IsEmpty(s) => Nothing(op, s),
        MatMul product => [Multiplied(s, product.TransposeLeft, product.TransposeRight)],
        Linear => [Multiplied(s, false, true)],
        Convolution forward => [Convolved(forward, s)],
        ConvolutionInputGradient back => [InputGradient(back, s)],
        ConvolutionWeightGradient back => [WeightGradient(back, s)],
        MaxPool pool => MostOf(pool, s),
        AveragePool pool => [MeanOf(pool, s)],
        AveragePoolGradient back => [MeanBack(back, s)],
        _ => Flattened(op, s) ?? throw new UnsupportedOpException($"The backend of TensorFlow has no lowering of {op.Name}."),
    };

    private static bool Narrow(ReadOnlySpan<TensorSpec> specs) => HasOne(specs, static spec => IsNarrow(spec.DType));

    private static bool IsEmpty(in Site s) => s.Outs[0].Count == 0 || HasOne(s.Ins, static spec => spec.Count == 0);

    private static bool HasOne(ReadOnlySpan<TensorSpec> specs, Predicate<TensorSpec> such)
    {
        bool one = false;
        foreach (TensorSpec spec in specs)
        {
            one |= such(spec);
        }

        return one;
    }

    private static bool IsNarrow(DType dtype) => dtype is DType.Float16 or DType.BFloat16;

    private static TensorSpec Wide(TensorSpec spec) => IsNarrow(spec.DType) ? spec.As(DType.Float32) : spec;

    /// <summary>Whether an op does arithmetic; the others move and compare elements of any dtype.</summary>
    private static bool Computes(Op op) => op is not (Reshape or Permute or Expand or Slice or Pad or Flip or Concat or Where or Gather
        or Equal or NotEqual or Less or LessEqual or Greater or GreaterEqual);

    /// <summary>Sums of no terms: zeros, and the bias.</summary>
    private static nint[] Nothing(Op op, in Site s)
    {
        Emitter e = s.Emit;
        nint[] results = Array.ConvertAll(s.Outs.ToArray(), spec => Filled(e, spec, 0));
        if (s.X.Length == 3)
        {
            nint bias = op is Linear ? s.X[2] : e.Reshape(s.X[2], [1, s.Outs[0].Shape[1], .. Dims.Repeat(1, s.Outs[0].Rank - 2)]);
            results[0] = e.Op("AddV2"u8, results[0], bias).One();
        }

        return results;
    }
}
