namespace DeepBridge.Torch;

/// <content>
/// Convolution and pooling, all in two spatial axes: one axis has another of extent 1 before it. libtorch pads both sides
/// alike; where they differ the input is padded first.
/// </content>
public sealed partial class TorchSharpBackend
{
    private void ImplementWindows()
    {
        Implement<Convolution>(static (op, in call) =>
        {
            Plane plane = new(op.Window);
            if (call.OutputSpecs[0].Count == 0 || call.Inputs[1].Spec.Count == 0)
            {
                Native none = Zeros(call.OutputSpecs[0], call.Device);
                Out(call, call.Inputs.Length == 3 ? AddChannels(none, In(call, 2)) : none);
                return;
            }

            using Native x = plane.Pad(In(call, 0), 0), weight = plane.Lift(In(call, 1));
            Native y = torch.nn.functional.conv2d(x, weight, InOrNull(call, 2), plane.Stride, plane.Padding, plane.Dilation, op.Groups);
            Out(call, plane.Lower(y));
        });
        Implement<ConvolutionInputGradient>(static (op, in call) =>
        {
            Plane plane = new(op.Window);
            if (call.OutputSpecs[0].Count == 0 || call.Inputs[0].Spec.Count == 0 || call.Inputs[1].Spec.Count == 0)
            {
                Out(call, Zeros(call.OutputSpecs[0], call.Device));
                return;
            }

            // Only the shape of the convolution's input matters.
            using Native g = plane.Lift(In(call, 0)), weight = plane.Lift(In(call, 1)), shape = Empty(call.OutputSpecs[0], call.Device), x = plane.Pad(shape, 0);
            Native gradient = ConvolutionBack(plane, op.Groups, g, x, weight, toInput: true).Input!;
            Out(call, plane.Crop(gradient, call.OutputSpecs[0].Shape));
        });
        Implement<ConvolutionWeightGradient>(static (op, in call) =>
        {
            Plane plane = new(op.Window);
            if (call.OutputSpecs[0].Count == 0 || call.Inputs[0].Spec.Count == 0 || call.Inputs[1].Spec.Count == 0)
            {
                Out(call, Zeros(call.OutputSpecs[0], call.Device));
                return;
            }

            using Native x = plane.Pad(In(call, 0), 0), g = plane.Lift(In(call, 1)), shape = Empty(call.OutputSpecs[0], call.Device), weight = plane.Lift(shape);
            Out(call, plane.Lower(ConvolutionBack(plane, op.Groups, g, x, weight, toWeight: true).Weight!));
        });
        Implement<ConvolutionGradient>(
            static (op, in call) =>
            {
                Plane plane = new(op.Window);
                using Native g = plane.Lift(In(call, 0)), x = plane.Pad(In(call, 1), 0);
                using Native w = op.ToInput ? In(call, 2).alias() : Empty(call.OutputSpecs[0], call.Device), weight = plane.Lift(w);
                (Native? toInput, Native? toWeight, Native? toBias) = ConvolutionBack(plane, op.Groups, g, x, weight, op.ToInput, true, op.ToBias);
                Out(call, plane.Lower(toWeight!));
                if (op.ToBias)
                {
                    Out(call, toBias!, 1);
                }

                if (op.ToInput)
                {
                    Out(call, plane.Crop(toInput!, call.OutputSpecs[^1].Shape), call.OutputSpecs.Length - 1);
                }
            },
            static (op, inputs) => inputs[0].Count > 0 && inputs[1].Count > 0 && new Shape(op.WeightShape).Count > 0);
        Implement<MaxPool>(static (op, in call) => MaxPoolOf(op, call));
        Implement<MaxPoolGradient>(static (op, in call) =>
        {
            TensorSpec spec = call.OutputSpecs[0], g = call.Inputs[0].Spec;
            if (g.Count == 0)
            {
                Out(call, Zeros(spec, call.Device));
                return;
            }

            long planes = (long)spec.Shape[0] * spec.Shape[1];
            using Native positions = Wide(call, 1);
            if (IsCpu(call.Device))
            {
                // Adaptive pooling's goes by the positions alone, whatever the windows; on other devices it takes them to be apart.
                long[] rows = [planes, 1, -1];
                using Native to = positions.reshape(rows), from = In(call, 0).reshape(rows);
                using Native one = torch.empty([1, 1, 1], spec.DType.ToTorch()), shape = one.expand(planes, 1, spec.Count / planes);
                using Native spread = Script.One("max_pool_back", from, shape, to);
                Out(call, spread.view(spec.Shape.ToLongs()));
                return;
            }

            Native gradient = Zeros(spec, call.Device);
            using Native places = positions.reshape(planes, -1), values = In(call, 0).reshape(planes, -1), flat = gradient.view(planes, -1);
            flat.scatter_add_(1, places, values);
            Out(call, gradient);
        });
        Implement<AveragePool>(static (op, in call) =>
        {
            Plane plane = new(op.Window);
            if (call.OutputSpecs[0].Count == 0)
            {
                Out(call, Zeros(call.OutputSpecs[0], call.Device));
                return;
            }

            long[] size = Plane.Two(op.Size, 1);
            using Native x = plane.Pad(In(call, 0), 0);
            Native y = torch.nn.functional.avg_pool2d(x, size, plane.Stride, plane.Padding, count_include_pad: op.CountPadding);
            if (!op.CountPadding && plane.IsUneven)
            {
                using Native covered = Covered(plane, size, call.Inputs[0].Spec, call.Device);
                y.div_(covered);
            }

            Out(call, plane.Lower(y));
        });
        Implement<AveragePoolGradient>(static (op, in call) =>
        {
            Plane plane = new(op.Window);
            TensorSpec spec = call.OutputSpecs[0];
            if (spec.Count == 0 || call.Inputs[0].Spec.Count == 0)
            {
                Out(call, Zeros(spec, call.Device));
                return;
            }

            long[] size = Plane.Two(op.Size, 1);
            using Native shape = Empty(spec, call.Device), x = plane.Pad(shape, 0);
            Native g = plane.Lift(In(call, 0));
            if (!op.CountPadding && plane.IsUneven)
            {
                using Native whole = g, covered = Covered(plane, size, spec, call.Device);
                g = whole.div(covered);
            }

            using Native incoming = g;
            Native gradient = torch.nn.functional.avg_pool2d_backward(incoming, x, size, plane.Stride, plane.Padding, count_include_pad: op.CountPadding);
            Out(call, plane.Crop(gradient, spec.Shape));
        });
    }

    /// <summary>The gradients that are asked for, each a new handle.</summary>
    private static (Native? Input, Native? Weight, Native? Bias) ConvolutionBack(
        Plane plane, int groups, Native g, Native x, Native weight, bool toInput = false, bool toWeight = false, bool toBias = false)
    {
        (Native input, Native own, Native bias) = Script.Three(
            "conv_back", g, x, weight, (int)plane.Stride[0], (int)plane.Stride[1], (int)plane.Padding[0], (int)plane.Padding[1],
            (int)plane.Dilation[0], (int)plane.Dilation[1], groups, toInput, toWeight, toBias);
        return (Wanted(input, toInput), Wanted(own, toWeight), Wanted(bias, toBias));

        static Native? Wanted(Native gradient, bool isWanted)
        {
            if (!isWanted)
            {
                gradient.Dispose();
            }

            return isWanted ? gradient : null;
        }
    }

    private static Native AddChannels(Native y, Native bias)
    {
        using Native rows = y.transpose(1, -1);
        rows.add_(bias, Numbers.One);
        return y;
    }

    /// <summary>Which part of each window lies on the input itself, where the padding is uneven.</summary>
    private static Native Covered(Plane plane, long[] size, TensorSpec input, Device device)
    {
        using Native ones = torch.ones(input.Shape.ToLongs(), input.DType.ToTorch(), On(device)), padded = plane.Pad(ones, 0);
        return torch.nn.functional.avg_pool2d(padded, size, plane.Stride, plane.Padding);
    }

    private static void MaxPoolOf(MaxPool op, in KernelCall call)
    {
        Plane plane = new(op.Window);
        if (call.OutputSpecs[0].Count == 0)
        {
            Out(call, Zeros(call.OutputSpecs[0], call.Device));
            Out(call, Zeros(call.OutputSpecs[1], call.Device), 1);
            return;
        }

        using Native x = plane.Pad(In(call, 0), double.NegativeInfinity);
        (Native y, Native positions) = torch.nn.functional.max_pool2d_with_indices(x, Plane.Two(op.Size, 1), plane.Stride, plane.Padding, plane.Dilation);
        if (plane.IsUneven)
        {
            using Native padded = positions;
            positions = plane.Unpad(padded, call.Inputs[0].Spec.Shape);
        }

        Out(call, plane.Lower(y));
        Out(call, plane.Lower(positions), 1);
    }

    /// <summary>A window over two axes, whichever it was given over.</summary>
    private sealed class Plane
    {
        private readonly bool _isLine;
        private readonly long[] _low;
        private readonly long[] _high;

        internal Plane(Window window)
        {
            _isLine = window.Rank == 1;
            Stride = Two(window.Stride, 1);
            Dilation = Two(window.Dilation, 1);
            _low = Two(window.Low, 0);
            _high = Two(window.High, 0);
            IsUneven = window.Low != window.High;
            Padding = IsUneven ? [0, 0] : _low;
        }

        internal long[] Stride { get; }

        internal long[] Dilation { get; }

        /// <summary>What libtorch pads on both sides.</summary>
        internal long[] Padding { get; }

        /// <summary>Whether the input has to be padded first.</summary>
        internal bool IsUneven { get; }

        internal static long[] Two(Dims dims, int missing) => dims.Length == 1 ? [missing, dims[0]] : [dims[0], dims[1]];

        /// <summary>A handle of its own, with two spatial axes.</summary>
        internal Native Lift(Native x) => _isLine ? x.unsqueeze(2) : x.alias();

        /// <summary>Without the axis that <see cref="Lift"/> added; the handle is given up.</summary>
        internal Native Lower(Native y)
        {
            if (!_isLine)
            {
                return y;
            }

            using Native plane = y;
            return plane.squeeze(2);
        }

        /// <summary>With two spatial axes, and padded where libtorch does not do it itself.</summary>
        internal Native Pad(Native x, double value)
        {
            Native plane = Lift(x);
            if (!IsUneven)
            {
                return plane;
            }

            using Native bare = plane;
            return torch.nn.functional.pad(bare, [_low[1], _high[1], _low[0], _high[0]], PaddingModes.Constant, value);
        }

        /// <summary>Undoes <see cref="Pad"/> for a gradient; the handle is given up.</summary>
        internal Native Crop(Native padded, Shape shape)
        {
            if (IsUneven)
            {
                using Native whole = padded, rows = whole.narrow(2, _low[0], _isLine ? 1 : shape[2]);
                padded = rows.narrow(3, _low[1], shape[^1]);
            }

            return Lower(padded);
        }

        /// <summary>
        /// Positions in the unpadded plane. Where all elements of a window are −∞ the first one found may be padding: the
        /// window's first own element stands for it.
        /// </summary>
        internal Native Unpad(Native positions, Shape shape)
        {
            long width = shape[^1], padded = width + _low[1] + _high[1];
            using Number line = padded.ToScalar(), across = width.ToScalar();
            using Native row = positions.floor_divide(line), column = positions.remainder(line);
            using Native top = Own(row, _low[0], Dilation[0]), left = Own(column, _low[1], Dilation[1]);
            return top.mul_(across).add(left, Numbers.One);
        }

        private static Native Own(Native padded, long low, long dilation)
        {
            using Number offset = (-low).ToScalar(), step = dilation.ToScalar();
            using Native place = padded.add(offset, Numbers.One), outside = place.lt(Numbers.Zero), first = place.remainder(step);
            return first.where(outside, place);
        }
    }
}
