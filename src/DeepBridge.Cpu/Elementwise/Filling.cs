using System.Numerics;
using DeepBridge.Backends;

namespace DeepBridge.Cpu;

/// <summary>Tensors of one value, and of counted ones.</summary>
internal static class Filling
{
    /// <summary>Writes a scalar, cast to the dtype, into every element.</summary>
    /// <param name="y">Dense data.</param>
    /// <param name="value">The scalar.</param>
    internal static void Run(CpuTensor y, Scalar value)
    {
        switch (y.Spec.DType)
        {
            case DType.Bool:
                y.Span<byte>().Fill(value.Kind == DType.Float64 ? value.ToDouble() != 0 ? (byte)1 : (byte)0 : value.ToInt64() != 0 ? (byte)1 : (byte)0);
                break;
            case DType.UInt8:
                y.Span<byte>().Fill(To<byte>(value));
                break;
            case DType.Int8:
                y.Span<sbyte>().Fill(To<sbyte>(value));
                break;
            case DType.Int16:
                y.Span<short>().Fill(To<short>(value));
                break;
            case DType.Int32:
                y.Span<int>().Fill(To<int>(value));
                break;
            case DType.Int64:
                y.Span<long>().Fill(To<long>(value));
                break;
            case DType.Float16:
                y.Span<Half>().Fill(To<Half>(value));
                break;
            case DType.BFloat16:
                y.Span<BFloat16>().Fill((BFloat16)To<float>(value));
                break;
            case DType.Float32:
                y.Span<float>().Fill(To<float>(value));
                break;
            default:
                y.Span<double>().Fill(To<double>(value));
                break;
        }
    }

    /// <summary>The numbers from 0 on.</summary>
    /// <param name="spec">Their spec.</param>
    /// <param name="device">The device.</param>
    /// <returns>New data, with one count.</returns>
    internal static CpuTensor Iota(TensorSpec spec, Device device)
    {
        CpuTensor y = CpuTensor.Allocate(spec.As(spec.DType is DType.Float16 or DType.BFloat16 ? DType.Float32 : spec.DType), device);
        switch (y.Spec.DType)
        {
            case DType.Int32:
                Count(y.Span<int>());
                break;
            case DType.Int64:
                Count(y.Span<long>());
                break;
            case DType.Float32:
                Count(y.Span<float>());
                break;
            default:
                Count(y.Span<double>());
                break;
        }

        if (ReferenceEquals(y.Spec, spec))
        {
            return y;
        }

        CpuTensor narrow = Casting.Cast(y, spec);
        y.Release();
        return narrow;
    }

    private static void Count<T>(Span<T> y)
        where T : INumber<T>
    {
        for (int i = 0; i < y.Length; i++)
        {
            y[i] = T.CreateTruncating(i);
        }
    }

    private static T To<T>(Scalar value)
        where T : INumber<T> => value.Kind == DType.Float64 ? T.CreateSaturating(value.ToDouble()) : T.CreateTruncating(value.ToInt64());
}
