using DeepBridge.Backends;
using DeepBridge.Ops;

namespace DeepBridge.Primitives.Tests;

internal sealed partial class PrimitivesBackend
{
    private void Movement()
    {
        Primitive<Reshape>((op, in call) =>
        {
            Block x = In(call, 0);
            bool dense = x.Strides.AsSpan().SequenceEqual(Array.ConvertAll(x.Shape.RowMajorStrides(), stride => (int)stride));
            if (dense)
            {
                call.Outputs[0] = new Block(call.OutputSpecs[0], call.Device, x.Elements, x.Offset);
            }
            else
            {
                Pick(call, x, x.Positions());
            }
        });
        View<Permute>((op, x) => (x.Offset, [.. op.Axes.AsSpan().ToArray().Select(axis => x.Strides[axis])]));
        View<Expand>((op, x) =>
        {
            int leading = op.Shape.Length - x.Shape.Rank;
            return (x.Offset, [.. Enumerable.Range(0, op.Shape.Length).Select(axis => axis < leading || x.Shape[axis - leading] == 1 ? 0 : x.Strides[axis - leading])]);
        });
        View<Slice>((op, x) => (
            x.Offset + x.Strides.Select((stride, axis) => stride * op.Starts[axis]).Sum(),
            [.. x.Strides.Select((stride, axis) => stride * op.Steps[axis])]));
        View<Flip>((op, x) =>
        {
            int offset = x.Offset;
            int[] strides = [.. x.Strides];
            foreach (int axis in op.Axes)
            {
                offset += strides[axis] * (x.Shape[axis] - 1);
                strides[axis] = -strides[axis];
            }

            return (offset, strides);
        });
        Primitive<Pad>((op, in call) =>
        {
            // Positions of the padded shape as if the input went on beyond its ends, and a mask of those that it has not.
            Block x = In(call, 0);
            Shape shape = call.OutputSpecs[0].Shape;
            int[] at = new int[shape.Count], index = new int[shape.Rank];
            for (int i = 0; i < at.Length; i++)
            {
                int rest = i;
                at[i] = x.Offset;
                for (int axis = shape.Rank - 1; axis >= 0; rest /= shape[axis--])
                {
                    index[axis] = (rest % shape[axis]) - op.Low[axis];
                    at[i] += index[axis] * x.Strides[axis];
                }

                for (int axis = 0; axis < index.Length; axis++)
                {
                    at[i] = index[axis] < 0 || index[axis] >= x.Shape[axis] ? -1 : at[i];
                }
            }

            Pick(call, x, at, Constant(new TensorSpec([1], x.Spec.DType), op.Value));
        });
        Primitive<Concat>((op, in call) =>
        {
            TensorSpec spec = call.OutputSpecs[0];
            Array all = Empty(spec);
            int inner = Count(spec.Shape, op.Axis + 1, spec.Rank), row = spec.Shape[op.Axis] * inner, start = 0;
            foreach (BackendTensor input in call.Inputs)
            {
                Block x = (Block)input;
                int[] at = x.Positions();
                int mine = x.Shape[op.Axis] * inner;
                for (int i = 0; i < at.Length; i++)
                {
                    Array.Copy(x.Elements, at[i], all, (i / mine * row) + start + (i % mine), 1);
                }

                start += mine;
            }

            Give(call, all);
        });
        Primitive<Gather>((op, in call) =>
        {
            Block x = In(call, 0);
            (long[] picked, int inner) = (Longs(In(call, 1)), Count(x.Shape, op.Axis + 1, x.Shape.Rank));
            int[] from = x.Positions(), at = new int[call.OutputSpecs[0].Count];
            for (int i = 0; i < at.Length; i++)
            {
                int outer = i / (inner * picked.Length), middle = i / inner % picked.Length;
                at[i] = from[(((outer * x.Shape[op.Axis]) + (int)picked[middle]) * inner) + (i % inner)];
            }

            Pick(call, x, at);
        });
        Primitive<ScatterAdd>((op, in call) =>
        {
            Block x = In(call, 0);
            TensorSpec spec = call.OutputSpecs[0];
            (long[] picked, int inner) = (Longs(In(call, 1)), Count(spec.Shape, op.Axis + 1, spec.Rank));
            int[] from = x.Positions();
            Array all = Empty(spec);
            for (int i = 0; i < from.Length; i++)
            {
                int outer = i / (inner * picked.Length), middle = i / inner % picked.Length;
                int to = (((outer * op.Extent) + (int)picked[middle]) * inner) + (i % inner);
                switch (all)
                {
                    case float[] f:
                        f[to] += ((float[])x.Elements)[from[i]];
                        break;
                    case double[] d:
                        d[to] += ((double[])x.Elements)[from[i]];
                        break;
                    case long[] l:
                        l[to] += ((long[])x.Elements)[from[i]];
                        break;
                }
            }

            Give(call, all);
        });
        Primitive<OneHot>((op, in call) =>
        {
            long[] places = Longs(In(call, 0));
            Array all = Empty(call.OutputSpecs[0]), one = Constant(new TensorSpec([1], op.DType), 1);
            for (int i = 0; i < places.Length; i++)
            {
                Array.Copy(one, 0, all, (i * op.Depth) + (int)places[i], 1);
            }

            Give(call, all);
        });
    }

    private void View<TOp>(Func<TOp, Block, (int Offset, int[] Strides)> layout)
        where TOp : Op<TOp> => Primitive<TOp>((op, in call) =>
        {
            Block x = In(call, 0);
            (int offset, int[] strides) = layout(op, x);
            call.Outputs[0] = new Block(call.OutputSpecs[0], call.Device, x.Elements, offset, strides);
        });

    /// <summary>Elements at positions of a block; at −1 the one element of <paramref name="filler"/>.</summary>
    private static void Pick(in KernelCall call, Block x, int[] at, Array? filler = null) => Give(call, x.Elements switch
    {
        float[] f => Array.ConvertAll(at, i => i < 0 ? ((float[])filler!)[0] : f[i]),
        double[] d => Array.ConvertAll(at, i => i < 0 ? ((double[])filler!)[0] : d[i]),
        long[] l => (Array)Array.ConvertAll(at, i => i < 0 ? ((long[])filler!)[0] : l[i]),
        _ => throw new InvalidOperationException(),
    });

    private static Array Empty(TensorSpec spec) =>
        IsLong(spec) ? new long[spec.Count] : IsDouble(spec) ? new double[spec.Count] : new float[spec.Count];

    private static long[] Longs(Block x) => Array.ConvertAll(x.Positions(), i => ((long[])x.Elements)[i]);

    private static int Count(Shape shape, int from, int to)
    {
        int count = 1;
        for (int axis = from; axis < to; axis++)
        {
            count *= shape[axis];
        }

        return count;
    }
}
