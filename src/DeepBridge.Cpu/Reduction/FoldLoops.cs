using System.Numerics;
using System.Runtime.Intrinsics;

namespace DeepBridge.Cpu;

/// <summary>
/// Folds rows and columns. Long ones are halved again and again, so that rounding errors grow with the logarithm of
/// the length, and where they are halved depends on the length alone.
/// </summary>
internal static unsafe class FoldLoops
{
    /// <summary>The longest row that is folded in one go.</summary>
    private const int RowBlock = 2048;

    /// <summary>The most rows that are added to one another in one go.</summary>
    private const int ColumnBlock = 16;

    private const int Accumulators = 4;

    /// <summary>Folds one row of any length.</summary>
    internal static T Row<TFold, T>(T* x, nint count)
        where TFold : IFold
        where T : unmanaged, INumber<T>, IMinMaxValue<T>
    {
        if (typeof(TFold) == typeof(SumFold) && typeof(T) == typeof(float))
        {
            return T.CreateTruncating(FloatSums.Row((float*)x, count));
        }

        if (count > RowBlock)
        {
            nint half = Half(count);
            return Scalar<TFold, T>(Row<TFold, T>(x, half), Row<TFold, T>(x + half, count - half));
        }

        if (Vector512.IsHardwareAccelerated && count >= Vector512<T>.Count)
        {
            return Row<TFold, Lanes512<T>, Vector512<T>, T>(x, count);
        }

        if (Vector256.IsHardwareAccelerated && count >= Vector256<T>.Count)
        {
            return Row<TFold, Lanes256<T>, Vector256<T>, T>(x, count);
        }

        return count >= Vector128<T>.Count ? Row<TFold, Lanes128<T>, Vector128<T>, T>(x, count) : Few<TFold, T>(x, count);
    }

    /// <summary>Folds the rows of a table into one row.</summary>
    /// <param name="x">The first element.</param>
    /// <param name="rows">How many rows, at least one.</param>
    /// <param name="stride">The distance between them.</param>
    /// <param name="columns">How many columns.</param>
    /// <param name="y">Where the row goes.</param>
    internal static void Columns<TFold, T>(T* x, nint rows, nint stride, nint columns, T* y)
        where TFold : IFold
        where T : unmanaged, INumber<T>, IMinMaxValue<T>
    {
        if (typeof(TFold) == typeof(SumFold) && typeof(T) == typeof(float))
        {
            FloatSums.Columns((float*)x, rows, stride, columns, (float*)y);
        }
        else if (Vector512.IsHardwareAccelerated && columns >= Vector512<T>.Count)
        {
            Columns<TFold, Lanes512<T>, Vector512<T>, T>(x, rows, stride, columns, y);
        }
        else if (Vector256.IsHardwareAccelerated && columns >= Vector256<T>.Count)
        {
            Columns<TFold, Lanes256<T>, Vector256<T>, T>(x, rows, stride, columns, y);
        }
        else if (columns >= Vector128<T>.Count)
        {
            Columns<TFold, Lanes128<T>, Vector128<T>, T>(x, rows, stride, columns, y);
        }
        else
        {
            for (nint c = 0; c < columns; c++)
            {
                y[c] = Column<TFold, T>(x + c, rows, stride);
            }
        }
    }

    /// <summary>Folds one row whose length is at least a vector's.</summary>
    internal static T Row<TFold, TLanes, TVector, T>(T* x, nint count)
        where TFold : IFold
        where TLanes : ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, INumber<T>, IMinMaxValue<T>
    {
        nint width = TLanes.Count, i = width;
        TVector a = TLanes.Load(ref *x, 0);
        if (count >= Accumulators * width)
        {
            TVector b = TLanes.Load(ref *x, width), c = TLanes.Load(ref *x, 2 * width), d = TLanes.Load(ref *x, 3 * width);
            for (i = Accumulators * width; i <= count - (Accumulators * width); i += Accumulators * width)
            {
                a = TFold.Apply<TLanes, TVector, T>(a, TLanes.Load(ref *x, i));
                b = TFold.Apply<TLanes, TVector, T>(b, TLanes.Load(ref *x, i + width));
                c = TFold.Apply<TLanes, TVector, T>(c, TLanes.Load(ref *x, i + (2 * width)));
                d = TFold.Apply<TLanes, TVector, T>(d, TLanes.Load(ref *x, i + (3 * width)));
            }

            a = TFold.Apply<TLanes, TVector, T>(TFold.Apply<TLanes, TVector, T>(a, b), TFold.Apply<TLanes, TVector, T>(c, d));
        }

        for (; i <= count - width; i += width)
        {
            a = TFold.Apply<TLanes, TVector, T>(a, TLanes.Load(ref *x, i));
        }

        T* lanes = stackalloc T[TLanes.Count];
        TLanes.Store(a, ref *lanes, 0);
        Vector128<T> last = Vector128.Load(lanes);
        for (int j = Vector128<T>.Count; j < TLanes.Count; j += Vector128<T>.Count)
        {
            last = TFold.Apply<Lanes128<T>, Vector128<T>, T>(last, Vector128.Load(lanes + j));
        }

        last.Store(lanes);
        T folded = Few<TFold, T>(lanes, Vector128<T>.Count);
        return i == count ? folded : Scalar<TFold, T>(folded, Few<TFold, T>(x + i, count - i));
    }

    private static nint Half(nint count) => Math.Max(count / 2 / RowBlock, 1) * RowBlock;

    private static void Columns<TFold, TLanes, TVector, T>(T* x, nint rows, nint stride, nint columns, T* y)
        where TFold : IFold
        where TLanes : ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, INumber<T>, IMinMaxValue<T>
    {
        nint width = TLanes.Count, c = 0;
        for (; c <= columns - (Accumulators * width); c += Accumulators * width)
        {
            Wide<TFold, TLanes, TVector, T>(x + c, rows, stride, y + c);
        }

        for (; c < columns; c += width)
        {
            nint at = Math.Min(c, columns - width);
            TLanes.Store(Narrow<TFold, TLanes, TVector, T>(x + at, rows, stride), ref y[at], 0);
        }
    }

    private static void Wide<TFold, TLanes, TVector, T>(T* x, nint rows, nint stride, T* y)
        where TFold : IFold
        where TLanes : ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, INumber<T>, IMinMaxValue<T>
    {
        nint width = TLanes.Count;
        if (rows > ColumnBlock)
        {
            nint half = rows / 2;
            T* other = stackalloc T[Accumulators * TLanes.Count];
            Wide<TFold, TLanes, TVector, T>(x, half, stride, y);
            Wide<TFold, TLanes, TVector, T>(x + (half * stride), rows - half, stride, other);
            for (nint i = 0; i < Accumulators * width; i += width)
            {
                TLanes.Store(TFold.Apply<TLanes, TVector, T>(TLanes.Load(ref *y, i), TLanes.Load(ref *other, i)), ref *y, i);
            }

            return;
        }

        TVector a = TLanes.Load(ref *x, 0), b = TLanes.Load(ref *x, width), c = TLanes.Load(ref *x, 2 * width), d = TLanes.Load(ref *x, 3 * width);
        for (nint r = 1; r < rows; r++)
        {
            x += stride;
            a = TFold.Apply<TLanes, TVector, T>(a, TLanes.Load(ref *x, 0));
            b = TFold.Apply<TLanes, TVector, T>(b, TLanes.Load(ref *x, width));
            c = TFold.Apply<TLanes, TVector, T>(c, TLanes.Load(ref *x, 2 * width));
            d = TFold.Apply<TLanes, TVector, T>(d, TLanes.Load(ref *x, 3 * width));
        }

        TLanes.Store(a, ref *y, 0);
        TLanes.Store(b, ref *y, width);
        TLanes.Store(c, ref *y, 2 * width);
        TLanes.Store(d, ref *y, 3 * width);
    }

    private static TVector Narrow<TFold, TLanes, TVector, T>(T* x, nint rows, nint stride)
        where TFold : IFold
        where TLanes : ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, INumber<T>, IMinMaxValue<T>
    {
        if (rows > ColumnBlock)
        {
            nint half = rows / 2;
            return TFold.Apply<TLanes, TVector, T>(
                Narrow<TFold, TLanes, TVector, T>(x, half, stride),
                Narrow<TFold, TLanes, TVector, T>(x + (half * stride), rows - half, stride));
        }

        TVector a = TLanes.Load(ref *x, 0);
        for (nint r = 1; r < rows; r++)
        {
            a = TFold.Apply<TLanes, TVector, T>(a, TLanes.Load(ref x[r * stride], 0));
        }

        return a;
    }

    private static T Column<TFold, T>(T* x, nint rows, nint stride)
        where TFold : IFold
        where T : unmanaged, INumber<T>, IMinMaxValue<T>
    {
        if (rows > ColumnBlock)
        {
            nint half = rows / 2;
            return Scalar<TFold, T>(Column<TFold, T>(x, half, stride), Column<TFold, T>(x + (half * stride), rows - half, stride));
        }

        T folded = *x;
        for (nint r = 1; r < rows; r++)
        {
            folded = Scalar<TFold, T>(folded, x[r * stride]);
        }

        return folded;
    }

    private static T Few<TFold, T>(T* x, nint count)
        where TFold : IFold
        where T : unmanaged, INumber<T>, IMinMaxValue<T> => count == 0 ? TFold.Identity<T>() : Column<TFold, T>(x, count, 1);

    private static T Scalar<TFold, T>(T a, T b)
        where TFold : IFold
        where T : unmanaged, INumber<T>, IMinMaxValue<T> =>
        TFold.Apply<Lanes128<T>, Vector128<T>, T>(Vector128.CreateScalarUnsafe(a), Vector128.CreateScalarUnsafe(b)).ToScalar();
}
