using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DeepBridge.Backends;

namespace DeepBridge.Cpu;

/// <summary>
/// Data of the embedded backend: a small plain array, a counted native block, or lent memory of the user, seen through
/// an offset and strides. Movement ops make views of one memory; nobody outside this assembly can tell.
/// </summary>
internal sealed unsafe class CpuTensor : BackendTensor
{
    /// <summary>From this size on memory is native and pooled; below it the garbage collector is faster.</summary>
    private const int NativeBytes = 4096;

    private readonly byte[]? _array;
    private readonly CpuBlock? _block;
    private readonly Lent? _lent;
    private readonly nint _offset;
    private bool _isViewed;

    private CpuTensor(TensorSpec spec, Device device, byte[]? array, CpuBlock? block, Lent? lent, nint offset, long[]? strides)
        : base(spec, device)
    {
        _array = array;
        _block = block;
        _lent = lent;
        _offset = offset;
        Strides = strides;
        NeedsCare = block is not null || lent is not null || spec.DType is DType.Float16 or DType.BFloat16;
    }

    /// <summary>Distances between neighbours along each axis, in elements; null: dense, row by row. 0 and negative ones are legal.</summary>
    internal long[]? Strides { get; }

    /// <summary>Whether the elements lie row by row without gaps.</summary>
    internal bool IsDense => Strides is null;

    /// <summary>The number of elements; the embedded backend holds at most 2³¹−1.</summary>
    internal int Count => (int)Spec.Count;

    /// <summary>Whether an op that was given this tensor as donated may write into its memory.</summary>
    internal bool IsWritable => Strides is null && (_block is not null ? !_block.IsShared : _array is not null && !_isViewed);

    /// <summary>Where dense data in native memory of this backend's own begins; 0: it is no such data.</summary>
    internal nint OwnAddress => _block is not null && Strides is null && Spec.Bytes <= int.MaxValue ? (nint)_block.Address + _offset : 0;

    /// <summary>Whether an op must hold the memory, or compute in a wider dtype.</summary>
    internal bool NeedsCare { get; }

    /// <summary>Takes memory whose content is arbitrary.</summary>
    /// <param name="spec">Shape and dtype.</param>
    /// <param name="device">The device.</param>
    /// <returns>Dense data.</returns>
    /// <exception cref="UnsupportedOpException">The tensor is too large for this backend.</exception>
    internal static CpuTensor Allocate(TensorSpec spec, Device device)
    {
        long bytes = spec.Bytes;
        if (spec.Count > Array.MaxLength)
        {
            throw new UnsupportedOpException($"{device} holds at most {Array.MaxLength} elements in a tensor; {spec} has {spec.Count}.");
        }

        return bytes < NativeBytes
            ? new CpuTensor(spec, device, GC.AllocateUninitializedArray<byte>((int)bytes), null, null, 0, null)
            : new CpuTensor(spec, device, null, CpuBlock.Rent(bytes), null, 0, null);
    }

    /// <summary>An input that is donated to the call and fits an output, with a count added; null where it does not.</summary>
    /// <param name="call">The call.</param>
    /// <param name="input">The input.</param>
    /// <param name="output">The output it would serve as.</param>
    /// <returns>The input, to be written into, or null.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static CpuTensor? Reuse(in KernelCall call, int input, int output = 0) =>
        call.Donated == 0 ? null : ReuseDonated(call, input, output);

    /// <summary>Looks at the user's memory.</summary>
    internal static CpuTensor Lend(TensorSpec spec, Device device, HostMemory memory) => new(spec, device, null, null, new Lent(memory), 0, null);

    /// <summary>Another look at the same memory.</summary>
    /// <param name="spec">Shape and dtype of the view.</param>
    /// <param name="offset">Elements from this one's first to the view's first.</param>
    /// <param name="strides">The strides; null: dense.</param>
    /// <returns>The view.</returns>
    internal CpuTensor View(TensorSpec spec, long offset, long[]? strides)
    {
        _isViewed = true;
        if (_block is not null && !_block.TryRetain())
        {
            throw Released();
        }

        _lent?.Retain(this);
        return new CpuTensor(spec, Device, _array, _block, _lent, _offset + (nint)(offset * Spec.DType.Size()), strides) { _isViewed = true };
    }

    /// <summary>The first element; the others are found by the strides.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <returns>A reference that the garbage collector follows.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ref T First<T>()
        where T : unmanaged => ref _array is not null
            ? ref Unsafe.As<byte, T>(ref Unsafe.AddByteOffset(ref MemoryMarshal.GetArrayDataReference(_array), _offset))
            : ref Unsafe.AsRef<T>((_block is not null ? _block.Address : _lent!.Address) + _offset);

    /// <summary>The elements of dense data.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <returns>A span over them.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Span<T> Span<T>()
        where T : unmanaged => MemoryMarshal.CreateSpan(ref First<T>(), Count);

    /// <summary>Keeps the memory while an op uses it, also if its owner gives it up on another thread meanwhile.</summary>
    internal void Pin()
    {
        if (_block is not null && !_block.TryRetain())
        {
            throw Released();
        }

        _lent?.Retain(this);
    }

    /// <summary>Ends <see cref="Pin"/>.</summary>
    internal void Unpin() => Free();

    /// <summary>The strides with which this is read as a larger shape, that it broadcasts to.</summary>
    /// <param name="shape">The shape.</param>
    /// <param name="strides">One an axis of it; 0 where an element repeats.</param>
    internal void StridesIn(ReadOnlySpan<int> shape, Span<long> strides)
    {
        ReadOnlySpan<int> mine = Spec.Shape.AsSpan();
        int first = shape.Length - mine.Length;
        long dense = 1;
        strides[..first].Clear();
        for (int axis = mine.Length - 1; axis >= 0; axis--)
        {
            strides[first + axis] = mine[axis] == 1 ? 0 : Strides is null ? dense : Strides[axis];
            dense *= mine[axis];
        }
    }

    /// <inheritdoc/>
    protected override void Free()
    {
        _block?.Release();
        _lent?.Release();
    }

    private TensorReleasedException Released() => new($"The data of a {Spec} tensor was released while it was being used.");

    private static CpuTensor? ReuseDonated(in KernelCall call, int input, int output)
    {
        CpuTensor tensor = (CpuTensor)call.Inputs[input];
        return call.IsDonated(input) && tensor.IsWritable && tensor.Spec.Equals(call.OutputSpecs[output]) ? (CpuTensor)tensor.Retain() : null;
    }

    /// <summary>Memory of the user or of another backend, counted by the views of it.</summary>
    private sealed class Lent(HostMemory memory)
    {
        private int _count = 1;

        internal byte* Address { get; } = (byte*)memory.Address;

        internal void Retain(CpuTensor by)
        {
            if (Interlocked.Increment(ref _count) <= 1)
            {
                Interlocked.Decrement(ref _count);
                throw by.Released();
            }
        }

        internal void Release()
        {
            if (Interlocked.Decrement(ref _count) == 0)
            {
                memory.Dispose();
            }
        }
    }
}
