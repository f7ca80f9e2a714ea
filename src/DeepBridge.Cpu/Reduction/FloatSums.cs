using System.Numerics;
using System.Runtime.CompilerServices;

namespace DeepBridge.Cpu;

/// <summary>
/// Sums of float32 in float64: correctly rounded but for very long ones, whatever the offset of the numbers, and as fast
/// as memory delivers them.
/// </summary>
internal static unsafe class FloatSums
{
    /// <summary>The sum of a row.</summary>
    [MethodImpl(Hot.Loop)]
    internal static double Row(float* x, nint count)
    {
        nint width = Vector<float>.Count, i = 0;
        Vector<double> a = default, b = default, c = default, d = default;
        for (; i <= count - (2 * width); i += 2 * width)
        {
            Vector.Widen(Vector.Load(x + i), out Vector<double> low, out Vector<double> high);
            a += low;
            b += high;
            Vector.Widen(Vector.Load(x + i + width), out low, out high);
            c += low;
            d += high;
        }

        double sum = i == 0 ? 0 : Vector.Sum(a + b + (c + d));
        for (; i < count; i++)
        {
            sum += x[i];
        }

        return sum;
    }

    /// <summary>The sums of the columns of a table.</summary>
    /// <param name="x">The first element.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="stride">The distance between them.</param>
    /// <param name="columns">How many columns.</param>
    /// <param name="y">Where the sums go.</param>
    [MethodImpl(Hot.Loop)]
    internal static void Columns(float* x, nint rows, nint stride, nint columns, float* y)
    {
        nint width = Vector<float>.Count, column = 0;
        for (; column <= columns - (2 * width); column += 2 * width)
        {
            Vector<double> a = default, b = default, c = default, d = default;
            float* from = x + column;
            for (nint row = 0; row < rows; row++, from += stride)
            {
                Vector.Widen(Vector.Load(from), out Vector<double> low, out Vector<double> high);
                a += low;
                b += high;
                Vector.Widen(Vector.Load(from + width), out low, out high);
                c += low;
                d += high;
            }

            Vector.Narrow(a, b).Store(y + column);
            Vector.Narrow(c, d).Store(y + column + width);
        }

        for (; column < columns; column++)
        {
            double sum = 0;
            for (nint row = 0; row < rows; row++)
            {
                sum += x[(row * stride) + column];
            }

            y[column] = (float)sum;
        }
    }
}
