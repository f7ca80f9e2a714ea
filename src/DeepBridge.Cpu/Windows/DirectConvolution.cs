using System.Numerics;
using System.Runtime.CompilerServices;

namespace DeepBridge.Cpu;

/// <summary>Convolution of one plane with one filter, as sums over the padded plane: what depthwise layers are made of.</summary>
internal static unsafe class DirectConvolution
{
    /// <summary>A plane of the output, four rows at a time so that each weight is read once for four sums.</summary>
    [MethodImpl(Hot.Loop)]
    internal static void Forward<T>(in Sliding sliding, T* padded, T* filter, T bias, T* target)
        where T : unmanaged, INumber<T>
    {
        int width = sliding.OutWidth;
        nint pitch = sliding.OutRowPitch;
        Span<nint> taps = sliding.Offsets(stackalloc nint[Sliding.NearTaps]);
        for (int y = 0; y < sliding.OutHeight; y += 4, padded += 4 * pitch, target += 4 * width)
        {
            int rows = Math.Min(4, sliding.OutHeight - y);
            nint row1 = rows > 1 ? pitch : 0, row2 = rows > 2 ? 2 * pitch : 0, row3 = rows > 3 ? 3 * pitch : 0;
            for (int x = 0; x < width; x += Vector<T>.Count)
            {
                Vector<T> sum0 = new(bias), sum1 = sum0, sum2 = sum0, sum3 = sum0;
                for (int tap = 0; tap < taps.Length; tap++)
                {
                    T* from = padded + taps[tap] + x;
                    Vector<T> weight = new(filter[tap]);
                    sum0 = Vectors.MultiplyAdd(Vector.Load(from), weight, sum0);
                    sum1 = Vectors.MultiplyAdd(Vector.Load(from + row1), weight, sum1);
                    sum2 = Vectors.MultiplyAdd(Vector.Load(from + row2), weight, sum2);
                    sum3 = Vectors.MultiplyAdd(Vector.Load(from + row3), weight, sum3);
                }

                Vectors.Store(sum0, target + x, width - x);
                if (rows == 4)
                {
                    Vectors.Store(sum1, target + width + x, width - x);
                    Vectors.Store(sum2, target + (2 * width) + x, width - x);
                    Vectors.Store(sum3, target + (3 * width) + x, width - x);
                }
                else if (rows > 1)
                {
                    Vectors.Store(sum1, target + width + x, width - x);
                    if (rows > 2)
                    {
                        Vectors.Store(sum2, target + (2 * width) + x, width - x);
                    }
                }
            }
        }
    }

    /// <summary>Adds what one plane of the incoming gradient gives to the padded plane.</summary>
    [MethodImpl(Hot.Loop)]
    internal static void InputGradient<T>(in Sliding sliding, T* incoming, T* filter, T* padded)
        where T : unmanaged, INumber<T>
    {
        int width = sliding.OutWidth;
        for (int tap = 0; tap < sliding.Taps; tap++)
        {
            T* to = padded + sliding.Tap(tap), from = incoming;
            Vector<T> weight = new(filter[tap]);
            for (int y = 0; y < sliding.OutHeight; y++, to += sliding.OutRowPitch, from += width)
            {
                for (int x = 0; x < width; x += Vector<T>.Count)
                {
                    Vector<T> product = Vectors.Load(from + x, width - x) * weight;
                    Vector.Store(Vector.Load(to + x) + (product & Vectors.Mask<T>(Math.Min(width - x, Vector<T>.Count))), to + x);
                }
            }
        }
    }

    /// <summary>Adds what one plane gives to the gradient of the filter.</summary>
    /// <param name="sliding">The geometry.</param>
    /// <param name="padded">The padded plane.</param>
    /// <param name="incoming">The incoming gradient, with room behind.</param>
    /// <param name="sums">The gradient of the filter.</param>
    [MethodImpl(Hot.Loop)]
    internal static void WeightGradient<T>(in Sliding sliding, T* padded, T* incoming, T* sums)
        where T : unmanaged, INumber<T>
    {
        int width = sliding.OutWidth, whole = width - (width % Vector<T>.Count);
        nint pitch = sliding.OutRowPitch;
        Vector<T> mask = Vectors.Mask<T>(width - whole);
        for (int tap = 0; tap < sliding.Taps; tap++)
        {
            T* from = padded + sliding.Tap(tap), g = incoming;
            Vector<T> even = Vector<T>.Zero, odd = Vector<T>.Zero, tail = Vector<T>.Zero;
            for (int y = 0; y < sliding.OutHeight; y++, from += pitch, g += width)
            {
                for (int x = 0; x < whole; x += Vector<T>.Count)
                {
                    even = Vectors.MultiplyAdd(Vector.Load(from + x), Vector.Load(g + x), even);
                }

                // Past the row lies other data, perhaps not finite.
                tail += (Vector.Load(from + whole) & mask) * (Vector.Load(g + whole) & mask);
                (even, odd) = (odd, even);
            }

            sums[tap] += Vector.Sum(even + odd + tail);
        }
    }
}
