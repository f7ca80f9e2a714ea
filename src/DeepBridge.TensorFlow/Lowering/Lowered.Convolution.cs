using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Lowering;

/// <summary>
/// Convolutions run in (N, H, W, C), where every kernel of TensorFlow is, and the fastest ones are; one spatial axis is a
/// plane of height 1. Gradients that only oneDNN has are put together from those that every build has.
/// </summary>
internal static partial class Lowered
{
    private static nint Convolved(Convolution op, in Site s)
    {
        Emitter e = s.Emit;
        Window window = Flat(op.Window);
        Dims weight = Flat(s.Ins[1].Shape);
        bool attribute = HasSmallPadding(window, weight), same = IsSame(window, weight, Flat(s.Ins[0].Shape));
        nint filter = Filter(e, s.X[1], s.Ins[1].Shape), x = Image(e, s.X[0], s.Ins[0].Shape);
        x = attribute ? x : PadPlane(e, x, window, s.Ins[0].DType);
        nint y = Sliding(e.Op("Conv2D"u8, x, e.Last(filter)), window, same, attribute).One();
        y = s.X.Length == 3 ? e.Op("BiasAdd"u8, e.Last(y), s.X[2]).One() : y;
        return FromImage(e, y, s.Outs[0].Shape);
    }

    private static nint InputGradient(ConvolutionInputGradient op, in Site s)
    {
        Emitter e = s.Emit;
        Window window = Flat(op.Window);
        Dims weight = Flat(s.Ins[1].Shape), input = Flat(s.Outs[0].Shape);
        bool apart = IsApart(window, op.Groups, s), same = !apart && IsSame(window, weight, input);
        int height = input[2] + (same ? 0 : window.Low[0] + window.High[0]), width = input[3] + (same ? 0 : window.Low[1] + window.High[1]);
        int groups = apart ? op.Groups : 1;
        nint g = Image(e, s.X[0], s.Ins[0].Shape), filter = Filter(e, s.X[1], s.Ins[1].Shape);
        if (apart)
        {
            // A filter of dilation 1 with zeros between its elements.
            (nint dims, nint steps) = (e.Integers(FilterDims(weight, window.Dilation)), e.Integers([.. window.Dilation, 1, 1]));
            filter = e.Op("StridedSliceGrad"u8, dims, e.Integers(Dims.Repeat(0, 4)), dims, steps, filter).One();
            window = window with { Dilation = Dims.Repeat(1, 2) };
        }

        nint sizes = e.Integers([input[0], height, width, input[1] / groups]);
        nint x = ByGroups(e, groups, filter, g, (w, y) => Sliding(e.Op("Conv2DBackpropInput"u8, sizes, w, y), window, same).One());
        return FromImage(e, same ? x : Unpadded(e, x, window, input), s.Outs[0].Shape);
    }

    private static nint WeightGradient(ConvolutionWeightGradient op, in Site s)
    {
        Emitter e = s.Emit;
        Window window = Flat(op.Window);
        Dims weight = Flat(s.Outs[0].Shape), ones = Dims.Repeat(1, 2), dilation = ones;
        bool apart = IsApart(window, op.Groups, s), same = !apart && IsSame(window, weight, Flat(s.Ins[0].Shape));
        int groups = apart ? op.Groups : 1;
        nint x = Image(e, s.X[0], s.Ins[0].Shape), g = Image(e, s.X[1], s.Ins[1].Shape);
        x = same ? x : PadPlane(e, x, window, s.Ins[0].DType);
        if (apart)
        {
            (dilation, window) = (window.Dilation, window with { Dilation = ones });
        }

        nint sizes = e.Integers(FilterDims(weight, dilation, groups));
        nint filter = ByGroups(e, groups, x, g, (image, y) => Sliding(e.Op("Conv2DBackpropFilter"u8, image, sizes, y), window, same).One());
        filter = dilation == ones ? filter : Cut(e, filter, Dims.Repeat(0, 4), FilterDims(weight, ones), [.. dilation, 1, 1]);
        nint gradient = e.Transpose(e.Last(filter), [3, 2, 0, 1]);
        return s.Outs[0].Rank == 4 ? gradient : e.Reshape(gradient, s.Outs[0].Shape.Dims);
    }

    /// <summary>Whether there are groups or a dilation, and no kernels for gradients that heed them.</summary>
    private static bool IsApart(Window window, int groups, in Site s) =>
        (groups > 1 || window.Dilation != Dims.Repeat(1, 2)) && !(s.Emit.HasOneDnn && s.Ins[0].DType == DType.Float32);

    /// <summary>A gradient of two values; where there are groups, which lie in their last axes, one of each.</summary>
    private static nint ByGroups(Emitter e, int groups, nint a, nint b, Func<nint, nint, nint> gradient)
    {
        nint[] Split(nint x) => e.Op("Split"u8, e.Integer(3), x).Integer("num_split"u8, groups).Many(groups);
        return groups == 1 ? gradient(a, b) : e.ListOp("ConcatV2"u8, [.. Split(a).Zip(Split(b), gradient)], e.Integer(3)).One();
    }

    /// <summary>The attributes of a sliding window; padding is one of them, or in the input already.</summary>
    private static Emitter Sliding(Emitter e, Window window, bool same, bool padded = false)
    {
        e.Integers("strides"u8, [1, .. window.Stride, 1]).Integers("dilations"u8, [1, .. window.Dilation, 1]);
        return same ? e.Text("padding"u8, "SAME"u8) : Padding(e, window, padded);
    }

    /// <summary>Whether the padding is what TensorFlow calls the same: oneDNN's gradients know no other.</summary>
    private static bool IsSame(Window window, Dims weight, Dims input)
    {
        for (int i = 0; i < 2; i++)
        {
            int extent = input[i + 2], stride = window.Stride[i], outputs = (extent + stride - 1) / stride;
            long all = Math.Max(((outputs - 1L) * stride) + ((weight[i + 2] - 1L) * window.Dilation[i]) + 1 - extent, 0);
            if (window.Low[i] != all / 2 || window.High[i] != all - (all / 2))
            {
                return false;
            }
        }

        return true;
    }

    private static Emitter Padding(Emitter e, Window window, bool padded) => padded && !IsUnpadded(window)
        ? e.Text("padding"u8, "EXPLICIT"u8)
            .Integers("explicit_paddings"u8, [0, 0, window.Low[0], window.High[0], window.Low[1], window.High[1], 0, 0])
        : e.Text("padding"u8, "VALID"u8);

    private static bool IsUnpadded(Window window) => window.Low == Dims.Repeat(0, 2) && window.High == Dims.Repeat(0, 2);

    /// <summary>Whether padding may be an attribute: huge ones end the process in oneDNN, where a Pad is an error.</summary>
    private static bool HasSmallPadding(Window window, Dims weight) =>
        Math.Max(window.Low[0], window.High[0]) < weight[2] * window.Dilation[0]
        && Math.Max(window.Low[1], window.High[1]) < weight[3] * window.Dilation[1];

    private static Window Flat(Window window) => window.Rank == 2 ? window
        : new Window([1, window.Stride[0]], [0, window.Low[0]], [0, window.High[0]], [1, window.Dilation[0]]);

    private static Dims Flat(Shape shape) => shape.Rank == 4 ? shape.Dims
        : [shape[0], shape[1], 1, Count(shape.AsSpan()[2..])];

    /// <summary>(N, C, spatial…) as (N, H, W, C).</summary>
    private static nint Image(Emitter e, nint x, Shape shape) => shape.Rank switch
    {
        2 => e.Reshape(x, [shape[0], 1, 1, shape[1]]),
        4 => e.ToChannelsLast(x),
        _ => e.ToChannelsLast(e.Reshape(x, Flat(shape))),
    };

    private static nint FromImage(Emitter e, nint y, Shape shape) => shape.Rank switch
    {
        2 => e.Reshape(e.Last(y), shape.Dims),
        4 => Emitter.FromChannelsLast(e.Last(y)),
        _ => e.Reshape(Emitter.FromChannelsLast(e.Last(y)), shape.Dims),
    };

    /// <summary>What is left of an image without its padding.</summary>
    private static nint Unpadded(Emitter e, nint x, Window window, Dims image) => IsUnpadded(window)
        ? x
        : Cut(e, x, [0, window.Low[0], window.Low[1], 0], [image[0], image[2], image[3], image[1]], Dims.Repeat(1, 4));

    /// <summary>(filters, channels, spatial…) as (H, W, channels, filters).</summary>
    private static nint Filter(Emitter e, nint weight, Shape shape) =>
        e.Transpose(shape.Rank == 4 ? weight : e.Reshape(weight, Flat(shape)), [2, 3, 1, 0]);

    /// <summary>(H, W, channels, filters) of one of so many parts of a filter with zeros between its elements.</summary>
    private static Dims FilterDims(Dims weight, Dims dilation, int parts = 1) =>
        [((weight[2] - 1) * dilation[0]) + 1, ((weight[3] - 1) * dilation[1]) + 1, weight[1], weight[0] / parts];

    private static nint PadPlane(Emitter e, nint x, Window window, DType dtype, double value = 0) => IsUnpadded(window)
        ? x
        : Padded(e, x, new Pad([0, window.Low[0], window.Low[1], 0], [0, window.High[0], window.High[1], 0], value), dtype);
}
