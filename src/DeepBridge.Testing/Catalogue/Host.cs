using System.Runtime.InteropServices;

namespace DeepBridge.Testing;

/// <summary>Tensors' elements as doubles or longs on the host, whatever their dtype.</summary>
internal static class Host
{
    internal static Tensor Import(double[] reals, Shape shape, DType dtype, Device device) =>
        Import(Elements.Bytes(reals, dtype), shape, dtype, device);

    internal static Tensor Import(long[] wholes, Shape shape, DType dtype, Device device) =>
        Import(Elements.Bytes(wholes, dtype), shape, dtype, device);

    internal static byte[] Bytes(Tensor tensor) => tensor.DType switch
    {
        DType.Bool => MemoryMarshal.AsBytes<bool>(tensor.ToArray<bool>()).ToArray(),
        DType.UInt8 => tensor.ToArray<byte>(),
        DType.Int8 => MemoryMarshal.AsBytes<sbyte>(tensor.ToArray<sbyte>()).ToArray(),
        DType.Int16 => MemoryMarshal.AsBytes<short>(tensor.ToArray<short>()).ToArray(),
        DType.Int32 => MemoryMarshal.AsBytes<int>(tensor.ToArray<int>()).ToArray(),
        DType.Int64 => MemoryMarshal.AsBytes<long>(tensor.ToArray<long>()).ToArray(),
        DType.Float16 => MemoryMarshal.AsBytes<Half>(tensor.ToArray<Half>()).ToArray(),
        DType.BFloat16 => MemoryMarshal.AsBytes<BFloat16>(tensor.ToArray<BFloat16>()).ToArray(),
        DType.Float32 => MemoryMarshal.AsBytes<float>(tensor.ToArray<float>()).ToArray(),
        _ => MemoryMarshal.AsBytes<double>(tensor.ToArray<double>()).ToArray(),
    };

    internal static double[] Reals(Tensor tensor) => Elements.Reals(Bytes(tensor), tensor.DType);

    internal static long[] Wholes(Tensor tensor) => Elements.Wholes(Bytes(tensor), tensor.DType);

    private static Tensor Import(byte[] bytes, Shape shape, DType dtype, Device device) => dtype switch
    {
        DType.Bool => Tensor.From(MemoryMarshal.Cast<byte, bool>(bytes), shape, device),
        DType.UInt8 => Tensor.From<byte>(bytes, shape, device),
        DType.Int8 => Tensor.From(MemoryMarshal.Cast<byte, sbyte>(bytes), shape, device),
        DType.Int16 => Tensor.From(MemoryMarshal.Cast<byte, short>(bytes), shape, device),
        DType.Int32 => Tensor.From(MemoryMarshal.Cast<byte, int>(bytes), shape, device),
        DType.Int64 => Tensor.From(MemoryMarshal.Cast<byte, long>(bytes), shape, device),
        DType.Float16 => Tensor.From(MemoryMarshal.Cast<byte, Half>(bytes), shape, device),
        DType.BFloat16 => Tensor.From(MemoryMarshal.Cast<byte, BFloat16>(bytes), shape, device),
        DType.Float32 => Tensor.From(MemoryMarshal.Cast<byte, float>(bytes), shape, device),
        _ => Tensor.From(MemoryMarshal.Cast<byte, double>(bytes), shape, device),
    };
}
