using System.Numerics;
using System.Runtime.CompilerServices;

namespace DeepBridge.Cpu;

/// <summary>
/// A matrix times a vector, on one thread. Every element of the matrix is used once, so memory sets the pace: the
/// matrix is read in the order in which it lies.
/// </summary>
/// <typeparam name="TLanes">The vector operations.</typeparam>
/// <typeparam name="TVector">The vector.</typeparam>
/// <typeparam name="T">The element.</typeparam>
internal static unsafe class VectorProduct<TLanes, TVector, T>
    where TLanes : ILanes<TVector, T>
    where TVector : unmanaged
    where T : unmanaged, INumber<T>
{
    /// <summary>Results updated together: they stay in the first-level cache while the matrix streams by.</summary>
    private const int Span = 4096;

    /// <summary>Rows of A so few that packing B, for one use, would cost more than the sums.</summary>
    private const int FewRows = 6;

    /// <summary>Length of the sums from which adding up the elements of a vector at their end costs little.</summary>
    private const int LongSum = 256;

    /// <summary>Columns of B used for each row of A in turn, while they are in the first-level cache.</summary>
    private const int ColumnGroup = 8;

    /// <summary>
    /// Computes a block of a product if the product is a matrix times a vector and the matrix is contiguous one way or
    /// the other, or a few rows times contiguous columns.
    /// </summary>
    /// <param name="block">The block.</param>
    /// <param name="whole">
    /// The product it is part of. This alone decides, so that a last block of one row or column gets the same bits as
    /// in one piece.
    /// </param>
    /// <returns>Whether it was computed.</returns>
    public static bool TryRun(in Product<T> block, in Product<T> whole)
    {
        if (whole.N == 1)
        {
            return TryRun(
                block.M, block.K, block.A, block.ARow, block.AColumn, block.B, block.BRow,
                block.C, block.CRow, block.Accumulate, block.Bias, 0);
        }

        if (whole.M == 1)
        {
            return TryRun(
                block.N, block.K, block.B, block.BColumn, block.BRow, block.A, block.AColumn,
                block.C, 1, block.Accumulate, block.Bias, 1);
        }

        if (whole.M > FewRows || whole.K < LongSum || whole.BRow != 1 || whole.AColumn != 1)
        {
            return false;
        }

        for (int j = 0; j < block.N; j += ColumnGroup)
        {
            int columns = Math.Min(ColumnGroup, block.N - j);
            for (int i = 0; i < block.M; i++)
            {
                Product<T> row = block.Slice(i, j, 1, columns);
                TryRun(columns, row.K, row.B, row.BColumn, 1, row.A, 1, row.C, 1, row.Accumulate, row.Bias, 1);
            }
        }

        return true;
    }

    private static bool TryRun(
        int lanes, int k, T* matrix, nint lane, nint stride, T* x, nint xStride,
        T* y, nint yStride, bool accumulate, T* bias, nint biasStride)
    {
        bool dots = stride == 1 && xStride == 1;
        if (!dots && (lane != 1 || yStride != 1))
        {
            return false;
        }

        for (int i = 0; i < lanes; i++)
        {
            T start = accumulate ? y[i * yStride] : T.Zero;
            y[i * yStride] = bias == null ? start : start + bias[i * biasStride];
        }

        if (dots)
        {
            Dots(lanes, k, matrix, lane, x, y, yStride);
        }
        else
        {
            for (int i = 0; i < lanes; i += Span)
            {
                Sums(Math.Min(Span, lanes - i), k, matrix + i, stride, x, xStride, y + i);
            }
        }

        return true;
    }

    /// <summary>Adds to each result the inner product of its lane, four lanes at a time.</summary>
    private static void Dots(int lanes, int k, T* matrix, nint lane, T* x, T* y, nint yStride)
    {
        int i = 0;
        for (; i <= lanes - 4; i += 4)
        {
            Dot<Size4>(k, matrix + (i * lane), lane, x, y + (i * yStride), yStride);
        }

        for (; i < lanes; i++)
        {
            Dot<Size1>(k, matrix + (i * lane), lane, x, y + (i * yStride), yStride);
        }
    }

    [MethodImpl(Hot.Loop)]
    private static void Dot<TRows>(int k, T* matrix, nint lane, T* x, T* y, nint yStride)
        where TRows : struct, ISize
    {
        TVector sum0 = default, sum1 = default, sum2 = default, sum3 = default;
        T* matrix1 = matrix + lane, matrix2 = matrix1 + lane, matrix3 = matrix2 + lane;
        int p = 0;
        for (; p <= k - TLanes.Count; p += TLanes.Count)
        {
            TVector v = TLanes.Load(x + p);
            sum0 = TLanes.MultiplyAdd(TLanes.Load(matrix + p), v, sum0);
            if (TRows.Value > 1)
            {
                sum1 = TLanes.MultiplyAdd(TLanes.Load(matrix1 + p), v, sum1);
                sum2 = TLanes.MultiplyAdd(TLanes.Load(matrix2 + p), v, sum2);
                sum3 = TLanes.MultiplyAdd(TLanes.Load(matrix3 + p), v, sum3);
            }
        }

        if (p < k)
        {
            TVector mask = Tails.Mask<TLanes, TVector, T>(k - p);
            TVector v = TLanes.LoadMasked(x + p, mask);
            sum0 = TLanes.MultiplyAdd(TLanes.LoadMasked(matrix + p, mask), v, sum0);
            if (TRows.Value > 1)
            {
                sum1 = TLanes.MultiplyAdd(TLanes.LoadMasked(matrix1 + p, mask), v, sum1);
                sum2 = TLanes.MultiplyAdd(TLanes.LoadMasked(matrix2 + p, mask), v, sum2);
                sum3 = TLanes.MultiplyAdd(TLanes.LoadMasked(matrix3 + p, mask), v, sum3);
            }
        }

        y[0] += TLanes.Sum(sum0);
        if (TRows.Value > 1)
        {
            y[yStride] += TLanes.Sum(sum1);
            y[2 * yStride] += TLanes.Sum(sum2);
            y[3 * yStride] += TLanes.Sum(sum3);
        }
    }

    /// <summary>Adds to the results the weighted sum of the rows of the matrix, eight rows at a time.</summary>
    private static void Sums(int lanes, int k, T* matrix, nint stride, T* x, nint xStride, T* y)
    {
        int p = 0;
        for (; p <= k - 8; p += 8)
        {
            Sum<Size8>(lanes, matrix + (p * stride), stride, x + (p * xStride), xStride, y);
        }

        if (p <= k - 4)
        {
            Sum<Size4>(lanes, matrix + (p * stride), stride, x + (p * xStride), xStride, y);
            p += 4;
        }

        for (; p < k; p++)
        {
            Sum<Size1>(lanes, matrix + (p * stride), stride, x + (p * xStride), xStride, y);
        }
    }

    [MethodImpl(Hot.Loop)]
    private static void Sum<TRows>(int lanes, T* matrix, nint stride, T* x, nint xStride, T* y)
        where TRows : struct, ISize
    {
        TVector x0 = TLanes.Splat(x[0]);
        TVector x1 = TRows.Value > 1 ? TLanes.Splat(x[xStride]) : default;
        TVector x2 = TRows.Value > 1 ? TLanes.Splat(x[2 * xStride]) : default;
        TVector x3 = TRows.Value > 1 ? TLanes.Splat(x[3 * xStride]) : default;
        TVector x4 = TRows.Value > 4 ? TLanes.Splat(x[4 * xStride]) : default;
        TVector x5 = TRows.Value > 4 ? TLanes.Splat(x[5 * xStride]) : default;
        TVector x6 = TRows.Value > 4 ? TLanes.Splat(x[6 * xStride]) : default;
        TVector x7 = TRows.Value > 4 ? TLanes.Splat(x[7 * xStride]) : default;
        int i = 0;
        for (; i <= lanes - TLanes.Count; i += TLanes.Count)
        {
            T* row = matrix + i;
            TVector sum = TLanes.MultiplyAdd(TLanes.Load(row), x0, TLanes.Load(y + i));
            if (TRows.Value > 1)
            {
                sum = TLanes.MultiplyAdd(TLanes.Load(row + stride), x1, sum);
                sum = TLanes.MultiplyAdd(TLanes.Load(row + (2 * stride)), x2, sum);
                sum = TLanes.MultiplyAdd(TLanes.Load(row + (3 * stride)), x3, sum);
            }

            if (TRows.Value > 4)
            {
                row += 4 * stride;
                sum = TLanes.MultiplyAdd(TLanes.Load(row), x4, sum);
                sum = TLanes.MultiplyAdd(TLanes.Load(row + stride), x5, sum);
                sum = TLanes.MultiplyAdd(TLanes.Load(row + (2 * stride)), x6, sum);
                sum = TLanes.MultiplyAdd(TLanes.Load(row + (3 * stride)), x7, sum);
            }

            TLanes.Store(y + i, sum);
        }

        if (i < lanes)
        {
            TVector mask = Tails.Mask<TLanes, TVector, T>(lanes - i);
            TVector sum = TLanes.LoadMasked(y + i, mask);
            for (int p = 0; p < TRows.Value; p++)
            {
                TVector row = TLanes.LoadMasked(matrix + i + (p * stride), mask);
                sum = TLanes.MultiplyAdd(row, TLanes.Splat(x[p * xStride]), sum);
            }

            TLanes.StoreMasked(y + i, mask, sum);
        }
    }
}
