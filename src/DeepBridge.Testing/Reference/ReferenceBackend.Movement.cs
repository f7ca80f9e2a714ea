using System.Numerics;
using DeepBridge.Backends;
using DeepBridge.Ops;

namespace DeepBridge.Testing;

public sealed partial class ReferenceBackend
{
    private void ImplementMovement()
    {
        Implement<Reshape>((op, in call) =>
        {
            ReferenceTensor x = In(call, 0);
            call.Outputs[0] = new ReferenceTensor(call.OutputSpecs[0], call.Device, x.Reals, x.Wholes);
        });
        Move<Permute>((op, input) =>
        {
            int[] from = new int[input.Rank];
            return at =>
            {
                for (int axis = 0; axis < from.Length; axis++)
                {
                    from[op.Axes[axis]] = at[axis];
                }

                return Indices.Flat(from, input);
            };
        });
        Move<Expand>((op, input) => at => Indices.Broadcast(at, input));
        Move<Slice>((op, input) => at => Indices.Flat([.. at.Select((index, axis) => op.Starts[axis] + (index * op.Steps[axis]))], input));
        Move<Flip>((op, input) => at => Indices.Flat(
            [.. at.Select((index, axis) => op.Axes.AsSpan().Contains(axis) ? input[axis] - 1 - index : index)], input));
        Move<Pad>(
            (op, input) => at =>
            {
                int[] from = [.. at.Select((index, axis) => index - op.Low[axis])];
                return from.Where((index, axis) => index < 0 || index >= input[axis]).Any() ? -1 : Indices.Flat(from, input);
            },
            op => op.Value);
        Implement<Concat>((op, in call) =>
        {
            Shape shape = call.OutputSpecs[0].Shape;
            double[] reals = new double[shape.Count];
            long[] wholes = new long[shape.Count];
            int start = 0;
            foreach (BackendTensor input in call.Inputs)
            {
                ReferenceTensor x = (ReferenceTensor)input;
                int[] map = Indices.Map(x.Spec.Shape, at => Indices.Flat([.. at[..op.Axis], start + at[op.Axis], .. at[(op.Axis + 1)..]], shape));
                AddTo(reals, x.Reals, map);
                AddTo(wholes, x.Wholes, map);
                start += x.Spec.Shape[op.Axis];
            }

            Give(call, reals, wholes);
        });
        Implement<Gather>((op, in call) =>
        {
            ReferenceTensor x = In(call, 0);
            int[] map = Picked(In(call, 1), op.Axis, call.OutputSpecs[0].Shape, x.Spec.Shape);
            Give(call, i => x.Reals[map[i]], i => x.Wholes[map[i]]);
        });
        Implement<ScatterAdd>((op, in call) =>
        {
            ReferenceTensor x = In(call, 0);
            Shape shape = call.OutputSpecs[0].Shape;
            int[] map = Picked(In(call, 1), op.Axis, x.Spec.Shape, shape);
            double[] reals = new double[shape.Count];
            long[] wholes = new long[shape.Count];
            AddTo(reals, x.Reals, map);
            AddTo(wholes, x.Wholes, map);
            Give(call, reals, wholes);
        });
        Implement<OneHot>((op, in call) =>
        {
            ReferenceTensor indices = In(call, 0);
            Give(
                call,
                i => indices.Wholes[i / op.Depth] == i % op.Depth ? 1 : 0,
                i => indices.Wholes[i / op.Depth] == i % op.Depth ? 1 : 0);
        });
    }

    /// <summary>For each element of a shape that has the indices' axes, its place in one that has the axis they number.</summary>
    private static int[] Picked(ReferenceTensor indices, int axis, Shape shape, Shape numbered)
    {
        int rank = indices.Spec.Rank;
        return Indices.Map(shape, at =>
        {
            long index = indices.Wholes[Indices.Flat(at.AsSpan(axis, rank), indices.Spec.Shape)];
            return Indices.Flat([.. at[..axis], (int)index, .. at[(axis + rank)..]], numbered);
        });
    }

    /// <summary>An op that fetches each element from somewhere; −1: the value of <paramref name="filler"/>.</summary>
    private void Move<TOp>(Func<TOp, Shape, Func<int[], int>> source, Func<TOp, Scalar>? filler = null)
        where TOp : Op<TOp> => Implement<TOp>((op, in call) =>
        {
            ReferenceTensor x = In(call, 0);
            int[] map = Indices.Map(call.OutputSpecs[0].Shape, source(op, x.Spec.Shape));
            Scalar value = filler?.Invoke(op) ?? default;
            long whole = value.Kind == DType.Float64 ? Elements.Truncate(value.ToDouble(), x.Spec.DType) : value.ToInt64();
            Give(call, i => map[i] < 0 ? value.ToDouble() : x.Reals[map[i]], i => map[i] < 0 ? whole : x.Wholes[map[i]]);
        });

    private static void AddTo<T>(T[] sums, T[] values, int[] places)
        where T : INumber<T>
    {
        for (int i = 0; i < values.Length; i++)
        {
            sums[places[i]] += values[i];
        }
    }
}
