using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DeepBridge.Torch;

/// <summary>
/// Tensors over memory that another backend or the user lent. TorchSharp has no call for an address; the function behind
/// its <c>as_tensor</c> takes one, and is called directly where the version is one whose signature is known.
/// </summary>
internal static unsafe class LentMemory
{
    private static readonly Lock s_lock = new();
    private static readonly Dictionary<nint, Stack<HostMemory>> s_lent = [];
    private static readonly delegate* unmanaged[Cdecl]<nint, delegate* unmanaged[Cdecl]<nint, void>, long*, int, sbyte, sbyte, int, int, byte, nint> s_wrap = Find();

    /// <summary>A tensor over memory, which is given back when libtorch's last tensor over it goes.</summary>
    /// <param name="spec">Its shape and dtype.</param>
    /// <param name="memory">The memory; taken over unless null is returned.</param>
    /// <returns>A new handle; null where this version of TorchSharp is not known.</returns>
    internal static Native? TryTake(TensorSpec spec, HostMemory memory)
    {
        if (s_wrap is null)
        {
            return null;
        }

        // libtorch gives nothing but the address back.
        nint address = memory.Address;
        lock (s_lock)
        {
            (CollectionsMarshal.GetValueRefOrAddDefault(s_lent, address, out _) ??= new Stack<HostMemory>()).Push(memory);
        }

        sbyte type = (sbyte)spec.DType.ToTorch();
        long[] shape = spec.Shape.ToLongs();
        nint made;
        fixed (long* dims = shape)
        {
            made = s_wrap(address, &GiveBack, dims, shape.Length, type, type, (int)DeviceType.CPU, -1, 0);
        }

        if (made == 0)
        {
            Remove(address);
            torch.CheckForErrors();
        }

        return Native.UnsafeCreateTensor(made);
    }

    /// <summary>Where a dense tensor's elements begin.</summary>
    /// <param name="tensor">A tensor of the host, of at most 2 GiB.</param>
    internal static nint AddressOf(Native tensor) => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.bytes));

    private static HostMemory Remove(nint address)
    {
        lock (s_lock)
        {
            Stack<HostMemory> lent = s_lent[address];
            HostMemory memory = lent.Pop();
            if (lent.Count == 0)
            {
                s_lent.Remove(address);
            }

            return memory;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void GiveBack(nint address) => Remove(address).Dispose();

    private static delegate* unmanaged[Cdecl]<nint, delegate* unmanaged[Cdecl]<nint, void>, long*, int, sbyte, sbyte, int, int, byte, nint> Find() =>
        typeof(torch).Assembly.GetName().Version is { Major: 0, Minor: 107 }
        && NativeLibrary.TryLoad("LibTorchSharp", typeof(torch).Assembly, null, out nint library)
        && NativeLibrary.TryGetExport(library, "THSTensor_new", out nint function)
            ? (delegate* unmanaged[Cdecl]<nint, delegate* unmanaged[Cdecl]<nint, void>, long*, int, sbyte, sbyte, int, int, byte, nint>)function
            : null;
}
