using System.Runtime.InteropServices;
using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Lowering;

internal static partial class Lowered
{
    /// <summary>The maximum of each window and where it was found, as a whole.</summary>
    private static nint[] MostOf(MaxPool op, in Site s)
    {
        (nint values, nint places) = Folded(s.Emit, Image(s.Emit, s.X[0], s.Ins[0].Shape), op, s.Ins[0], false);
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
        kept = [];
        if (nan == true)
        {
            return s.X[0];
        }

        nint x = Image(e, s.X[0], input.Shape), y = Pooling(e.Op("MaxPool"u8, x), op.Size, Flat(op.Window), true).One();
        if (e.HasLowest(y, s.Outs[0]) == true)
        {
            return s.X[0];
        }

        nint most = y;
        kept = [x, y];
        if (nan is null)
        {
            // NaN and infinities show in the sum; where it overflows, folding does no harm.
            nint sums = Fold("Sum"u8, e, x, [1, 2, 3], false);
            nint images = e.Op("Where"u8, e.Op("LogicalNot"u8, e.Op("IsFinite"u8, sums).One()).One()).One();
            nint values = Folded(e, e.Op("GatherNd"u8, x, images).One(), op, input, true).Values;
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
        nint gradient = Pooling(e.Op("MaxPoolGrad"u8, left.Kept[0], left.Kept[1], g), op.Size, Flat(op.Window), true).One();
        if (left.Kept.Length > 2)
        {
            // Segments are the elements of the images that are folded, in their order.
            nint images = left.Kept[2], number = e.Cast(e.Op("Size"u8, images).One(), DType.Int64);
            nint places = Folded(e, e.Op("GatherNd"u8, left.Kept[0], images).One(), op, left.Ins[0], true).Places;
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
    /// the best so far. It finds NaN, and has dilation. Channels are last; where the images are some of the batch only, nobody
    /// knows how many.
    /// </summary>
    private static (nint Values, nint Places) Folded(Emitter e, nint x, MaxPool op, TensorSpec ins, bool some)
    {
        Window window = Flat(op.Window);
        Dims input = Flat(ins.Shape), output = Flat(op.InferAll([ins])[0].Shape), size = op.Size.Length == 2 ? op.Size : [1, op.Size[0]];
        x = PadPlane(e, x, window, ins.DType, double.NegativeInfinity);
        Offsets offsets = new(window, input, output);
        Dims slice = [output[0], output[2], output[3], output[1]];
        TensorSpec map = new([1, output[2], output[3], 1], DType.Int64);
        nint best = 0, at = 0;
        for (int i = 0; i < size[0] * size[1]; i++)
        {
            (int down, int across) = (i / size[1] * window.Dilation[0], i % size[1] * window.Dilation[1]);
            nint candidate = Cut(e, x, [0, down, across, 0], slice, [1, window.Stride[0], window.Stride[1], 1]);
            (long[] places, bool[] first) = offsets.Under(down, across);
            nint extents = some ? e.Op("Shape"u8, candidate).One() : e.Integers(slice);
            nint place = e.Op("BroadcastTo"u8, e.Constant(map, MemoryMarshal.AsBytes<long>(places)), extents).One();
            if (i == 0)
            {
                (best, at) = (candidate, place);
                continue;
            }

            nint better = e.Op("LogicalOr"u8, e.Op("Greater"u8, candidate, best).One(), e.Op("NotEqual"u8, candidate, candidate).One()).One();
            if (first.Contains(true))
            {
                better = e.Op("LogicalOr"u8, better, e.Constant(map.As(DType.Bool), MemoryMarshal.AsBytes<bool>(first))).One();
            }

            best = e.Op("SelectV2"u8, better, e.Last(candidate), e.Last(best)).One();
            at = e.Op("SelectV2"u8, e.Last(better), e.Last(place), e.Last(at)).One();
        }

        return (best, at);
    }

    private static nint MeanOf(AveragePool op, in Site s)
    {
        Emitter e = s.Emit;
        Window window = Flat(op.Window);
        nint x = PadPlane(e, Image(e, s.X[0], s.Ins[0].Shape), window, s.Ins[0].DType);
        nint mean = Pooling(e.Op("AvgPool"u8, x), op.Size, window).One();
        mean = Share(e, mean, op.Size, window, op.CountPadding, s.Ins[0], s.Outs[0]);
        return FromImage(e, mean, s.Outs[0].Shape);
    }

    private static nint MeanBack(AveragePoolGradient op, in Site s)
    {
        Emitter e = s.Emit;
        Window window = Flat(op.Window);
        Dims input = Flat(s.Outs[0].Shape);
        nint g = Share(e, Image(e, s.X[0], s.Ins[0].Shape), op.Size, window, op.CountPadding, s.Outs[0], s.Ins[0]);
        nint shape = e.Integers([input[0], input[2] + window.Low[0] + window.High[0], input[3] + window.Low[1] + window.High[1], input[1]]);
        nint x = Pooling(e.Op("AvgPoolGrad"u8, shape, g), op.Size, window).One();
        return FromImage(e, Unpadded(e, x, window, input), s.Outs[0].Shape);
    }

    private static Emitter Pooling(Emitter e, Dims size, Window window, bool padded = false) =>
        Padding(e.Integers("ksize"u8, [1, size.Length == 2 ? size[0] : 1, size[^1], 1]).Integers("strides"u8, [1, window.Stride[0], window.Stride[1], 1]), window, padded);

    /// <summary>Means over whole windows as means over what of them lies in the input.</summary>
    private static nint Share(Emitter e, nint mean, Dims size, Window window, bool countPadding, TensorSpec input, TensorSpec output)
    {
        if (countPadding || IsUnpadded(window))
        {
            return mean;
        }

        Dims from = Flat(input.Shape), to = Flat(output.Shape);
        int height = size.Length == 2 ? size[0] : 1, width = size[^1];
        double[] shares = new double[to[2] * to[3]];
        for (int i = 0; i < shares.Length; i++)
        {
            int y = (i / to[3] * window.Stride[0]) - window.Low[0], x = (i % to[3] * window.Stride[1]) - window.Low[1];
            int rows = Math.Min(y + height, from[2]) - Math.Max(y, 0), columns = Math.Min(x + width, from[3]) - Math.Max(x, 0);
            shares[i] = height * width / (double)(rows * columns);
        }

        TensorSpec spec = new([1, to[2], to[3], 1], input.DType);
        ReadOnlySpan<byte> bytes = input.DType == DType.Float64
            ? MemoryMarshal.AsBytes<double>(shares)
            : MemoryMarshal.AsBytes<float>(Array.ConvertAll(shares, share => (float)share));
        return e.Op("Mul"u8, e.Last(mean), e.Constant(spec, bytes)).One();
    }

    /// <summary>Where in the input each window's element at an offset lies.</summary>
    private sealed class Offsets(Window window, Dims input, Dims output)
    {
        private readonly bool[] _met = new bool[output[2] * output[3]];

        /// <summary>The places under one offset, and for which windows it is the first offset that is not in the padding.</summary>
        internal (long[] Places, bool[] First) Under(int down, int across)
        {
            long[] places = new long[_met.Length];
            bool[] first = new bool[_met.Length];
            for (int i = 0; i < places.Length; i++)
            {
                int y = (i / output[3] * window.Stride[0]) - window.Low[0] + down, x = (i % output[3] * window.Stride[1]) - window.Low[1] + across;
                bool inside = y >= 0 && y < input[2] && x >= 0 && x < input[3];
                places[i] = inside ? ((long)y * input[3]) + x : 0;
                first[i] = inside && !_met[i];
                _met[i] |= inside;
            }

            return (places, first);
        }
    }
}
