namespace DeepBridge.Engines.Benchmarks.TensorFlow;

internal enum RawLayer
{
    Dense,
    Convolution,
    Relu,
    Pool,
    Flatten,
}

/// <summary>
/// A model as an expert writes it for TensorFlow: channels last throughout, filters and matrices as the kernels want them, loss
/// and its gradient by one kernel, the gradients of the layers by the raw gradient ops, nothing computed that nobody needs.
/// </summary>
/// <typeparam name="T">A value.</typeparam>
internal sealed class RawModel<T>
{
    private readonly RawWriter<T> _writer;
    private readonly RawLayer[] _layers;
    private readonly T[] _sizes, _flat, _image;
    private readonly T _first, _share;
    private readonly T[] _outputs;

    /// <summary>Makes the constants.</summary>
    /// <param name="writer">Where ops go.</param>
    /// <param name="layers">The layers.</param>
    /// <param name="parameters">The shapes of the parameters.</param>
    /// <param name="input">The shape of the batch.</param>
    internal RawModel(RawWriter<T> writer, RawLayer[] layers, int[][] parameters, int[] input)
    {
        _writer = writer;
        _layers = layers;
        _outputs = new T[layers.Length];
        (_sizes, _flat, _image) = (new T[layers.Length], new T[layers.Length], new T[layers.Length]);
        int[] shape = input;
        int next = 0;
        for (int i = 0; i < layers.Length; i++)
        {
            switch (layers[i])
            {
                case RawLayer.Dense:
                    shape = [shape[0], parameters[next][1]];
                    next += 2;
                    break;
                case RawLayer.Convolution:
                    _sizes[i] = writer.Constant<int>(parameters[next], parameters[next].Length);
                    _image[i] = writer.Constant<int>(shape, shape.Length);
                    shape = [shape[0], shape[1], shape[2], parameters[next][3]];
                    next += 2;
                    break;
                case RawLayer.Pool:
                    shape = [shape[0], shape[1] / 2, shape[2] / 2, shape[3]];
                    break;
                case RawLayer.Flatten:
                    _image[i] = writer.Constant<int>(shape, shape.Length);
                    shape = [shape[0], shape[1] * shape[2] * shape[3]];
                    _flat[i] = writer.Constant<int>(shape, shape.Length);
                    break;
                default:
                    break;
            }
        }

        _first = writer.Constant<int>([0], 1);
        _share = writer.Constant<float>([1f / input[0]]);
    }

    /// <summary>The mean loss; the gradients go where they belong.</summary>
    /// <param name="x">The batch, which stays.</param>
    /// <param name="labels">The labels, which stay.</param>
    /// <param name="parameters">The parameters' values, which stay.</param>
    /// <param name="gradients">Where the gradients go.</param>
    /// <returns>The loss.</returns>
    internal T Train(T x, T labels, T[] parameters, T[] gradients)
    {
        RawWriter<T> w = _writer;
        int next = 0;
        for (int i = 0; i < _layers.Length; i++)
        {
            T input = i == 0 ? x : _outputs[i - 1];
            if (_layers[i] is RawLayer.Dense or RawLayer.Convolution)
            {
                T product = Forget(i - 1, _layers[i] == RawLayer.Dense
                    ? w.Op("MatMul"u8, input, parameters[next])
                    : Sliding(w.Op("Conv2D"u8, input, parameters[next]))).One();
                _outputs[i] = w.Op("BiasAdd"u8, product, parameters[next + 1]).Free(product).One();
                next += 2;
                continue;
            }

            _outputs[i] = Forget(i - 1, _layers[i] switch
            {
                RawLayer.Relu => w.Op("Relu"u8, input),
                RawLayer.Pool => Halving(w.Op("MaxPool"u8, input)),
                _ => w.Op("Reshape"u8, input, _flat[i]),
            }).One();
        }

        (T losses, T incoming) = Forget(_layers.Length - 1, w.Op("SparseSoftmaxCrossEntropyWithLogits"u8, _outputs[^1], labels)).Two();
        T loss = w.Op("Mean"u8, losses, _first).Free(losses).One();
        incoming = w.Op("Mul"u8, incoming, _share).Free(incoming).One();
        for (int i = _layers.Length - 1; i >= 0; i--)
        {
            T input = i == 0 ? x : _outputs[i - 1];
            if (_layers[i] is RawLayer.Dense or RawLayer.Convolution)
            {
                next -= 2;
                gradients[next + 1] = w.Op("BiasAddGrad"u8, incoming).One();
                gradients[next] = _layers[i] == RawLayer.Dense
                    ? w.Op("MatMul"u8, input, incoming).Flag("transpose_a"u8, true).One()
                    : Sliding(w.Op("Conv2DBackpropFilter"u8, input, _sizes[i], incoming)).One();
            }

            if (i == 0)
            {
                w.Free(incoming);
                break;
            }

            w = _layers[i] switch
            {
                RawLayer.Dense => w.Op("MatMul"u8, incoming, parameters[next]).Flag("transpose_b"u8, true),
                RawLayer.Convolution => Sliding(w.Op("Conv2DBackpropInput"u8, _image[i], parameters[next], incoming)),
                RawLayer.Relu => w.Op("ReluGrad"u8, incoming, _outputs[i]),
                RawLayer.Pool => Halving(w.Op("MaxPoolGrad"u8, input, _outputs[i], incoming)),
                _ => w.Op("Reshape"u8, incoming, _image[i]),
            };
            w.Free(incoming);
            incoming = (IsRead(i) ? w.Free(_outputs[i]) : w).One();
        }

        return loss;
    }

    /// <summary>Adam's update.</summary>
    /// <param name="variable">The parameter and its slots.</param>
    /// <param name="numbers">Both powers, rate, both betas, ε.</param>
    /// <param name="gradient">The gradient, which goes.</param>
    internal void Update(ReadOnlySpan<T> variable, ReadOnlySpan<T> numbers, T gradient) =>
        _writer.Op("ResourceApplyAdam"u8, [.. variable, .. numbers, gradient]).Free(gradient).None();

    /// <summary>Gives up a layer's output that the backward pass does not read.</summary>
    private RawWriter<T> Forget(int layer, RawWriter<T> writer) => layer < 0 || IsRead(layer) ? writer : writer.Free(_outputs[layer]);

    private bool IsRead(int layer) => _layers[layer] is RawLayer.Relu or RawLayer.Pool
        || (layer + 1 < _layers.Length && _layers[layer + 1] is RawLayer.Dense or RawLayer.Convolution or RawLayer.Pool);

    private static RawWriter<T> Sliding(RawWriter<T> writer) =>
        writer.Integers("strides"u8, [1, 1, 1, 1]).Text("padding"u8, "SAME"u8);

    private static RawWriter<T> Halving(RawWriter<T> writer) =>
        writer.Integers("ksize"u8, [1, 2, 2, 1]).Integers("strides"u8, [1, 2, 2, 1]).Text("padding"u8, "VALID"u8);
}
