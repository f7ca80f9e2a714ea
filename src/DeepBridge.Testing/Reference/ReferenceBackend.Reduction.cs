using System.Numerics;
using DeepBridge.Ops;

namespace DeepBridge.Testing;

public sealed partial class ReferenceBackend
{
    private void ImplementReductions()
    {
        Fold<Sum>(op => op.Axes, 0, (sum, x) => sum + x, 0, (sum, x) => sum + x);
        Fold<Product>(op => op.Axes, 1, (product, x) => product * x, 1, (product, x) => product * x);
        Fold<Max>(op => op.Axes, double.NegativeInfinity, Math.Max, long.MinValue, Math.Max);
        Fold<Min>(op => op.Axes, double.PositiveInfinity, Math.Min, long.MaxValue, Math.Min);
        Fold<Any>(op => op.Axes, 0, (a, b) => a, 0, (any, x) => any | x);
        Fold<All>(op => op.Axes, 0, (a, b) => a, 1, (all, x) => all & x);
        Implement<ArgMax>((op, in call) => Give(call, [], Extremum(In(call, 0), op.Axis, (a, b) => a > b, (a, b) => a > b)));
        Implement<ArgMin>((op, in call) => Give(call, [], Extremum(In(call, 0), op.Axis, (a, b) => a < b, (a, b) => a < b)));
        Implement<CumulativeSum>((op, in call) =>
        {
            ReferenceTensor x = In(call, 0);
            Shape shape = x.Spec.Shape;
            int stride = Indices.Product(shape.AsSpan()[(op.Axis + 1)..]), extent = shape[op.Axis];
            Give(call, Scan(x.Reals, stride, extent), Scan(x.Wholes, stride, extent));
        });
    }

    private void Fold<TOp>(
        Func<TOp, Dims> axes, double real, Func<double, double, double> reals, long whole, Func<long, long, long> wholes)
        where TOp : Op<TOp> => Implement<TOp>((op, in call) =>
        {
            ReferenceTensor x = In(call, 0);
            int[] target = Folded(x.Spec.Shape, axes(op).AsSpan().ToArray());
            int count = checked((int)call.OutputSpecs[0].Count);
            Give(call, Accumulate(x.Reals, target, count, real, reals), Accumulate(x.Wholes, target, count, whole, wholes));
        });

    private static T[] Accumulate<T>(T[] values, int[] target, int count, T start, Func<T, T, T> step)
    {
        T[] result = new T[count];
        Array.Fill(result, start);
        for (int i = 0; i < values.Length; i++)
        {
            result[target[i]] = step(result[target[i]], values[i]);
        }

        return result;
    }

    private static T[] Scan<T>(T[] values, int stride, int extent)
        where T : INumber<T>
    {
        T[] sums = [.. values];
        for (int i = 0; i < sums.Length; i++)
        {
            sums[i] += i / stride % extent > 0 ? sums[i - stride] : T.Zero;
        }

        return sums;
    }

    /// <summary>For each element the position, in the folded shape, of the result that it belongs to.</summary>
    private static int[] Folded(Shape shape, int[] axes)
    {
        Shape kept = shape;
        foreach (int axis in axes)
        {
            kept = kept.With(axis, 1);
        }

        return Indices.Map(shape, at => Indices.Broadcast(at, kept));
    }

    private static long[] Extremum(ReferenceTensor x, int axis, Func<double, double, bool> reals, Func<long, long, bool> wholes) =>
        x.Spec.DType.IsFloating() ? First(x.Reals, x.Spec.Shape, axis, reals) : First(x.Wholes, x.Spec.Shape, axis, wholes);

    /// <summary>The first position in an axis whose element none beats; NaN beats all but NaN.</summary>
    private static long[] First<T>(T[] values, Shape shape, int axis, Func<T, T, bool> beats)
        where T : INumber<T>
    {
        int[] target = Folded(shape, [axis]);
        long[] found = new long[shape.Without(axis).Count];
        T[] best = new T[found.Length];
        int i = 0;
        foreach (int[] at in Indices.Walk(shape))
        {
            int to = target[i];
            T value = values[i++];
            if (at[axis] == 0 || beats(value, best[to]) || (T.IsNaN(value) && !T.IsNaN(best[to])))
            {
                (best[to], found[to]) = (value, at[axis]);
            }
        }

        return found;
    }
}
