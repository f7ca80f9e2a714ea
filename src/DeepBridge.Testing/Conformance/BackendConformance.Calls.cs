using DeepBridge.Backends;
using DeepBridge.Ops;
using Xunit;

namespace DeepBridge.Testing;

public abstract partial class BackendConformance
{
    /// <summary>A mistake in shapes, dtypes or attributes is a typed error, found before the device is asked.</summary>
    /// <param name="op">The op.</param>
    [Theory]
    [MemberData(nameof(Ops))]
    public void Errors_are_found_before_the_device_is_asked(string op)
    {
        List<ErrorCase> cases = [.. ErrorCases.All.Where(one => one.Op.Name == op)];
        OpCase first = OpCases.Of(op)[0];
        CaseInput[] wrong = first.Inputs.Count == 0 ? [new CaseInput([1], DType.Float32, Testing.Values.Normal)] : [];
        cases.Add(new ErrorCase(first.Op, typeof(InvalidAttributeException), wrong));
        using AmbientChange device = Device.Use(Device);
        using AmbientChange? wrapped = Wrapped?.Use();
        Assert.All(cases, one => Settled(() =>
        {
            using TensorScope scope = new();
            Tensor[] inputs = [.. one.Inputs.Select((input, i) => input.Make(Device, i))];
            Counter counter = new();
            using AmbientChange counting = counter.Use();
            Exception? error = Record.Exception(() => one.Op.ApplyAll(inputs));
            Assert.True(error?.GetType() == one.Error, $"{one}: expected {one.Error.Name}, got {error?.ToString() ?? "no error"}");

            // A gradient op may be refused by the rule of the op whose gradient it is.
            Assert.StartsWith(error!.Message.Split(':')[0], op, StringComparison.Ordinal);
            Assert.True(counter.Calls == 0 || one.Error == typeof(ValueOutOfBoundsException), $"{one}: the device was asked");
        }));
    }

    /// <summary>Tensors of two devices do not meet in an op.</summary>
    [Fact]
    public void Devices_do_not_mix()
    {
        Device other = ReferenceBackend.Instance.Device;
        Assert.SkipWhen(ReferenceEquals(other, Device), "this is the reference itself");
        Settled(() =>
        {
            using TensorScope scope = new();
            Tensor here = Tensor.Ones([3], device: Device), there = Tensor.Ones([3], device: other);
            Counter counter = new();
            using AmbientChange counting = counter.Use();
            Assert.Throws<DeviceException>(() => here + there);
            Assert.Throws<DeviceException>(() => Tensor.Concat([here, there]));
            Assert.Equal(0, counter.Calls);
        });
    }

    /// <summary>Data crosses to another backend and back, every dtype and layout; so do gradients.</summary>
    [Fact]
    public void Data_crosses_and_comes_back() => Each(OpCases.Of(nameof(Permute)), one =>
    {
        using TensorScope scope = new();
        Tensor here = one.Make(Device)[0];
        Tensor there = here.To(ReferenceBackend.Instance.Device);
        Tensor back = there.To(Device);
        Require(Host.Bytes(here).AsSpan().SequenceEqual(Host.Bytes(there)), "the crossing changed bits");
        Require(Host.Bytes(here).AsSpan().SequenceEqual(Host.Bytes(back)), "coming back changed bits");
        if (here.DType.IsFloating())
        {
            Tensor leaf = here.Detach().Track();
            Tensor gradient = Gradients.Of((leaf.To(ReferenceBackend.Instance.Device) * 2).Sum(), [leaf])[0];
            Require(ReferenceEquals(gradient.Device, Device), $"the gradient came to {gradient.Device}");
            Require(Host.Reals(gradient).All(number => number == 2), "the gradient of 2x is not 2");
        }
    });

    /// <summary>A copy on the device has the same bits, also when the queue is empty, and writing into it leaves its source alone.</summary>
    [Fact]
    public void A_copy_is_apart_from_its_source() => Settled(() =>
    {
        BackendTensor source = Device.Backend.Import(new TensorSpec([6, 4], DType.Float32), Device, Bytes(24));
        BackendTensor copy = Device.Backend.Copy(source, Device);
        Device.Synchronize();
        Assert.Equal(Bytes(24), Export(copy.Retain()));
        Assert.NotEqual(Bytes(24), Export(Run(Negate.Instance, [copy], 1)[0]));
        Assert.Equal(Bytes(24), Export(source.Retain()));
        Array.ForEach([source, copy], tensor => tensor.Release());
    });

    /// <summary>Writing into a donated view leaves what it is a view of alone.</summary>
    [Fact]
    public void A_donated_view_leaves_its_source_alone()
    {
        Op[] views =
        [
            new Reshape([4, 6]), new Permute([1, 0]), new Slice([0, 0], [6, 4], [1, 1]), new Slice([1, 1], [3, 2], [1, 1]), new Flip([0]), new Expand([2, 6, 4]),
        ];
        (Op Op, int Operands)[] writers =
            [(Relu.Instance, 1), (Negate.Instance, 1), (Exp.Instance, 1), (Add.Instance, 2), (Multiply.Instance, 2), (Maximum.Instance, 2)];
        Backend backend = Device.Backend;
        foreach (Op view in views)
        {
            foreach ((Op writer, int operands) in writers)
            {
                Settled(() =>
                {
                    BackendTensor source = backend.Import(new TensorSpec([6, 4], DType.Float32), Device, Bytes(24));
                    BackendTensor alias = Run(view, [source], 0)[0];
                    BackendTensor other = backend.Import(alias.Spec, Device, Bytes((int)alias.Spec.Count));
                    BackendTensor[] inputs = operands == 2 ? [alias, other] : [alias];
                    byte[] expected = Export(Run(writer, inputs, 0)[0]);
                    byte[] actual = Export(Run(writer, inputs, 1)[0]);
                    byte[] after = new byte[source.Spec.Bytes];
                    backend.Export(source, after);
                    Assert.Equal(expected, actual);
                    Assert.True(after.AsSpan().SequenceEqual(Bytes(24)), $"{writer} on a donated {view} wrote into its source");
                    Array.ForEach([source, alias, other], tensor => tensor.Release());
                });
            }
        }
    }

    private void CheckDonation(OpCase one)
    {
        TensorSpec[] specs = [.. one.Inputs.Select(input => new TensorSpec(input.Shape, input.DType))];
        byte[][] data;
        using (TensorScope scope = new())
        {
            data = [.. one.Make(Device).Select(Host.Bytes)];
        }

        Settled(() =>
        {
            byte[][]? expected = null;
            for (int donated = -1; donated < Math.Min(specs.Length, 3); donated++)
            {
                BackendTensor[] inputs = [.. specs.Select((spec, i) => Device.Backend.Import(spec, Device, data[i]))];
                byte[][] outputs = [.. Run(one.Op, inputs, donated < 0 ? 0 : 1UL << donated).Select(Export)];
                expected ??= outputs;
                for (int i = 0; i < outputs.Length; i++)
                {
                    Require(outputs[i].AsSpan().SequenceEqual(expected[i]), $"output {i} has other bits when input {donated} is donated");
                }

                for (int i = 0; i < inputs.Length; i++)
                {
                    // What was donated is dead, and an engine may have given its memory away altogether.
                    Require(
                        i == donated || Export(inputs[i].Retain()).AsSpan().SequenceEqual(data[i]),
                        $"input {i} was written to when input {donated} was donated");
                    inputs[i].Release();
                }
            }
        });
    }

    /// <summary>Inputs of other dtypes and shapes than the case has: refused by a typed error, or run.</summary>
    private void CheckVariants(OpCase one)
    {
        if (one.Inputs.Any(input => input.Shape.Count > 1000 || input.Layout != Layout.Dense))
        {
            return;
        }

        for (int i = 0; i < one.Inputs.Count; i++)
        {
            CaseInput input = one.Inputs[i];
            ReadOnlySpan<int> dims = input.Shape.AsSpan();
            List<TensorSpec> variants = [.. DTypes.All.Select(dtype => new TensorSpec(input.Shape, dtype))];
            variants.Add(new TensorSpec(Shape.Create([1, .. dims]), input.DType));
            variants.Add(new TensorSpec(Shape.Create([.. dims, 2]), input.DType));
            for (int axis = 0; axis < dims.Length; axis++)
            {
                variants.Add(new TensorSpec(input.Shape.Without(axis), input.DType));
                variants.Add(new TensorSpec(input.Shape.With(axis, 0), input.DType));
                variants.Add(new TensorSpec(input.Shape.With(axis, 1), input.DType));
                variants.Add(new TensorSpec(input.Shape.With(axis, dims[axis] + 1), input.DType));
            }

            foreach (TensorSpec variant in variants)
            {
                TensorSpec[] specs = [.. one.Inputs.Select((other, k) => k == i ? variant : new TensorSpec(other.Shape, other.DType))];
                using TensorScope scope = new();
                Tensor[] inputs = [.. specs.Select(spec => Tensor.Ones(spec.Shape, spec.DType, Device))];
                try
                {
                    TensorSpec[] inferred = one.Op.InferAll(specs);
                    Tensor[] outputs = one.Op.ApplyAll(inputs);
                    Require(outputs.Select(output => output.Spec).SequenceEqual(inferred), "the outputs are not what the rule says");
                    Array.ForEach(outputs, output => Host.Bytes(output));
                    Comparison.Gradients(one, inputs, false);
                }
                catch (DeepBridgeException error) when (error is not UnsupportedOpException)
                {
                    Assert.NotEmpty(error.Message);
                }
                catch (Exception error)
                {
                    throw new ConformanceException($"inputs {string.Join(", ", specs.AsEnumerable())}: {error}");
                }
            }
        }
    }

    private static byte[] Bytes(int count) => Elements.Bytes([.. Enumerable.Range(0, count).Select(i => (i % 7) - 3.5)], DType.Float32);

    private BackendTensor[] Run(Op op, BackendTensor[] inputs, ulong donated)
    {
        TensorSpec[] specs = op.InferAll([.. inputs.Select(input => input.Spec)]);
        BackendTensor[] outputs = new BackendTensor[specs.Length];
        Device.Backend.Execute(op, new KernelCall(Device, inputs, specs, outputs, donated));
        return outputs;
    }

    /// <summary>The elements of data, which is released.</summary>
    private byte[] Export(BackendTensor data)
    {
        byte[] bytes = new byte[data.Spec.Bytes];
        Device.Backend.Export(data, bytes);
        data.Release();
        return bytes;
    }

    /// <summary>Counts what reaches the device.</summary>
    private sealed class Counter : Wrapper
    {
        internal int Calls { get; private set; }

        public override void Execute(Op op, in KernelCall call)
        {
            Calls++;
            Next(op, call);
        }
    }
}
