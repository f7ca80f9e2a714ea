using System.Runtime.CompilerServices;
using DeepBridge.Autodiff;
using DeepBridge.Backends;
using DeepBridge.Graphs;
using DeepBridge.Memory;

namespace DeepBridge.Ops;

/// <summary>
/// From an op and tensors to a tensor: infer, find the device, execute, record, own. Everything that computes goes
/// through here.
/// </summary>
internal static class Eager
{
    /// <summary>An elementwise op of two inputs, which are promoted to a common dtype.</summary>
    /// <param name="op">The op.</param>
    /// <param name="a">The left input.</param>
    /// <param name="b">The right input.</param>
    /// <returns>The output.</returns>
    internal static Tensor Binary(Op op, Tensor a, Tensor b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        Ambient now = Ambient.Now;
        if (now.Precision != Precision.Float32)
        {
            (a, b) = (Autocast.Cast(op, a, now.Precision), Autocast.Cast(op, b, now.Precision));
        }

        if (a.DType != b.DType)
        {
            DType common = DTypes.Promote(a.DType, b.DType);
            a = a.Cast(common);
            b = b.Cast(common);
        }

        BackendTensor x = a.DataFor(op), y = b.DataFor(op);
        if (now.Wrapper is not null || !ReferenceEquals(x.Device, y.Device))
        {
            return Run(op, [a, b]);
        }

        TensorSpec spec = ReferenceEquals(x.Spec, y.Spec) && x.Spec.IsFloating && op.KeepsSpec ? x.Spec : op.Infer([x.Spec, y.Spec]);
        BackendTensor result = null!;
        x.Device.Executor.Execute(op, new KernelCall(x.Device, [x, y], [spec], new Span<BackendTensor>(ref result)));
        Node? node = now.Recording && (a.Node ?? b.Node) is not null && spec.IsFloating && op.NoGradient is null
            ? Node.Record(op, now, a, b, result)
            : null;
        return Finish(now, result, node, 0);
    }

    /// <summary>An op of one input and one output.</summary>
    /// <param name="op">The op.</param>
    /// <param name="a">The input.</param>
    /// <returns>The output.</returns>
    internal static Tensor Unary(Op op, Tensor a)
    {
        ArgumentNullException.ThrowIfNull(a);
        Ambient now = Ambient.Now;
        a = now.Precision == Precision.Float32 ? a : Autocast.Cast(op, a, now.Precision);
        BackendTensor x = a.DataFor(op);
        if (now.Wrapper is not null)
        {
            return Run(op, [a]);
        }

        TensorSpec spec = x.Spec.IsFloating && op.KeepsSpec ? x.Spec : op.Infer([x.Spec]);
        BackendTensor result = null!;
        x.Device.Executor.Execute(op, new KernelCall(x.Device, [x], [spec], new Span<BackendTensor>(ref result)));
        Node? node = now.Recording && a.Node is not null && spec.IsFloating && op.NoGradient is null
            ? Node.Record(op, now, a, null, result)
            : null;
        return Finish(now, result, node, 0);
    }

    /// <summary>An op of any number of inputs and one output.</summary>
    /// <param name="op">The op.</param>
    /// <param name="inputs">The inputs; where there are none, the output goes to the default device.</param>
    /// <returns>The output.</returns>
    internal static Tensor Run(Op op, ReadOnlySpan<Tensor> inputs) => Run(op, inputs, null, 0);

    /// <summary>An op of any number of inputs and one output.</summary>
    /// <param name="op">The op.</param>
    /// <param name="inputs">The inputs.</param>
    /// <param name="device">Where the output goes if there are no inputs; null: the default device.</param>
    /// <param name="donated">Bit i: the caller gives input i up, and holds its data alone.</param>
    /// <returns>The output.</returns>
    internal static Tensor Run(Op op, ReadOnlySpan<Tensor> inputs, Device? device, ulong donated)
    {
        Ambient now = Ambient.Now;
        inputs = now.Precision == Precision.Float32 ? inputs : Autocast.Cast(op, inputs, now.Precision);
        BackendTensor[] data = DataOf(op, now, inputs, ref device);
        TensorSpec spec = op.Infer(Decomposition.SpecsOf(data));
        BackendTensor result = null!;
        (now.Wrapper ?? device.Executor).Execute(op, new KernelCall(device, data, [spec], new Span<BackendTensor>(ref result), donated));
        Node? node = spec.IsFloating && Tracks(op, now, inputs) ? Node.Record(op, now, inputs, data, [result]) : null;
        return Finish(now, result, node, 0);
    }

    /// <summary>An op of any number of inputs and outputs.</summary>
    /// <param name="op">The op.</param>
    /// <param name="inputs">The inputs.</param>
    /// <returns>The outputs.</returns>
    internal static Tensor[] RunAll(Op op, ReadOnlySpan<Tensor> inputs)
    {
        Ambient now = Ambient.Now;
        Device? device = null;
        inputs = now.Precision == Precision.Float32 ? inputs : Autocast.Cast(op, inputs, now.Precision);
        BackendTensor[] data = DataOf(op, now, inputs, ref device);
        TensorSpec[] specs = op.InferAll(Decomposition.SpecsOf(data));
        BackendTensor[] results = new BackendTensor[specs.Length];
        (now.Wrapper ?? device.Executor).Execute(op, new KernelCall(device, data, specs, results));
        Node? node = Tracks(op, now, inputs) ? Node.Record(op, now, inputs, data, results) : null;
        Tensor[] outputs = new Tensor[results.Length];
        bool first = true;
        for (int i = 0; i < outputs.Length; i++)
        {
            Node? mine = specs[i].IsFloating ? node : null;
            if (mine is not null && !first)
            {
                mine.Retain();
            }

            first &= mine is null;
            outputs[i] = Finish(now, results[i], mine, i);
        }

        if (first)
        {
            node?.Release();
        }

        return outputs;
    }

    /// <summary>A scalar as a tensor of rank 0; eager, those that recur share their data.</summary>
    /// <param name="value">The value.</param>
    /// <param name="dtype">The dtype.</param>
    /// <param name="device">The device.</param>
    /// <returns>The tensor.</returns>
    internal static Tensor Constant(Scalar value, DType dtype, Device device)
    {
        Ambient now = Ambient.Now;
        if (now.Wrapper is not null)
        {
            return Run(new Fill(default, dtype, value), [], device, 0);
        }

        BackendTensor? data = device.Constants.Find(value, dtype);
        if (data is null)
        {
            Tensor made = Run(new Fill(default, dtype, value), [], device, 0);
            device.Constants.Offer(value, made.Data);
            return made;
        }

        return Finish(now, data, null, 0);
    }

    private static bool Tracks(Op op, Ambient now, ReadOnlySpan<Tensor> inputs)
    {
        if (now.Recording && op.NoGradient is null)
        {
            foreach (Tensor input in inputs)
            {
                if (input.Node is not null)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static BackendTensor[] DataOf(
        Op op, Ambient now, ReadOnlySpan<Tensor> inputs, [System.Diagnostics.CodeAnalysis.NotNull] ref Device? device)
    {
        BackendTensor[] data = inputs.IsEmpty ? [] : new BackendTensor[inputs.Length];
        for (int i = 0; i < data.Length; i++)
        {
            ArgumentNullException.ThrowIfNull(inputs[i], nameof(inputs));
            data[i] = inputs[i].DataFor(op);
            (now.Wrapper as Tracer)?.Admit(op, inputs[i]);
            Device mine = data[i].Device;
            if (i == 0)
            {
                device = mine;
            }
            else if (!ReferenceEquals(mine, device))
            {
                if (!ReferenceEquals(mine.Real, device!.Real))
                {
                    throw new DeviceException(
                        $"{op.Name}: input 0 is on {device}, input {i} on {mine}. Move one with To(device).");
                }

                // While tracing, what the trace made and what it captured meet; the trace takes the captured one in.
                device = ReferenceEquals(device, device.Real) ? mine : device;
            }
        }

        device ??= Device.Default;
        return data;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Tensor Finish(Ambient now, BackendTensor data, Node? node, int output)
    {
        Tensor tensor = new(data, node, output);
        return now.Scope is null ? tensor : now.Scope.Own(tensor);
    }
}
