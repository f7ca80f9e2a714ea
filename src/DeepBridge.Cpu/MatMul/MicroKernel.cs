using System.Numerics;
using System.Runtime.CompilerServices;

namespace DeepBridge.Cpu;

/// <summary>The register tile: the one loop in which a matrix multiplication spends its time.</summary>
/// <typeparam name="TLanes">The vector operations.</typeparam>
/// <typeparam name="TVector">The vector.</typeparam>
/// <typeparam name="T">The element.</typeparam>
internal static unsafe class MicroKernel<TLanes, TVector, T>
    where TLanes : ILanes<TVector, T>
    where TVector : unmanaged
    where T : unmanaged, INumber<T>
{
    /// <summary>
    /// C (+)= bias + A·B for a tile of <typeparamref name="TRows"/> rows and up to <typeparamref name="TVectors"/> vectors.
    /// </summary>
    /// <remarks>
    /// Every element is one chain of multiply-adds in the order of k, whatever the tile it falls into: so the result
    /// doesn't depend on how a matrix is cut into tiles, nor on which threads compute them. Rows are written out, not
    /// looped over, because only named locals live in registers; those past <typeparamref name="TRows"/> vanish when
    /// compiled. A is addressed by three pointers and four strides: fourteen pointers would not fit the registers,
    /// and with free strides the same loop serves packed, plain and transposed matrices. Compiled optimised at first
    /// use: a first tier of this loop would be a hundred times slower than the last.
    /// </remarks>
    /// <typeparam name="TRows">Rows: 1, 2, 4, 6, 8 or 14.</typeparam>
    /// <typeparam name="TVectors">Vectors a row: 1 or 2.</typeparam>
    /// <typeparam name="TMasked">1 when the last vector of B is loaded under the mask, 2 when it may be read whole.</typeparam>
    /// <param name="k">Length of the sums; 0 is allowed.</param>
    /// <param name="a">First element of A.</param>
    /// <param name="aRow">Elements between rows of A.</param>
    /// <param name="aColumn">Elements between columns of A.</param>
    /// <param name="b">First element of B, whose columns are adjacent.</param>
    /// <param name="bRow">Elements between rows of B.</param>
    /// <param name="c">First element of C, whose columns are adjacent.</param>
    /// <param name="cRow">Elements between rows of C.</param>
    /// <param name="columns">Columns of C that exist.</param>
    /// <param name="accumulate">Whether C is added to, not replaced.</param>
    /// <param name="bias">A row added to each row of C, or null.</param>
    [MethodImpl(Hot.Loop)]
    public static void Run<TRows, TVectors, TMasked>(
        nint k, T* a, nint aRow, nint aColumn, T* b, nint bRow, T* c, nint cRow, int columns, bool accumulate, T* bias)
        where TRows : struct, ISize
        where TVectors : struct, ISize
        where TMasked : struct, ISize
    {
        int last = (TVectors.Value - 1) * TLanes.Count;
        TVector mask = Tails.Mask<TLanes, TVector, T>(columns - last);
        TVector bias0 = default;
        TVector bias1 = default;
        if (bias != null)
        {
            bias0 = TVectors.Value > 1 ? TLanes.Load(bias) : TLanes.LoadMasked(bias, mask);
            bias1 = TVectors.Value > 1 ? TLanes.LoadMasked(bias + last, mask) : default;
        }

        TVector c00 = bias0, c01 = bias1;
        TVector c10 = bias0, c11 = bias1;
        TVector c20 = bias0, c21 = bias1;
        TVector c30 = bias0, c31 = bias1;
        TVector c40 = bias0, c41 = bias1;
        TVector c50 = bias0, c51 = bias1;
        TVector c60 = bias0, c61 = bias1;
        TVector c70 = bias0, c71 = bias1;
        TVector c80 = bias0, c81 = bias1;
        TVector c90 = bias0, c91 = bias1;
        TVector c100 = bias0, c101 = bias1;
        TVector c110 = bias0, c111 = bias1;
        TVector c120 = bias0, c121 = bias1;
        TVector c130 = bias0, c131 = bias1;

        nint aRow2 = 2 * aRow;
        nint aRow3 = 3 * aRow;
        nint aRow4 = 4 * aRow;
        T* a5 = a + (5 * aRow);
        T* a10 = a + (10 * aRow);
        for (; k > 0; k--)
        {
            TVector b0 = TMasked.Value == 1 && TVectors.Value == 1 ? TLanes.LoadMasked(b, mask) : TLanes.Load(b);
            TVector b1 = TVectors.Value == 1 ? default : TMasked.Value == 1 ? TLanes.LoadMasked(b + last, mask) : TLanes.Load(b + last);
            TVector x = TLanes.Splat(*a);
            c00 = TLanes.MultiplyAdd(x, b0, c00);
            c01 = TVectors.Value > 1 ? TLanes.MultiplyAdd(x, b1, c01) : c01;
            if (TRows.Value >= 2)
            {
                x = TLanes.Splat(a[aRow]);
                c10 = TLanes.MultiplyAdd(x, b0, c10);
                c11 = TVectors.Value > 1 ? TLanes.MultiplyAdd(x, b1, c11) : c11;
            }

            if (TRows.Value >= 4)
            {
                x = TLanes.Splat(a[aRow2]);
                c20 = TLanes.MultiplyAdd(x, b0, c20);
                c21 = TVectors.Value > 1 ? TLanes.MultiplyAdd(x, b1, c21) : c21;
                x = TLanes.Splat(a[aRow3]);
                c30 = TLanes.MultiplyAdd(x, b0, c30);
                c31 = TVectors.Value > 1 ? TLanes.MultiplyAdd(x, b1, c31) : c31;
            }

            if (TRows.Value >= 6)
            {
                x = TLanes.Splat(a[aRow4]);
                c40 = TLanes.MultiplyAdd(x, b0, c40);
                c41 = TVectors.Value > 1 ? TLanes.MultiplyAdd(x, b1, c41) : c41;
                x = TLanes.Splat(*a5);
                c50 = TLanes.MultiplyAdd(x, b0, c50);
                c51 = TVectors.Value > 1 ? TLanes.MultiplyAdd(x, b1, c51) : c51;
            }

            if (TRows.Value >= 8)
            {
                x = TLanes.Splat(a5[aRow]);
                c60 = TLanes.MultiplyAdd(x, b0, c60);
                c61 = TVectors.Value > 1 ? TLanes.MultiplyAdd(x, b1, c61) : c61;
                x = TLanes.Splat(a5[aRow2]);
                c70 = TLanes.MultiplyAdd(x, b0, c70);
                c71 = TVectors.Value > 1 ? TLanes.MultiplyAdd(x, b1, c71) : c71;
            }

            if (TRows.Value >= 14)
            {
                x = TLanes.Splat(a5[aRow3]);
                c80 = TLanes.MultiplyAdd(x, b0, c80);
                c81 = TVectors.Value > 1 ? TLanes.MultiplyAdd(x, b1, c81) : c81;
                x = TLanes.Splat(a5[aRow4]);
                c90 = TLanes.MultiplyAdd(x, b0, c90);
                c91 = TVectors.Value > 1 ? TLanes.MultiplyAdd(x, b1, c91) : c91;
                x = TLanes.Splat(*a10);
                c100 = TLanes.MultiplyAdd(x, b0, c100);
                c101 = TVectors.Value > 1 ? TLanes.MultiplyAdd(x, b1, c101) : c101;
                x = TLanes.Splat(a10[aRow]);
                c110 = TLanes.MultiplyAdd(x, b0, c110);
                c111 = TVectors.Value > 1 ? TLanes.MultiplyAdd(x, b1, c111) : c111;
                x = TLanes.Splat(a10[aRow2]);
                c120 = TLanes.MultiplyAdd(x, b0, c120);
                c121 = TVectors.Value > 1 ? TLanes.MultiplyAdd(x, b1, c121) : c121;
                x = TLanes.Splat(a10[aRow3]);
                c130 = TLanes.MultiplyAdd(x, b0, c130);
                c131 = TVectors.Value > 1 ? TLanes.MultiplyAdd(x, b1, c131) : c131;
            }

            a += aColumn;
            a5 += aColumn;
            a10 += aColumn;
            b += bRow;
        }

        Finish<TVectors>(c, c00, c01, mask, accumulate);
        if (TRows.Value >= 2)
        {
            Finish<TVectors>(c + cRow, c10, c11, mask, accumulate);
        }

        if (TRows.Value >= 4)
        {
            Finish<TVectors>(c + (2 * cRow), c20, c21, mask, accumulate);
            Finish<TVectors>(c + (3 * cRow), c30, c31, mask, accumulate);
        }

        if (TRows.Value >= 6)
        {
            Finish<TVectors>(c + (4 * cRow), c40, c41, mask, accumulate);
            Finish<TVectors>(c + (5 * cRow), c50, c51, mask, accumulate);
        }

        if (TRows.Value >= 8)
        {
            Finish<TVectors>(c + (6 * cRow), c60, c61, mask, accumulate);
            Finish<TVectors>(c + (7 * cRow), c70, c71, mask, accumulate);
        }

        if (TRows.Value >= 14)
        {
            Finish<TVectors>(c + (8 * cRow), c80, c81, mask, accumulate);
            Finish<TVectors>(c + (9 * cRow), c90, c91, mask, accumulate);
            Finish<TVectors>(c + (10 * cRow), c100, c101, mask, accumulate);
            Finish<TVectors>(c + (11 * cRow), c110, c111, mask, accumulate);
            Finish<TVectors>(c + (12 * cRow), c120, c121, mask, accumulate);
            Finish<TVectors>(c + (13 * cRow), c130, c131, mask, accumulate);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish<TVectors>(T* c, TVector first, TVector second, TVector mask, bool accumulate)
        where TVectors : struct, ISize
    {
        if (TVectors.Value > 1)
        {
            T* end = c + TLanes.Count;
            if (accumulate)
            {
                first = TLanes.Add(first, TLanes.Load(c));
                second = TLanes.Add(second, TLanes.LoadMasked(end, mask));
            }

            TLanes.Store(c, first);
            TLanes.StoreMasked(end, mask, second);
        }
        else
        {
            first = accumulate ? TLanes.Add(first, TLanes.LoadMasked(c, mask)) : first;
            TLanes.StoreMasked(c, mask, first);
        }
    }
}
