using System.Numerics;
using DeepBridge.Ops;

namespace DeepBridge.Primitives.Tests;

internal sealed partial class PrimitivesBackend
{
    private delegate T Folder<T>(T[] elements, int start, ReadOnlySpan<int> offsets);

    private void Reductions()
    {
        Fold<Sum>(op => op.Axes, SumOf, SumOf, SumOf);
        Fold<Product>(op => op.Axes, ProductOf, ProductOf, ProductOf);
        Fold<Max>(op => op.Axes, MaxOf, MaxOf, MaxOf);
        Fold<Min>(op => op.Axes, MinOf, MinOf, MinOf);
        Fold<Any>(op => op.Axes, null, null, static (bits, start, offsets) =>
        {
            long any = 0;
            foreach (int offset in offsets)
            {
                any |= bits[start + offset];
            }

            return any;
        });
        Fold<All>(op => op.Axes, null, null, static (bits, start, offsets) =>
        {
            long all = 1;
            foreach (int offset in offsets)
            {
                all &= bits[start + offset];
            }

            return all;
        });
        Primitive<ArgMax>((op, in call) => Give(call, Choose(In(call, 0), op.Axis, largest: true)));
        Primitive<ArgMin>((op, in call) => Give(call, Choose(In(call, 0), op.Axis, largest: false)));
        Primitive<CumulativeSum>((op, in call) =>
        {
            Block x = In(call, 0);
            (int[] starts, int[] along) = Split(x, [op.Axis]);
            int inner = Count(x.Shape, op.Axis + 1, x.Shape.Rank);
            Array all = Empty(x.Spec);
            switch (all)
            {
                case float[] f:
                    Scan((float[])x.Elements, f, starts, along, inner);
                    break;
                case double[] d:
                    Scan((double[])x.Elements, d, starts, along, inner);
                    break;
                case long[] l:
                    Scan((long[])x.Elements, l, starts, along, inner);
                    break;
            }

            Give(call, all);
        });
    }

    private void Products()
    {
        Primitive<MatMul>((op, in call) =>
        {
            Block x = In(call, 0), y = In(call, 1);
            Give(call, (x.Elements, y.Elements) switch
            {
                (float[] a, float[] b) => MatrixProduct(op, x, y, a, b, call.OutputSpecs[0].Shape),
                (double[] a, double[] b) => MatrixProduct(op, x, y, a, b, call.OutputSpecs[0].Shape),
                (long[] a, long[] b) => (Array)MatrixProduct(op, x, y, a, b, call.OutputSpecs[0].Shape),
                _ => throw new InvalidOperationException(),
            });
        });
        Primitive<Convolution>((op, in call) =>
        {
            Block x = In(call, 0), w = In(call, 1), bias = call.Inputs.Length == 3 ? In(call, 2) : w;
            bool biased = call.Inputs.Length == 3;
            Shape y = call.OutputSpecs[0].Shape;
            int[] px = x.Positions(), pw = w.Positions();
            int plane = Count(y, 2, y.Rank);
            double[] sums = Array1(call.OutputSpecs[0], i => biased ? At(bias, bias.Offset + (i / plane % y[1] * bias.Strides[0])) : 0);
            Taps(op.Window, op.Groups, x.Shape, w.Shape, y, (a, b, c) => sums[c] += At(x, px[a]) * At(w, pw[b]));
            Give(call, Rounded(sums, x.Spec));
        });
        Primitive<ConvolutionInputGradient>((op, in call) =>
        {
            Block g = In(call, 0), w = In(call, 1);
            int[] pg = g.Positions(), pw = w.Positions();
            double[] sums = new double[call.OutputSpecs[0].Count];
            Taps(op.Window, op.Groups, call.OutputSpecs[0].Shape, w.Shape, g.Shape, (a, b, c) => sums[a] += At(g, pg[c]) * At(w, pw[b]));
            Give(call, Rounded(sums, g.Spec));
        });
        Primitive<ConvolutionWeightGradient>((op, in call) =>
        {
            Block x = In(call, 0), g = In(call, 1);
            int[] px = x.Positions(), pg = g.Positions();
            double[] sums = new double[call.OutputSpecs[0].Count];
            Taps(op.Window, op.Groups, x.Shape, call.OutputSpecs[0].Shape, g.Shape, (a, b, c) => sums[b] += At(x, px[a]) * At(g, pg[c]));
            Give(call, Rounded(sums, x.Spec));
        });
        Primitive<MaxPool>((op, in call) =>
        {
            Block x = In(call, 0);
            int[] px = x.Positions();
            Shape y = call.OutputSpecs[0].Shape;
            int plane = Count(x.Shape, 2, x.Shape.Rank);
            double[] best = new double[y.Count];
            long[] found = new long[y.Count];
            Array.Fill(best, double.NegativeInfinity);
            Array.Fill(found, -1);
            Pooled(op.Window, op.Size, x.Shape, y, (a, c) =>
            {
                double value = At(x, px[a]);
                if (found[c] < 0 || value > best[c] || double.IsNaN(value))
                {
                    (best[c], found[c]) = (value, a % plane);
                }
            });
            Give(call, Rounded(best, x.Spec));
            Give(call, found, 1);
        });
        Primitive<AveragePool>((op, in call) =>
        {
            Block x = In(call, 0);
            int[] px = x.Positions();
            double[] sums = new double[call.OutputSpecs[0].Count], counts = new double[sums.Length];
            Pooled(op.Window, op.Size, x.Shape, call.OutputSpecs[0].Shape, (a, c) =>
            {
                sums[c] += At(x, px[a]);
                counts[c]++;
            });
            int window = Count(op.Size, 0, op.Size.Length);
            Fill<double>(sums, i => sums[i] / (op.CountPadding ? window : counts[i]));
            Give(call, Rounded(sums, x.Spec));
        });
        Primitive<AveragePoolGradient>((op, in call) =>
        {
            Block g = In(call, 0);
            int[] pg = g.Positions();
            Shape x = call.OutputSpecs[0].Shape;
            double[] sums = new double[x.Count], counts = new double[pg.Length];
            Pooled(op.Window, op.Size, x, g.Shape, (_, c) => counts[c]++);
            int window = Count(op.Size, 0, op.Size.Length);
            Pooled(op.Window, op.Size, x, g.Shape, (a, c) => sums[a] += At(g, pg[c]) / (op.CountPadding ? window : counts[c]));
            Give(call, Rounded(sums, g.Spec));
        });
    }

    private void Fold<TOp>(Func<TOp, Dims> axes, Folder<float>? floats, Folder<double>? doubles, Folder<long> longs)
        where TOp : Op<TOp> => Primitive<TOp>((op, in call) =>
        {
            Block x = In(call, 0);
            (int[] starts, int[] folded) = Split(x, axes(op));
            Give(call, x.Elements switch
            {
                float[] f => Array.ConvertAll(starts, start => floats!(f, start, folded)),
                double[] d => Array.ConvertAll(starts, start => doubles!(d, start, folded)),
                long[] l => (Array)Array.ConvertAll(starts, start => longs(l, start, folded)),
                _ => throw new InvalidOperationException(),
            });
        });

    /// <summary>Where each fold starts, and the offsets of its elements from there.</summary>
    private static (int[] Starts, int[] Offsets) Split(Block x, Dims axes)
    {
        Shape kept = x.Shape, folded = x.Shape;
        for (int axis = 0; axis < x.Shape.Rank; axis++)
        {
            bool folds = axes.AsSpan().Contains(axis);
            (kept, folded) = folds ? (kept.With(axis, 1), folded) : (kept, folded.With(axis, 1));
        }

        return (Block.Positions(kept, x.Offset, x.Strides), Block.Positions(folded, 0, x.Strides));
    }

    /// <summary>Halves are summed apart, so that rounding errors do not pile up.</summary>
    private static T SumOf<T>(T[] elements, int start, ReadOnlySpan<int> offsets)
        where T : INumber<T>
    {
        if (offsets.Length > 32)
        {
            int half = offsets.Length / 2;
            return SumOf(elements, start, offsets[..half]) + SumOf(elements, start, offsets[half..]);
        }

        T sum = T.Zero;
        foreach (int offset in offsets)
        {
            sum += elements[start + offset];
        }

        return sum;
    }

    private static T ProductOf<T>(T[] elements, int start, ReadOnlySpan<int> offsets)
        where T : INumber<T>
    {
        T product = T.One;
        foreach (int offset in offsets)
        {
            product *= elements[start + offset];
        }

        return product;
    }

    private static T MaxOf<T>(T[] elements, int start, ReadOnlySpan<int> offsets)
        where T : INumber<T>
    {
        T best = elements[start + offsets[0]];
        foreach (int offset in offsets)
        {
            best = T.Max(best, elements[start + offset]);
        }

        return best;
    }

    private static T MinOf<T>(T[] elements, int start, ReadOnlySpan<int> offsets)
        where T : INumber<T>
    {
        T best = elements[start + offsets[0]];
        foreach (int offset in offsets)
        {
            best = T.Min(best, elements[start + offset]);
        }

        return best;
    }

    private static long[] Choose(Block x, int axis, bool largest)
    {
        (int[] starts, int[] along) = Split(x, [axis]);
        return x.Elements switch
        {
            float[] f => Array.ConvertAll(starts, start => First(f, start, along, largest)),
            double[] d => Array.ConvertAll(starts, start => First(d, start, along, largest)),
            long[] l => Array.ConvertAll(starts, start => First(l, start, along, largest)),
            _ => throw new InvalidOperationException(),
        };
    }

    private static long First<T>(T[] elements, int start, int[] along, bool largest)
        where T : INumber<T>
    {
        int best = 0;
        for (int i = 0; i < along.Length; i++)
        {
            T value = elements[start + along[i]], held = elements[start + along[best]];
            if (T.IsNaN(value))
            {
                return i;
            }

            best = (largest ? value > held : value < held) ? i : best;
        }

        return best;
    }

    private static void Scan<T>(T[] from, T[] to, int[] starts, int[] along, int inner)
        where T : INumber<T>
    {
        for (int i = 0; i < starts.Length; i++)
        {
            T sum = T.Zero;
            for (int k = 0; k < along.Length; k++)
            {
                sum += from[starts[i] + along[k]];
                to[(((i / inner * along.Length) + k) * inner) + (i % inner)] = sum;
            }
        }
    }

    private static T[] MatrixProduct<T>(MatMul op, Block x, Block y, T[] a, T[] b, Shape shape)
        where T : INumber<T>
    {
        int rank = shape.Rank, rows = shape[^2], columns = shape[^1];
        (int row, int k) = op.TransposeLeft ? (x.Strides[^1], x.Strides[^2]) : (x.Strides[^2], x.Strides[^1]);
        (int column, int l) = op.TransposeRight ? (y.Strides[^2], y.Strides[^1]) : (y.Strides[^1], y.Strides[^2]);
        int inner = x.Shape[op.TransposeLeft ? ^2 : ^1];
        Shape batch = Shape.Create(shape.AsSpan()[..^2]);
        int[] left = Batch(x, batch), right = Batch(y, batch);
        T[] product = new T[shape.Count];
        for (int i = 0; i < product.Length; i++)
        {
            int matrix = i / (rows * columns);
            int u = left[matrix] + (i / columns % rows * row), v = right[matrix] + (i % columns * column);
            T sum = T.Zero;
            for (int j = 0; j < inner; j++)
            {
                sum += a[u + (j * k)] * b[v + (j * l)];
            }

            product[i] = sum;
        }

        return product;
    }

    private static int[] Batch(Block x, Shape batch)
    {
        int[] strides = new int[batch.Rank];
        int leading = batch.Rank - (x.Shape.Rank - 2);
        for (int axis = leading; axis < batch.Rank; axis++)
        {
            strides[axis] = x.Shape[axis - leading] == 1 ? 0 : x.Strides[axis - leading];
        }

        return Block.Positions(batch, x.Offset, strides);
    }

    private static double At(Block x, int position) => x.Elements is float[] floats ? floats[position] : ((double[])x.Elements)[position];

    private static Array Rounded(double[] sums, TensorSpec spec) => IsDouble(spec) ? sums : Array.ConvertAll(sums, sum => (float)sum);

    /// <summary>Every (input, weight, output) of a convolution; a missing second spatial axis has extent 1.</summary>
    private static void Taps(Window window, int groups, Shape x, Shape w, Shape y, Action<int, int, int> tap)
    {
        int channels = w[1], filters = Math.Max(w[0] / groups, 1), size = Count(w, 2, w.Rank);
        for (int n = 0; n < y[0]; n++)
        {
            for (int f = 0; f < y[1]; f++)
            {
                for (int c = 0; c < channels; c++)
                {
                    int plane = (n * x[1]) + (f / filters * channels) + c, kernel = ((f * channels) + c) * size;
                    Planes(window, w.AsSpan()[2..], x, y, (a, k, o) =>
                        tap((plane * Count(x, 2, x.Rank)) + a, kernel + k, (((n * y[1]) + f) * Count(y, 2, y.Rank)) + o));
                }
            }
        }
    }

    private static void Pooled(Window window, Dims size, Shape x, Shape y, Action<int, int> visit)
    {
        for (int plane = 0; plane < y[0] * y[1]; plane++)
        {
            Planes(window, size.AsSpan(), x, y, (a, _, o) => visit((plane * Count(x, 2, x.Rank)) + a, (plane * Count(y, 2, y.Rank)) + o));
        }
    }

    /// <summary>Every (input, window, output) position of one plane.</summary>
    private static void Planes(Window window, ReadOnlySpan<int> size, Shape x, Shape y, Action<int, int, int> visit)
    {
        bool flat = window.Rank == 1;
        int last = window.Rank - 1, width = x[^1], across = y[^1], reach = size[^1];
        int height = flat ? 1 : x[^2], down = flat ? 1 : y[^2], tall = flat ? 1 : size[^2];
        for (int oy = 0; oy < down; oy++)
        {
            for (int ox = 0; ox < across; ox++)
            {
                for (int ky = 0; ky < tall; ky++)
                {
                    int iy = flat ? 0 : (oy * window.Stride[0]) - window.Low[0] + (ky * window.Dilation[0]);
                    for (int kx = 0; kx < reach && iy >= 0 && iy < height; kx++)
                    {
                        int ix = (ox * window.Stride[last]) - window.Low[last] + (kx * window.Dilation[last]);
                        if (ix >= 0 && ix < width)
                        {
                            visit((iy * width) + ix, (ky * reach) + kx, (oy * across) + ox);
                        }
                    }
                }
            }
        }
    }
}
