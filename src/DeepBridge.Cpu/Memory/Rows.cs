using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DeepBridge.Cpu;

/// <summary>Sums of contiguous elements: short runs in vectors, whose totals are added up in double precision.</summary>
internal static unsafe class Rows
{
    /// <summary>Elements of a run; a power of two.</summary>
    private const int Run = 1024;

    /// <summary>Σ x.</summary>
    [MethodImpl(Hot.Loop)]
    internal static double Sum<T>(T* x, int count)
        where T : unmanaged, INumber<T>
    {
        double total = 0;
        for (int start = 0; start < count; start += Run)
        {
            int end = Math.Min(count, start + Run), i = start;
            Vector<T> even = Vector<T>.Zero, odd = Vector<T>.Zero;
            for (; i <= end - (2 * Vector<T>.Count); i += 2 * Vector<T>.Count)
            {
                even += Vector.Load(x + i);
                odd += Vector.Load(x + i + Vector<T>.Count);
            }

            for (; i < end; i += Vector<T>.Count)
            {
                even += Vectors.Load(x + i, end - i);
            }

            total += double.CreateTruncating(Vector.Sum(even + odd));
        }

        return total;
    }

    /// <summary>Σ (x − center)².</summary>
    [MethodImpl(Hot.Loop)]
    internal static double SumSquares<T>(T* x, int count, T center)
        where T : unmanaged, INumber<T>
    {
        double total = 0;
        Vector<T> middle = new(center);
        for (int start = 0; start < count; start += Run)
        {
            int end = Math.Min(count, start + Run), i = start;
            Vector<T> even = Vector<T>.Zero, odd = Vector<T>.Zero;
            for (; i <= end - (2 * Vector<T>.Count); i += 2 * Vector<T>.Count)
            {
                Vector<T> first = Vector.Load(x + i) - middle, second = Vector.Load(x + i + Vector<T>.Count) - middle;
                even += first * first;
                odd += second * second;
            }

            for (; i < end; i += Vector<T>.Count)
            {
                Vector<T> rest = (Vectors.Load(x + i, end - i) - middle) & Vectors.Mask<T>(Math.Min(end - i, Vector<T>.Count));
                even += rest * rest;
            }

            total += double.CreateTruncating(Vector.Sum(even + odd));
        }

        return total;
    }

    /// <summary>Σ g and Σ g · (x − center).</summary>
    [MethodImpl(Hot.Loop)]
    internal static (double Sum, double Product) SumProducts<T>(T* g, T* x, int count, T center)
        where T : unmanaged, INumber<T>
    {
        double total = 0, product = 0;
        Vector<T> middle = new(center);
        for (int start = 0; start < count; start += Run)
        {
            int end = Math.Min(count, start + Run);
            Vector<T> sum = Vector<T>.Zero, products = Vector<T>.Zero;
            for (int i = start; i < end; i += Vector<T>.Count)
            {
                // Past the end g is 0, and x − center is finite wherever center is.
                Vector<T> slope = Vectors.Load(g + i, end - i);
                sum += slope;
                products += slope * (Vectors.Load(x + i, end - i) - middle);
            }

            total += double.CreateTruncating(Vector.Sum(sum));
            product += double.CreateTruncating(Vector.Sum(products));
        }

        return (total, product);
    }

    /// <summary>max x; −∞ of nothing. A NaN may be passed over: whoever needs it sees it in the elements.</summary>
    [MethodImpl(Hot.Loop)]
    internal static T Max<T>(T* x, int count)
        where T : unmanaged, INumber<T>
    {
        T least = -T.One / T.Zero;
        Vector<T> most = new(least);
        for (int i = 0; i < count; i += Vector<T>.Count)
        {
            Vector<T> some = Vectors.Load(x + i, count - i);
            most = Vector.MaxNative(most, count - i >= Vector<T>.Count ? some : Vector.ConditionalSelect(Vectors.Mask<T>(count - i), some, new(least)));
        }

        // Vectors are halved, since scalars would be compared by branches that nobody can predict.
        Vector128<T> few = Vector<byte>.Count == 16 ? most.AsVector128() : Vector128.MaxNative(most.AsVector256().GetLower(), most.AsVector256().GetUpper());
        few = Vector128.MaxNative(few, Vector128.Shuffle(few.AsInt64(), Vector128.Create(1L, 0)).As<long, T>());
        few = sizeof(T) == 4 ? Vector128.MaxNative(few, Vector128.Shuffle(few.AsInt32(), Vector128.Create(1, 0, 3, 2)).As<int, T>()) : few;
        return few.ToScalar();
    }
}
