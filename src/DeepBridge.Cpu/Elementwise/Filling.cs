using System.Numerics;

namespace DeepBridge.Cpu;

/// <summary>Tensors of one value, and of counted ones.</summary>
internal static class Filling
{
    /// <summary>Writes a scalar, cast to the dtype, into every element.</summary>
    /// <param name="y">Dense data.</param>
    /// <param name="value">The scalar.</param>
    internal static CpuTensor Run(CpuTensor y, Scalar value) => y.Spec.DType switch
    {
        DType.Bool => Fill(y, (value.Kind == DType.Float64 ? value.ToDouble() != 0 : value.ToInt64() != 0) ? (byte)1 : (byte)0),
        DType.UInt8 => Fill(y, To<byte>(value)),
        DType.Int8 => Fill(y, To<sbyte>(value)),
        DType.Int16 => Fill(y, To<short>(value)),
        DType.Int32 => Fill(y, To<int>(value)),
        DType.Int64 => Fill(y, To<long>(value)),
        DType.Float16 => Fill(y, To<Half>(value)),
        DType.BFloat16 => Fill(y, (BFloat16)To<float>(value)),
        DType.Float32 => Fill(y, To<float>(value)),
        _ => Fill(y, To<double>(value)),
    };


    /// <summary>The numbers from 0 on.</summary>
    /// <param name="spec">Their spec.</param>
    /// <param name="device">The device.</param>
    /// <returns>New data, with one count.</returns>
    internal static CpuTensor Iota(TensorSpec spec, Device device)
    {
        CpuTensor y = CpuTensor.Allocate(spec.As(spec.DType is DType.Float16 or DType.BFloat16 ? DType.Float32 : spec.DType), device);
        _ = y.Spec.DType switch
        {
            DType.Int32 => Count<int>(y),
            DType.Int64 => Count<long>(y),
            DType.Float32 => Count<float>(y),
            _ => Count<double>(y),
        };

        if (ReferenceEquals(y.Spec, spec))
        {
            return y;
        }

        CpuTensor narrow = Casting.Cast(y, spec);
        y.Release();
        return narrow;
    }

    private static CpuTensor Fill<T>(CpuTensor y, T value)
        where T : unmanaged
    {
        y.Span<T>().Fill(value);
        return y;
    }

    private static CpuTensor Count<T>(CpuTensor y)
        where T : unmanaged, INumber<T>
    {
        Span<T> numbers = y.Span<T>();
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = T.CreateTruncating(i);
        }

        return y;
    }

    private static T To<T>(Scalar value)
        where T : INumber<T> => value.Kind == DType.Float64 ? T.CreateSaturating(value.ToDouble()) : T.CreateTruncating(value.ToInt64());
}
