using System.Buffers;
using System.Runtime.InteropServices;
using DeepBridge.Backends;
using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Tests;

/// <summary>Memory in and out, and who owns it.</summary>
public sealed unsafe class MemoryTests
{
    private readonly TensorFlowBackend _backend = TensorFlowBackend.Register();

    private Device Device => _backend.Devices[0];

    [Fact]
    public void Aligned_memory_comes_in_and_goes_out_without_a_copy()
    {
        using Aligned memory = new(4096);
        BackendTensor tensor = _backend.Import(new TensorSpec([1024], DType.Float32), Device, HostMemory.Pin(memory.Memory));
        _backend.TryBorrow(tensor, out ReadOnlySpan<byte> lent).Should().BeTrue();
        fixed (byte* pointer = lent)
        {
            ((nint)pointer).Should().Be(memory.Address);
        }

        memory.Pins.Should().Be(1);
        tensor.Release();
        memory.Pins.Should().Be(0);
    }

    /// <summary>TensorFlow's kernels want addresses that are multiples of 64; other memory is copied, and let go at once.</summary>
    [Fact]
    public void Memory_at_another_address_is_copied()
    {
        using Aligned memory = new(4096);
        memory.GetSpan().Clear();
        memory.GetSpan()[5] = 7;
        BackendTensor tensor = _backend.Import(new TensorSpec([3], DType.UInt8), Device, HostMemory.Pin(memory.Memory.Slice(4, 3)));
        memory.Pins.Should().Be(0);
        memory.GetSpan()[5] = 8;
        _backend.TryBorrow(tensor, out ReadOnlySpan<byte> lent).Should().BeTrue();
        lent.ToArray().Should().Equal(0, 7, 0);
        tensor.Release();
    }

    /// <summary>A gigabyte, of which the collector would know a few kilobytes if it were not told.</summary>
    [Fact]
    public void The_collector_is_told_of_memory_that_nobody_releases()
    {
        const int Count = 1000, Bytes = 1 << 20;
        long before = TensorHandles.Live, most = 0;
        byte[] data = new byte[Bytes];
        for (int i = 0; i < Count; i++)
        {
            Drop();
            most = Math.Max(most, TensorHandles.Live - before);
        }

        most.Should().BeLessThan(Count * 3 / 4);

        void Drop() => _ = _backend.Import(new TensorSpec([Bytes], DType.UInt8), Device, data);
    }

    [Fact]
    public void A_donated_input_lends_its_memory_to_the_output()
    {
        BackendTensor source = _backend.Import(new TensorSpec([100_000], DType.Float32), Device, new byte[400_000]);
        nint before = Address(source);
        BackendTensor[] outputs = new BackendTensor[1];
        _backend.Execute(Exp.Instance, new KernelCall(Device, [source], [source.Spec], outputs, 1));
        Address(outputs[0]).Should().Be(before);
        Action look = () => _backend.Export(source, new byte[400_000]);
        look.Should().Throw<TensorReleasedException>();
        source.Release();
        outputs[0].Release();
    }

    [Fact]
    public void Tensors_that_nobody_releases_are_found_by_the_finalizer()
    {
        long before = TensorHandles.Live;
        Drop();
        for (int i = 0; i < 20 && TensorHandles.Live > before; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        TensorHandles.Live.Should().BeLessThanOrEqualTo(before);

        void Drop()
        {
            for (int i = 0; i < 100; i++)
            {
                _ = _backend.Import(new TensorSpec([1000], DType.Float32), Device, new byte[4000]);
            }
        }
    }

    [Fact]
    public void Many_threads_share_the_context() => Parallel.For(0, 8, thread =>
    {
        using AmbientChange use = Device.Use(Device);
        foreach (int step in TensorScope.Steps(200))
        {
            Tensor x = Tensor.Full([8, 8], thread), y = (x + step).MatMul(Tensor.Ones([8, 8]));
            y.ToArray<float>().Should().OnlyContain(number => number == 8 * (thread + step));
        }
    });

    private nint Address(BackendTensor tensor)
    {
        _backend.TryBorrow(tensor, out ReadOnlySpan<byte> lent);
        fixed (byte* pointer = lent)
        {
            return (nint)pointer;
        }
    }

    /// <summary>Memory whose address is a multiple of 64, and which counts how often it is pinned.</summary>
    private sealed class Aligned(int bytes) : MemoryManager<byte>
    {
        internal nint Address { get; } = (nint)NativeMemory.AlignedAlloc((nuint)bytes, 64);

        internal int Pins { get; private set; }

        public override Span<byte> GetSpan() => new((void*)Address, bytes);

        public override MemoryHandle Pin(int elementIndex = 0)
        {
            Pins++;
            return new MemoryHandle((byte*)Address + elementIndex, default, this);
        }

        public override void Unpin() => Pins--;

        protected override void Dispose(bool disposing) => NativeMemory.AlignedFree((void*)Address);
    }
}
