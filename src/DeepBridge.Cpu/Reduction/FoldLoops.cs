using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DeepBridge.Cpu;

/// <summary>
/// Folds rows and columns. Long ones are halved again and again, so that rounding errors grow with the logarithm of
/// the length, and where they are halved depends on the length alone.
/// </summary>
internal static unsafe class FoldLoops<TFold, T>
    where TFold : IFold
    where T : unmanaged, INumber<T>, IMinMaxValue<T>
{
    /// <summary>The longest row that is folded in one go.</summary>
    private const int RowBlock = 2048;

    /// <summary>The most rows that are added to one another in one go.</summary>
    private const int ColumnBlock = 16;

    private const int Accumulators = 4;

    /// <summary>Folds one row of any length.</summary>
    internal static T Row(T* x, nint count)
    {
        if (typeof(TFold) == typeof(AddKernel) && typeof(T) == typeof(float))
        {
            return T.CreateTruncating(FloatSums.Row((float*)x, count));
        }

        if (count > RowBlock)
        {
            nint half = Half(count);
            return Scalar(Row(x, half), Row(x + half, count - half));
        }

        if (Vector512.IsHardwareAccelerated && count >= Vector512<T>.Count)
        {
            return Row<Lanes512<T>, Vector512<T>>(x, count);
        }

        if (Vector256.IsHardwareAccelerated && count >= Vector256<T>.Count)
        {
            return Row<Lanes256<T>, Vector256<T>>(x, count);
        }

        return count >= Vector128<T>.Count ? Row<Lanes128<T>, Vector128<T>>(x, count) : Few(x, count);
    }

    /// <summary>Folds the rows of a table into one row.</summary>
    /// <param name="x">The first element.</param>
    /// <param name="rows">How many rows, at least one.</param>
    /// <param name="stride">The distance between them.</param>
    /// <param name="columns">How many columns.</param>
    /// <param name="y">Where the row goes.</param>
    internal static void Columns(T* x, nint rows, nint stride, nint columns, T* y)
    {
        if (typeof(TFold) == typeof(AddKernel) && typeof(T) == typeof(float))
        {
            FloatSums.Columns((float*)x, rows, stride, columns, (float*)y);
        }
        else if (Vector512.IsHardwareAccelerated && columns >= Vector512<T>.Count)
        {
            Columns<Lanes512<T>, Vector512<T>>(x, rows, stride, columns, y);
        }
        else if (Vector256.IsHardwareAccelerated && columns >= Vector256<T>.Count)
        {
            Columns<Lanes256<T>, Vector256<T>>(x, rows, stride, columns, y);
        }
        else if (columns >= Vector128<T>.Count)
        {
            Columns<Lanes128<T>, Vector128<T>>(x, rows, stride, columns, y);
        }
        else
        {
            for (nint c = 0; c < columns; c++)
            {
                y[c] = Column(x + c, rows, stride);
            }
        }
    }

    /// <summary>Folds one row whose length is at least a vector's.</summary>
    [MethodImpl(Hot.Loop)]
    internal static T Row<TLanes, TVector>(T* x, nint count)
        where TLanes : ILanes<TVector, T>
        where TVector : unmanaged
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
        T folded = Few(lanes, TLanes.Count);
        return i == count ? folded : Scalar(folded, Few(x + i, count - i));
    }

    private static nint Half(nint count) => Math.Max(count / 2 / RowBlock, 1) * RowBlock;

    private static void Columns<TLanes, TVector>(T* x, nint rows, nint stride, nint columns, T* y)
        where TLanes : ILanes<TVector, T>
        where TVector : unmanaged
    {
        nint width = TLanes.Count;
        for (nint c = 0; c < columns; c += width)
        {
            nint at = Math.Min(c, columns - width);
            TLanes.Store(Narrow<TLanes, TVector>(x + at, rows, stride), ref y[at], 0);
        }
    }

    [MethodImpl(Hot.Loop)]
    private static TVector Narrow<TLanes, TVector>(T* x, nint rows, nint stride)
        where TLanes : ILanes<TVector, T>
        where TVector : unmanaged
    {
        if (rows > ColumnBlock)
        {
            nint half = rows / 2;
            return TFold.Apply<TLanes, TVector, T>(
                Narrow<TLanes, TVector>(x, half, stride),
                Narrow<TLanes, TVector>(x + (half * stride), rows - half, stride));
        }

        TVector a = TLanes.Load(ref *x, 0);
        for (nint r = 1; r < rows; r++)
        {
            a = TFold.Apply<TLanes, TVector, T>(a, TLanes.Load(ref x[r * stride], 0));
        }

        return a;
    }

    private static T Column(T* x, nint rows, nint stride)
    {
        if (rows > ColumnBlock)
        {
            nint half = rows / 2;
            return Scalar(Column(x, half, stride), Column(x + (half * stride), rows - half, stride));
        }

        T folded = *x;
        for (nint r = 1; r < rows; r++)
        {
            folded = Scalar(folded, x[r * stride]);
        }

        return folded;
    }

    private static T Few(T* x, nint count) => count == 0 ? TFold.Identity<T>() : Column(x, count, 1);

    private static T Scalar(T a, T b) =>
        TFold.Apply<Lanes128<T>, Vector128<T>, T>(Vector128.CreateScalarUnsafe(a), Vector128.CreateScalarUnsafe(b)).ToScalar();
}
