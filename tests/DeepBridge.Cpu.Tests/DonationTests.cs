using DeepBridge.Backends;
using DeepBridge.Ops;

namespace DeepBridge.Cpu.Tests;

/// <summary>An op writes into an input only where that is donated and nobody else can see its memory.</summary>
public sealed class DonationTests
{
    static DonationTests() => CpuBackend.Register();

    private static CpuTensor Ones(int count)
    {
        CpuTensor tensor = CpuTensor.Allocate(new TensorSpec([count], DType.Float32), "cpu");
        tensor.Span<float>().Fill(1);
        return tensor;
    }

    private static CpuTensor Run(Op op, ulong donated, params CpuTensor[] inputs)
    {
        Device device = "cpu";
        BackendTensor[] outputs = new BackendTensor[1];
        device.Backend.Execute(op, new KernelCall(device, [.. inputs], [inputs[0].Spec], outputs, donated));
        return (CpuTensor)outputs[0];
    }

    [Theory]
    [InlineData(16)]
    [InlineData(5000)]
    [InlineData(300000)]
    public void A_donated_input_is_written_into(int count)
    {
        CpuTensor a = Ones(count), b = Ones(count);
        Run(Add.Instance, 1, a, b).Should().BeSameAs(a);
        Run(Add.Instance, 2, b, a).Should().BeSameAs(a);
        Run(Exp.Instance, 1, b).Should().BeSameAs(b);
        a.Span<float>().ToArray().Should().OnlyContain(value => value == 3);
        GC.KeepAlive(a);
    }

    [Theory]
    [InlineData(16)]
    [InlineData(5000)]
    public void What_is_not_donated_stays(int count)
    {
        CpuTensor a = Ones(count), b = Ones(count);
        Run(Add.Instance, 0, a, b).Should().NotBeSameAs(a);
        a.Span<float>().ToArray().Should().OnlyContain(value => value == 1);
        GC.KeepAlive(a);
    }

    [Theory]
    [InlineData(16)]
    [InlineData(5000)]
    public void What_a_view_sees_stays(int count)
    {
        CpuTensor a = Ones(count), b = Ones(count);
        CpuTensor view = Views.Reshape(a, new TensorSpec([1, count], DType.Float32));
        Run(Add.Instance, 1, a, b).Should().NotBeSameAs(a);
        view.Span<float>().ToArray().Should().OnlyContain(value => value == 1);
        GC.KeepAlive(view);
    }

    [Fact]
    public void Native_memory_whose_views_are_gone_is_written_into_again()
    {
        CpuTensor a = Ones(5000), b = Ones(5000);
        Views.Reshape(a, new TensorSpec([1, 5000], DType.Float32)).Release();
        Run(Add.Instance, 1, a, b).Should().BeSameAs(a);
    }

    [Fact]
    public void Lent_memory_is_never_written_into()
    {
        float[] mine = new float[5000];
        Device device = "cpu";
        CpuTensor lent = (CpuTensor)device.Backend.Import(new TensorSpec([5000], DType.Float32), device, HostMemory.Pin<float>(mine));
        Run(Add.Instance, 1, lent, Ones(5000)).Should().NotBeSameAs(lent);
        mine.Should().OnlyContain(value => value == 0);
    }

    [Fact]
    public void A_donated_input_of_another_dtype_or_shape_is_left_alone()
    {
        CpuTensor a = Ones(16), row = Ones(1);
        Run(Add.Instance, 2, a, row).Should().NotBeSameAs(row);
        row.Span<float>()[0].Should().Be(1);
    }
}
