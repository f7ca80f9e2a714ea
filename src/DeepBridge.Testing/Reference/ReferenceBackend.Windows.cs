using System.Numerics;
using DeepBridge.Ops;

namespace DeepBridge.Testing;

public sealed partial class ReferenceBackend
{
    private void ImplementProducts()
    {
        Implement<MatMul>((op, in call) =>
        {
            ReferenceTensor left = In(call, 0), right = In(call, 1);
            Shape shape = call.OutputSpecs[0].Shape, x = left.Spec.Shape, y = right.Spec.Shape;
            Give(call, Multiply(op, left.Reals, right.Reals, x, y, shape), Multiply(op, left.Wholes, right.Wholes, x, y, shape));
        });
        Implement<Convolution>((op, in call) =>
        {
            ReferenceTensor x = In(call, 0), weight = In(call, 1);
            double[] bias = call.Inputs.Length == 3 ? In(call, 2).Reals : new double[weight.Spec.Shape[0]];
            Shape output = call.OutputSpecs[0].Shape;
            int plane = Indices.Product(output.AsSpan()[2..]);
            double[] y = new double[output.Count];
            for (int i = 0; i < y.Length; i++)
            {
                y[i] = bias[i / plane % bias.Length];
            }

            Slide(op.Window, op.Groups, x.Spec.Shape, weight.Spec.Shape, output, (a, w, o) => y[o] += x.Reals[a] * weight.Reals[w]);
            Give(call, y, []);
        });
        Implement<ConvolutionInputGradient>((op, in call) =>
        {
            ReferenceTensor g = In(call, 0), weight = In(call, 1);
            Shape input = call.OutputSpecs[0].Shape;
            double[] x = new double[input.Count];
            Slide(op.Window, op.Groups, input, weight.Spec.Shape, g.Spec.Shape, (a, w, o) => x[a] += g.Reals[o] * weight.Reals[w]);
            Give(call, x, []);
        });
        Implement<ConvolutionWeightGradient>((op, in call) =>
        {
            ReferenceTensor x = In(call, 0), g = In(call, 1);
            Shape shape = call.OutputSpecs[0].Shape;
            double[] weight = new double[shape.Count];
            Slide(op.Window, op.Groups, x.Spec.Shape, shape, g.Spec.Shape, (a, w, o) => weight[w] += x.Reals[a] * g.Reals[o]);
            Give(call, weight, []);
        });
    }

    private static T[] Multiply<T>(MatMul op, T[] left, T[] right, Shape x, Shape y, Shape shape)
        where T : INumber<T>
    {
        T[] product = new T[shape.Count];
        int inner = x[op.TransposeLeft ? ^2 : ^1], i = 0;
        foreach (int[] at in left.Length == 0 ? [] : Indices.Walk(shape))
        {
            int row = at[^2], column = at[^1];
            int a = Indices.Broadcast(at.AsSpan()[..^2], Shape.Create(x.AsSpan()[..^2])) * x[^2] * x[^1];
            int b = Indices.Broadcast(at.AsSpan()[..^2], Shape.Create(y.AsSpan()[..^2])) * y[^2] * y[^1];
            for (int k = 0; k < inner; k++)
            {
                T u = left[a + (op.TransposeLeft ? (k * x[^1]) + row : (row * x[^1]) + k)];
                product[i] += u * right[b + (op.TransposeRight ? (column * y[^1]) + k : (k * y[^1]) + column)];
            }

            i++;
        }

        return product;
    }

    private void ImplementPooling()
    {
        Implement<MaxPool>((op, in call) =>
        {
            ReferenceTensor x = In(call, 0);
            Shape output = call.OutputSpecs[0].Shape;
            int plane = Indices.Product(x.Spec.Shape.AsSpan()[2..]);
            double[] best = new double[output.Count];
            long[] found = new long[output.Count];
            Array.Fill(found, -1);
            Pool(op.Window, op.Size, x.Spec.Shape, output, (a, o) =>
            {
                if (found[o] < 0 || x.Reals[a] > best[o] || double.IsNaN(x.Reals[a]))
                {
                    (best[o], found[o]) = (x.Reals[a], a % plane);
                }
            });
            Give(call, best, []);
            Give(call, [], found, 1);
        });
        Implement<AveragePool>((op, in call) =>
        {
            ReferenceTensor x = In(call, 0);
            Shape output = call.OutputSpecs[0].Shape;
            double[] sum = new double[output.Count];
            int[] divisor = Divisors(op.Window, op.Size, op.CountPadding, x.Spec.Shape, output);
            Pool(op.Window, op.Size, x.Spec.Shape, output, (a, o) => sum[o] += x.Reals[a]);
            Give(call, o => sum[o] / divisor[o], _ => 0);
        });
        Implement<AveragePoolGradient>((op, in call) =>
        {
            ReferenceTensor g = In(call, 0);
            Shape input = call.OutputSpecs[0].Shape;
            double[] x = new double[input.Count];
            int[] divisor = Divisors(op.Window, op.Size, op.CountPadding, input, g.Spec.Shape);
            Pool(op.Window, op.Size, input, g.Spec.Shape, (a, o) => x[a] += g.Reals[o] / divisor[o]);
            Give(call, x, []);
        });
    }

    private static int[] Divisors(Window window, Dims size, bool countPadding, Shape input, Shape output)
    {
        int[] divisor = new int[output.Count];
        Pool(window, size, input, output, (_, o) => divisor[o]++);
        if (countPadding)
        {
            Array.Fill(divisor, Indices.Product(size.AsSpan()));
        }

        return divisor;
    }

    /// <summary>Calls back with (input, output) for every element that lies under a window, in row-major order of the window.</summary>
    private static void Pool(Window window, Dims size, Shape input, Shape output, Action<int, int> visit)
    {
        int o = 0;
        foreach (int[] at in Indices.Walk(output))
        {
            foreach (int[] offset in Indices.Walk(size))
            {
                if (Under(window, at, offset, input, at[1]) is >= 0 and int a)
                {
                    visit(a, o);
                }
            }

            o++;
        }
    }

    /// <summary>Calls back with (input, weight, output) for every product of a convolution.</summary>
    private static void Slide(Window window, int groups, Shape input, Shape weight, Shape output, Action<int, int, int> visit)
    {
        int perGroup = weight[1], filters = weight[0] / groups, o = 0;
        int[] size = weight.AsSpan()[2..].ToArray();
        foreach (int[] at in Indices.Walk(output))
        {
            int w = at[1] * perGroup * Indices.Product(size);
            for (int channel = 0; channel < perGroup; channel++)
            {
                foreach (int[] offset in Indices.Walk(size))
                {
                    if (Under(window, at, offset, input, (at[1] / filters * perGroup) + channel) is >= 0 and int a)
                    {
                        visit(a, w, o);
                    }

                    w++;
                }
            }

            o++;
        }
    }

    /// <summary>The input element under one element of a window; −1 in the padding.</summary>
    private static int Under(Window window, int[] output, int[] offset, Shape input, int channel)
    {
        int flat = (output[0] * input[1]) + channel;
        for (int i = 0; i < offset.Length; i++)
        {
            int at = (output[i + 2] * window.Stride[i]) - window.Low[i] + (offset[i] * window.Dilation[i]);
            if (at < 0 || at >= input[i + 2])
            {
                return -1;
            }

            flat = (flat * input[i + 2]) + at;
        }

        return flat;
    }
}
