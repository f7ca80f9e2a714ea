using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Lowering;

/// <summary>
/// Convolutions run in (N, H, W, C), where every kernel of TensorFlow is, and the fastest ones are; one spatial axis is a
/// plane of height 1. Gradients that only oneDNN has are put together from those that every build has.
/// </summary>
internal static partial class Lowered
{
    private static nint[]? Slid(Op op, in Site s)
    {
        if (s.Outs.Length == 0 || op is not (Convolution or ConvolutionInputGradient or ConvolutionWeightGradient or MaxPool or AveragePool or AveragePoolGradient))
        {
            return null;
        }

        bool empty = s.Outs[0].Count == 0;
        for (int i = 0; i < s.Ins.Length; i++)
        {
            empty |= s.Ins[i].Count == 0;
        }

        // oneDNN gives an empty batch a wrong shape.
        return empty ? Nothing(s) : op switch
        {
            Convolution forward => [Convolved(forward, s)],
            ConvolutionInputGradient back => [InputGradient(back, s)],
            ConvolutionWeightGradient back => [WeightGradient(back, s)],
            MaxPool pool => MostOf(pool, s),
            AveragePool pool => [MeanOf(pool, s)],
            AveragePoolGradient back => [MeanBack(back, s)],
            _ => null,
        };
    }

    /// <summary>Sums of no terms: zeros, and the bias.</summary>
    private static nint[] Nothing(in Site s)
    {
        Emitter e = s.Emit;
        nint[] results = new nint[s.Outs.Length];
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = e.Op("Fill"u8, e.Integers(s.Outs[i].Shape.Dims), e.Number(0, s.Outs[i].DType)).One();
        }

        if (s.X.Length == 3)
        {
            int[] channel = [1, s.Outs[0].Shape[1], .. Enumerable.Repeat(1, s.Outs[0].Rank - 2)];
            results[0] = e.Op("AddV2"u8, results[0], e.Reshape(s.X[2], Dims.Create(channel))).One();
        }

        return results;
    }

    private static nint Convolved(Convolution op, in Site s)
    {
        Emitter e = s.Emit;
        Window window = Flat(op.Window);
        nint filter = Filter(e, s.X[1], Flat(s.Ins[1].Shape));
        Dims input = Flat(s.Ins[0].Shape);
        bool attribute = HasSmallPadding(window, Flat(s.Ins[1].Shape));
        nint x = Image(e, s.X[0], s.Ins[0].Shape);
        x = attribute ? x : PadPlane(e, x, window, s.Ins[0].DType);
        nint y = Sliding(e.Op("Conv2D"u8, x, e.Last(filter)), window, attribute, IsSame(window, Flat(s.Ins[1].Shape), input)).One();
        y = s.X.Length == 3 ? e.Op("BiasAdd"u8, e.Last(y), s.X[2]).One() : y;
        return FromImage(e, y, s.Outs[0].Shape);
    }

    private static nint InputGradient(ConvolutionInputGradient op, in Site s)
    {
        Emitter e = s.Emit;
        Window window = Flat(op.Window);
        Dims weight = Flat(s.Ins[1].Shape), input = Flat(s.Outs[0].Shape);
        nint g = Image(e, s.X[0], s.Ins[0].Shape), filter = Filter(e, s.X[1], weight);
        bool plain = op.Groups == 1 && window.Dilation == Dims.Repeat(1, 2), attribute = plain && IsSame(window, weight, input);
        int height = input[2] + (attribute ? 0 : window.Low[0] + window.High[0]), width = input[3] + (attribute ? 0 : window.Low[1] + window.High[1]);
        nint x;
        if (plain || (e.HasOneDnn && s.Ins[0].DType == DType.Float32))
        {
            x = Sliding(e.Op("Conv2DBackpropInput"u8, e.Integers([input[0], height, width, input[1]]), filter, g), window, attribute, attribute).One();
        }
        else
        {
            nint spread = Dilate(e, filter, weight, window.Dilation);
            nint sizes = e.Integers([input[0], height, width, weight[1]]);
            nint[] filters = Split(e, spread, 3, op.Groups), gs = Split(e, g, 3, op.Groups), xs = new nint[op.Groups];
            for (int i = 0; i < xs.Length; i++)
            {
                xs[i] = Sliding(e.Op("Conv2DBackpropInput"u8, sizes, filters[i], gs[i]), Undilated(window), false).One();
            }

            x = Join(e, xs, 3);
        }

        return FromImage(e, attribute ? x : Unpadded(e, x, window, input), s.Outs[0].Shape);
    }

    private static nint WeightGradient(ConvolutionWeightGradient op, in Site s)
    {
        Emitter e = s.Emit;
        Window window = Flat(op.Window);
        Dims weight = Flat(s.Outs[0].Shape), dilation = window.Dilation;
        bool plain = op.Groups == 1 && dilation == Dims.Repeat(1, 2), attribute = plain && IsSame(window, weight, Flat(s.Ins[0].Shape));
        nint x = Image(e, s.X[0], s.Ins[0].Shape), g = Image(e, s.X[1], s.Ins[1].Shape);
        x = attribute ? x : PadPlane(e, x, window, s.Ins[0].DType);
        nint filter;
        if (plain || (e.HasOneDnn && s.Ins[0].DType == DType.Float32))
        {
            nint sizes = e.Integers([weight[2], weight[3], weight[1], weight[0]]);
            filter = Sliding(e.Op("Conv2DBackpropFilter"u8, x, sizes, g), window, attribute, attribute).One();
        }
        else
        {
            int height = ((weight[2] - 1) * dilation[0]) + 1, width = ((weight[3] - 1) * dilation[1]) + 1, filters = weight[0] / op.Groups;
            nint sizes = e.Integers([height, width, weight[1], filters]);
            nint[] xs = Split(e, x, 3, op.Groups), gs = Split(e, g, 3, op.Groups), parts = new nint[op.Groups];
            for (int i = 0; i < parts.Length; i++)
            {
                parts[i] = Sliding(e.Op("Conv2DBackpropFilter"u8, xs[i], sizes, gs[i]), Undilated(window), false).One();
            }

            filter = Cut(
                e, Join(e, parts, 3), Dims.Repeat(0, 4), [weight[2], weight[3], weight[1], weight[0]], [dilation[0], dilation[1], 1, 1]);
        }

        nint gradient = e.Transpose(e.Last(filter), [3, 2, 0, 1]);
        return s.Outs[0].Rank == 4 ? gradient : e.Reshape(gradient, s.Outs[0].Shape.Dims);
    }

    /// <summary>The attributes of a sliding window; padding is one of them, or in the input already.</summary>
    private static Emitter Sliding(Emitter e, Window window, bool padded, bool same = false)
    {
        e.Integers("strides"u8, [1, window.Stride[0], window.Stride[1], 1]).Integers("dilations"u8, [1, window.Dilation[0], window.Dilation[1], 1]);
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
        ? e.Text("padding"u8, "EXPLICIT"u8).Integers("explicit_paddings"u8, [0, 0, window.Low[0], window.High[0], window.Low[1], window.High[1], 0, 0])
        : e.Text("padding"u8, "VALID"u8);

    private static bool IsUnpadded(Window window) => window.Low == Dims.Repeat(0, 2) && window.High == Dims.Repeat(0, 2);

    /// <summary>Whether padding may be an attribute: huge ones end the process in oneDNN, where a Pad is an error.</summary>
    private static bool HasSmallPadding(Window window, Dims weight) =>
        Math.Max(window.Low[0], window.High[0]) < weight[2] * window.Dilation[0] && Math.Max(window.Low[1], window.High[1]) < weight[3] * window.Dilation[1];

    private static Window Undilated(Window window) => window with { Dilation = Dims.Repeat(1, 2) };

    private static Window Flat(Window window) => window.Rank == 2 ? window
        : new Window([1, window.Stride[0]], [0, window.Low[0]], [0, window.High[0]], [1, window.Dilation[0]]);

    private static Dims Flat(Shape shape) => shape.Rank == 4 ? shape.Dims : [shape[0], shape[1], 1, Count(shape.AsSpan()[2..])];

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

    /// <summary>(filters, channels, H, W) as (H, W, channels, filters).</summary>
    private static nint Filter(Emitter e, nint weight, Dims shape) => e.Transpose(e.Reshape(weight, shape), [2, 3, 1, 0]);

    private static nint PadPlane(Emitter e, nint x, Window window, DType dtype, double value = 0) => IsUnpadded(window)
        ? x
        : Padded(e, x, new Pad([0, window.Low[0], window.Low[1], 0], [0, window.High[0], window.High[1], 0], value), dtype);

    /// <summary>A filter of dilation 1 with zeros between its elements.</summary>
    private static nint Dilate(Emitter e, nint filter, Dims weight, Dims dilation)
    {
        if (dilation == Dims.Repeat(1, 2))
        {
            return filter;
        }

        int height = weight[2], width = weight[3], down = dilation[0], across = dilation[1];
        nint apart = e.Reshape(filter, [height, 1, width, 1, weight[1], weight[0]]);
        nint wide = e.Op("Pad"u8, apart, e.Matrix([0, 0, 0, down - 1, 0, 0, 0, across - 1, 0, 0, 0, 0], 2)).One();
        nint whole = e.Reshape(wide, [height * down, width * across, weight[1], weight[0]]);
        return Cut(e, whole, Dims.Repeat(0, 4), [((height - 1) * down) + 1, ((width - 1) * across) + 1, weight[1], weight[0]], Dims.Repeat(1, 4));
    }

    private static nint[] Split(Emitter e, nint x, int axis, int parts) =>
        parts == 1 ? [x] : e.Op("Split"u8, e.Integer(axis), x).Integer("num_split"u8, parts).Many(parts);

    private static nint Join(Emitter e, nint[] parts, int axis) => parts.Length == 1 ? parts[0] : e.ListOp("ConcatV2"u8, parts, e.Integer(axis)).One();
}
