using System.Runtime.InteropServices;
using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Lowering;

internal static partial class Lowered
{
    /// <summary>The maximum of each window and where it was found, as a whole.</summary>
    private static nint[] MostOf(MaxPool op, in Site s)
    {
        (nint values, nint places) = Folded(s.Emit, Image(s.Emit, s.X[0], s.Ins[0].Shape), op, s.Ins[0]);
        return [FromImage(s.Emit, values, s.Outs[0].Shape), FromImage(s.Emit, places, s.Outs[1].Shape)];
    }

    /// <summary>
    /// The maximum of each window, by TensorFlow's kernel. That drops NaN, and finds nothing among −∞: where the host sees such,
    /// everything is folded (and nothing kept); in a graph, such images are folded apart, of which there are mostly none.
    /// Kept: the input and the output, channels last; the numbers of the images that are folded.
    /// </summary>
    private static nint MostOf(MaxPool op, in Site s, out nint[] kept)
    {
        Emitter e = s.Emit;
        TensorSpec input = s.Ins[0];
        bool? nan = e.HasNaN(s.X[0], input);
        nint x = Image(e, s.X[0], input.Shape), y = Pooling(e.Op("MaxPool"u8, x), op.Size, op.Window, true).One(), most = y;
        kept = nan == true || e.HasLowest(y, s.Outs[0]) == true ? [] : [x, y];
        if (nan is null)
        {
            // NaN and infinities show in the sum; where it overflows, folding does no harm.
            nint sums = Fold("Sum"u8, e, x, [1, 2, 3], false);
            nint images = e.Op("Where"u8, e.Op("LogicalNot"u8, e.Op("IsFinite"u8, sums).One()).One()).One();
            nint values = Folded(e, e.Op("GatherNd"u8, x, images).One(), op, input).Values;
            most = e.Op("TensorScatterUpdate"u8, y, images, values).One();
            kept = [x, y, images];
        }

        most = Emitter.FromChannelsLast(most);
        return input.Rank == 4 ? most : e.Reshape(most, s.Outs[0].Shape.Dims);
    }

    private static nint MostBack(Emitter e, MaxPool op, Deferred left, nint incoming)
    {
        Shape shape = left.Ins[0].Shape;
        Dims input = Flat(shape);
        nint g = Image(e, incoming, op.InferAll([left.Ins[0]])[0].Shape);
        nint gradient = Pooling(e.Op("MaxPoolGrad"u8, left.Kept[0], left.Kept[1], g), op.Size, op.Window, true).One();
        if (left.Kept.Length > 2)
        {
            // Segments are the elements of the images that are folded, in their order.
            nint images = left.Kept[2], number = e.Cast(e.Op("Size"u8, images).One(), DType.Int64);
            nint places = Folded(e, e.Op("GatherNd"u8, left.Kept[0], images).One(), op, left.Ins[0]).Places;
            nint Ramp(nint count) => e.Op("Range"u8, e.Number(0, DType.Int64), count, e.Number(1, DType.Int64)).One();
            nint Scaled(nint values, long by) => e.Op("Mul"u8, values, e.Number(by, DType.Int64)).One();
            nint image = e.Reshape(Scaled(Ramp(number), shape.Count / shape[0]), [-1, 1, 1, 1]);
            nint ids = e.Op("AddV2"u8, e.Op("AddV2"u8, Scaled(places, input[1]), Ramp(e.Number(input[1], DType.Int64))).One(), image).One();
            nint sums = e.Op("UnsortedSegmentSum"u8, e.Op("GatherNd"u8, g, images).One(), ids, Scaled(number, shape.Count / shape[0])).One();
            gradient = e.Op("TensorScatterUpdate"u8, gradient, images, e.Reshape(sums, [-1, input[2], input[3], input[1]])).One();
        }

        return FromImage(e, gradient, shape);
    }

    /// <summary>
    /// The maximum of each window and where it was found: the elements under the windows, one offset after another, fold into
    /// the best so far. It finds NaN, and has dilation. Channels are last; the images may be some of the batch only.
    /// </summary>
    private static (nint Values, nint Places) Folded(Emitter e, nint x, MaxPool op, TensorSpec ins)
    {
        Window window = Flat(op.Window);
        Dims input = Flat(ins.Shape), output = Flat(op.InferAll([ins])[0].Shape), size = Flat(op.Size);
        x = PadPlane(e, x, window, ins.DType, double.NegativeInfinity);
        Dims slice = [output[0], output[2], output[3], output[1]];
        TensorSpec map = new([1, output[2], output[3], 1], DType.Int64);
        nint best = 0, at = 0, extents = 0;
        for (int i = 0; i < size[0] * size[1]; i++)
        {
            (int down, int across) = (i / size[1] * window.Dilation[0], i % size[1] * window.Dilation[1]);
            nint candidate = Cut(e, x, [0, down, across, 0], slice, [1, .. window.Stride, 1]);
            extents = i == 0 ? e.Op("Shape"u8, candidate).One() : extents;
            long[] places = Places(window, input, output, down, across);
            nint place = e.Op("BroadcastTo"u8, e.Constant(map, MemoryMarshal.AsBytes<long>(places)), extents).One();
            if (i == 0)
            {
                (best, at) = (candidate, place);
                continue;
            }

            nint better = e.Op("LogicalOr"u8, e.Op("Greater"u8, candidate, best).One(), e.Op("NotEqual"u8, candidate, candidate).One()).One();
            best = e.Op("SelectV2"u8, better, e.Last(candidate), e.Last(best)).One();
            at = e.Op("SelectV2"u8, e.Last(better), e.Last(place), e.Last(at)).One();
        }

        return (best, at);
    }

    /// <summary>
    /// Where in the input each window's element at an offset lies. In the padding it is none, and beaten by any that is better than −∞;
    /// where none is, the first offset's place is found, and has to be that of the window's first element.
    /// </summary>
    private static long[] Places(Window window, Dims input, Dims output, int down, int across)
    {
        static int First(int at, int step) => at < 0 ? ((at % step) + step) % step : at;
        long[] places = new long[output[2] * output[3]];
        for (int i = 0; i < places.Length; i++)
        {
            int y = First((i / output[3] * window.Stride[0]) - window.Low[0] + down, window.Dilation[0]);
            int x = First((i % output[3] * window.Stride[1]) - window.Low[1] + across, window.Dilation[1]);
            places[i] = ((long)y * input[3]) + x;
        }

        return places;
    }

    private static nint MeanOf(AveragePool op, in Site s)
    {
        Emitter e = s.Emit;
        Window window = Flat(op.Window);
        nint x = PadPlane(e, Image(e, s.X[0], s.Ins[0].Shape), window, s.Ins[0].DType);
        nint mean = Pooling(e.Op("AvgPool"u8, x), op.Size, op.Window).One();
        return FromImage(e, op.CountPadding || IsUnpadded(window) ? mean : Shared(e, mean, op, s.Ins[0], s.Outs[0]), s.Outs[0].Shape);
    }

    private static nint MeanBack(AveragePoolGradient op, in Site s)
    {
        Emitter e = s.Emit;
        Window window = Flat(op.Window);
        Dims input = Flat(s.Outs[0].Shape);
        nint g = Image(e, s.X[0], s.Ins[0].Shape);
        g = op.CountPadding || IsUnpadded(window) ? g : Shared(e, g, new AveragePool(op.Size, op.Window), s.Outs[0], s.Ins[0]);
        nint shape = e.Integers([input[0], input[2] + window.Low[0] + window.High[0], input[3] + window.Low[1] + window.High[1], input[1]]);
        nint x = Pooling(e.Op("AvgPoolGrad"u8, shape, g), op.Size, op.Window).One();
        return FromImage(e, Unpadded(e, x, window, input), s.Outs[0].Shape);
    }

    private static Emitter Pooling(Emitter e, Dims size, Window window, bool padded = false)
    {
        e.Integers("ksize"u8, [1, .. Flat(size), 1]).Integers("strides"u8, [1, .. Flat(window).Stride, 1]);
        return Padding(e, Flat(window), padded);
    }

    private static Dims Flat(Dims size) => size.Length == 2 ? size : [1, size[0]];

    /// <summary>Means over whole windows as means over what of them lies in the input.</summary>
    private static nint Shared(Emitter e, nint mean, AveragePool op, TensorSpec input, TensorSpec output)
    {
        Window window = Flat(op.Window);
        Dims from = Flat(input.Shape), to = Flat(output.Shape), size = Flat(op.Size);
        int Held(int at, int axis)
        {
            int start = (at * window.Stride[axis]) - window.Low[axis];
            return Math.Min(start + size[axis], from[axis + 2]) - Math.Max(start, 0);
        }

        double all = size[0] * size[1];
        double[] shares = [.. Enumerable.Range(0, to[2] * to[3]).Select(i => all / (Held(i / to[3], 0) * Held(i % to[3], 1)))];
        ReadOnlySpan<byte> bytes = input.DType == DType.Float64
            ? MemoryMarshal.AsBytes<double>(shares)
            : MemoryMarshal.AsBytes<float>(Array.ConvertAll(shares, share => (float)share));
        return e.Op("Mul"u8, e.Last(mean), e.Constant(new TensorSpec([1, to[2], to[3], 1], input.DType), bytes)).One();
    }
}
