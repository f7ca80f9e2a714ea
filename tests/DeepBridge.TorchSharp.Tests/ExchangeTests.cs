using DeepBridge.Backends;
using DeepBridge.Layers;
using DeepBridge.Memory;
using DeepBridge.Optimizers;
using TorchSharp;

namespace DeepBridge.Torch.Tests;

/// <summary>Tensors cross between DeepBridge, the user's own TorchSharp code and the user's arrays.</summary>
public sealed class ExchangeTests
{
    static ExchangeTests()
    {
        Setup.Register();
        Cpu.CpuBackend.Register();
    }

    [Fact]
    public void A_wrapped_tensor_shares_its_memory_and_outlives_its_maker()
    {
        using TensorScope scope = new();
        using torch.Tensor flat = torch.arange(6, torch.ScalarType.Float32, new torch.Device("cpu"));
        torch.Tensor mine = flat.reshape(2, 3);
        using torch.Tensor other = mine.t();
        Tensor turned = TorchTensors.Wrap(other);
        Tensor wrapped = TorchTensors.Wrap(mine, takeOwnership: true);
        mine.IsInvalid.Should().BeTrue();
        wrapped.Shape.Should().Be(Shape.Create([2, 3]));
        wrapped.Device.Should().BeSameAs(Device.Parse("torch:cpu"));
        (wrapped * 2).ToArray<float>().Should().Equal(0, 2, 4, 6, 8, 10);
        turned.ToArray<float>().Should().Equal(0, 3, 1, 4, 2, 5);
        using torch.Tensor back = TorchTensors.Unwrap(wrapped);
        back[0, 0].fill_(7);
        wrapped.ToArray<float>()[0].Should().Be(7);
        wrapped.Dispose();
        Sum(back).Should().Be(22);
    }

    [Fact]
    public void Memory_that_crossed_is_never_written_into()
    {
        Device device = "torch:cpu";
        using torch.Tensor mine = torch.ones(3);
        using Tensor wrapped = TorchTensors.Wrap(mine), made = Tensor.Ones([3], device: device), one = Tensor.Ones([3], device: device);
        using torch.Tensor out1 = TorchTensors.Unwrap(made);
        foreach (Tensor tensor in new[] { wrapped, made })
        {
            BackendTensor data = BackendTensor.Of(tensor), other = BackendTensor.Of(one);
            data.Release();
            BackendTensor[] outputs = new BackendTensor[1];
            device.Backend.Execute(Ops.Add.Instance, new KernelCall(device, [data, other], [data.Spec], outputs, 1));
            outputs[0].Release();
            other.Release();
        }

        Sum(mine).Should().Be(3);
        Sum(out1).Should().Be(3);
    }

    [Fact]
    public void What_has_no_counterpart_is_refused()
    {
        using torch.Tensor complex = torch.zeros(2, torch.ScalarType.ComplexFloat32);
        FluentActions.Invoking(() => TorchTensors.Wrap(complex)).Should().Throw<DTypeMismatchException>();
        using Tensor elsewhere = Tensor.Ones([2], device: "cpu");
        FluentActions.Invoking(() => TorchTensors.Unwrap(elsewhere)).Should().Throw<DeviceException>();
        elsewhere.Dispose();
        FluentActions.Invoking(() => TorchTensors.Unwrap(elsewhere)).Should().Throw<TensorReleasedException>();
    }

    [Fact]
    public void Arrays_go_in_without_a_copy_and_dense_data_is_read_in_place()
    {
        float[] array = [1, 2, 3, 4, 5, 6, 7];
        using Tensor all = Tensor.Wrap<float>(array, [7], "torch:cpu"), part = Tensor.Wrap(array.AsMemory(1, 4), [2, 2], "torch:cpu");
        array[2] = 30;
        all.ToArray<float>().Should().Equal(1, 2, 30, 4, 5, 6, 7);
        part.ToArray<float>().Should().Equal(2, 30, 4, 5);
        part.Read<float>(read => System.Runtime.CompilerServices.Unsafe.AreSame(ref System.Runtime.InteropServices.MemoryMarshal.GetReference(read), ref array[1]).Should().BeTrue());
        using Tensor half = Tensor.Wrap<Half>(new Half[] { (Half)1.5 }, [1], "torch:cpu"), flag = Tensor.Wrap<bool>(new[] { true, false }, [2], "torch:cpu");
        half.ToArray<Half>().Should().Equal((Half)1.5);
        flag.ToArray<bool>().Should().Equal(true, false);
    }

    [Fact]
    public void Data_crosses_to_the_embedded_backend_and_back()
    {
        using TensorScope scope = new();
        Tensor here = Tensor.Arange(12, DType.Float32, device: "cpu").Reshape(3, 4).Permute([1, 0]);
        here.To("torch:cpu").To("cpu").ToArray<float>().Should().Equal(here.ToArray<float>());
        here.To("torch:cpu").Permute([1, 0]).To("cpu").ToArray<float>().Should().Equal(Enumerable.Range(0, 12).Select(i => (float)i));
    }

    [Theory]
    [InlineData("cpu", "torch:cpu")]
    [InlineData("torch:cpu", "cpu")]
    public void Large_data_crosses_without_a_copy_and_stays_what_it_was(string from, string to)
    {
        const int Count = 50_000;
        Tensor source = Tensor.Arange(Count, DType.Float32, device: from), moved = source.To(to), part = source.Reshape(2, -1)[1].To(to);
        nint address = Address(source);
        Address(moved).Should().Be(address);
        Address(part).Should().Be(address + (Count / 2 * sizeof(float)));
        Expect(moved, 0);

        // Neither side writes into it, though it holds the only tensor of its own.
        using Tensor one = Tensor.Ones([Count], device: to);
        using Tensor sum = Donate(moved, one);
        Expect(source, 0);
        Expect(sum, 1);
        using Tensor more = Donate(source, one.To(from));
        Expect(more, 1);
        Expect(moved, 0);

        // What the pool hands out again is not what is still looked at.
        source.Dispose();
        moved.Dispose();
        for (int i = 0; i < 20; i++)
        {
            using Tensor other = Tensor.Full([Count], -1, device: from);
        }

        part.ToArray<float>()[..3].Should().Equal((Count / 2) + 0, (Count / 2) + 1, (Count / 2) + 2);
        part.Dispose();

        static nint Address(Tensor tensor)
        {
            nint address = 0;
            tensor.Read<float>(read => address = System.Runtime.CompilerServices.Unsafe.ByteOffset(
                ref System.Runtime.CompilerServices.Unsafe.NullRef<float>(), ref System.Runtime.InteropServices.MemoryMarshal.GetReference(read)));
            return address;
        }

        static void Expect(Tensor tensor, int more) =>
            tensor.ToArray<float>().Should().Equal(Enumerable.Range(0, Count).Select(i => (float)(i + more)));

        static Tensor Donate(Tensor tensor, Tensor other)
        {
            BackendTensor data = BackendTensor.Of(tensor), added = BackendTensor.Of(other);
            BackendTensor[] outputs = new BackendTensor[1];
            data.Release();
            data.Device.Backend.Execute(Ops.Add.Instance, new KernelCall(data.Device, [data, added], [data.Spec], outputs, data.IsShared ? 0UL : 1));
            added.Release();
            return outputs[0].ToTensor();
        }
    }

    [Fact]
    public void A_handle_that_was_unwrapped_keeps_memory_that_another_backend_lent()
    {
        const int Count = 50_000;
        torch.Tensor handle;
        using (TensorScope scope = new())
        {
            handle = TorchTensors.Unwrap(Tensor.Ones([Count], device: "cpu").To("torch:cpu"));
        }

        for (int i = 0; i < 20; i++)
        {
            using Tensor other = Tensor.Full([Count], -1, device: "cpu");
        }

        Sum(handle).Should().Be(Count);
        long before = LiveTensors.Count;
        handle.Dispose();
        LiveTensors.Count.Should().Be(before - 1);
    }

    [Fact]
    public void A_module_of_TorchSharp_trains_inside_a_model()
    {
        using AmbientChange device = Device.Use("torch:cpu");
        RandomGenerator generator = new(1);
        using AmbientChange use = generator.Use();
        torch.manual_seed(1);
        using global::TorchSharp.Modules.Linear theirs = torch.nn.Linear(4, 3);
        Linear first = new(2, 4), last = new(3, 1);
        using Tensor x = Tensor.Uniform([8, 2]), y = x.Mean([1], keepDims: true);
        List<Parameter> parameters = [.. first.Parameters, .. last.Parameters];
        Adam optimizer = new(parameters, 1e-2);
        List<float> losses = [];
        foreach (int step in TensorScope.Steps(150))
        {
            Tensor loss = Loss.MeanSquaredError(last.Call(Through(theirs, first.Call(x)).Tanh()), y);
            optimizer.Step(Gradients.Of(loss, parameters));
            losses.Add(loss.Item<float>());
        }

        losses[^1].Should().BeLessThan(losses[0] / 2);
        using Tensor input = Tensor.Uniform([5, 4]).Track();
        using TensorScope scope = new();
        Tensor given = Gradients.Of(Through(theirs, input).Sum(), [input])[0];
        using torch.Tensor whole = theirs.weight.detach(), weight = whole.sum(0L);
        for (int row = 0; row < 5; row++)
        {
            given.ToArray<float>()[(row * 4)..((row * 4) + 4)].Should().Equal(weight.data<float>().ToArray());
        }
    }

    [Fact]
    public void A_module_of_DeepBridge_is_used_from_TorchSharp()
    {
        using AmbientChange device = Device.Use("torch:cpu");
        Linear mine = new(3, 2);
        long handles = torch.Tensor.TotalCount, live = LiveTensors.Count;
        using (torch.NewDisposeScope())
        {
            torch.Tensor input = torch.rand(4, 3), result;
            using (TensorScope scope = new())
            {
                result = TorchTensors.Unwrap(mine.Call(TorchTensors.Wrap(input)));
            }

            using TensorScope values = new();
            torch.Tensor expected = torch.nn.functional.linear(
                input, TorchTensors.Unwrap(mine.Weight.Value), TorchTensors.Unwrap(mine.Bias!.Value));
            result.allclose(expected).Should().BeTrue();
        }

        LiveTensors.Count.Should().Be(live);
        torch.Tensor.TotalCount.Should().Be(handles);
        using Tensor weight = mine.Weight.Value;
        weight.ToArray<float>().Should().HaveCount(6, "the caller's dispose scope freed none of ours");
    }

    /// <summary>Runs one of TorchSharp's modules; its gradient is TorchSharp's, by backward(inputs), whose errors are caught.</summary>
    private static Tensor Through(torch.nn.Module<torch.Tensor, torch.Tensor> module, Tensor input) => Gradients.Custom(
        "theirs",
        [input],
        inputs =>
        {
            using torch.Tensor x = TorchTensors.Unwrap(inputs[0]);
            using IDisposable none = torch.no_grad();
            return [TorchTensors.Wrap(module.call(x), takeOwnership: true)];
        },
        (incoming, inputs) =>
        {
            using torch.Tensor alias = TorchTensors.Unwrap(inputs[0]), x = alias.detach().requires_grad_(), g = TorchTensors.Unwrap(incoming[0]!);
            using torch.Tensor y = module.call(x);
            torch.autograd.backward([y], [g], inputs: [x]);
            return [TorchTensors.Wrap(x.grad!, takeOwnership: true)];
        })[0];

    /// <summary>TorchSharp does not hold a temporary during its native call: each has a name here.</summary>
    private static float Sum(torch.Tensor tensor)
    {
        using torch.Tensor sum = tensor.sum();
        float value = sum.item<float>();
        GC.KeepAlive(tensor);
        return value;
    }
}
