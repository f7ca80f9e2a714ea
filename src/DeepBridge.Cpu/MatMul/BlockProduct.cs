using System.Numerics;
using System.Runtime.CompilerServices;

namespace DeepBridge.Cpu;

/// <summary>A matrix product on one thread: cut to fit the caches, packed where that pays, and tiled.</summary>
/// <typeparam name="TLanes">The vector operations.</typeparam>
/// <typeparam name="TVector">The vector.</typeparam>
/// <typeparam name="T">The element.</typeparam>
internal static unsafe class BlockProduct<TLanes, TVector, T>
    where TLanes : ILanes<TVector, T>
    where TVector : unmanaged
    where T : unmanaged, INumber<T>
{
    /// <summary>Bytes of one row of k that a block spans: long enough that reading and writing C again costs little.</summary>
    private const int DepthBytes = 2048;

    /// <summary>Rows of A packed at once: with the depth, half of a one-megabyte L2 cache.</summary>
    private const int BlockRows = 252;

    /// <summary>Columns of B packed at once: they stream from L2 or L3, once for each block of rows.</summary>
    private const int BlockColumns = 512;

    /// <summary>Rows of C from which the copy of B earns its cost by better locality.</summary>
    private const int PackBRows = 120;

    /// <summary>Columns of C from which the copy of A does.</summary>
    private const int PackAColumns = 192;

    /// <summary>Bytes of an operand that the first-level cache holds beside the rest: no copy is faster.</summary>
    private const int NearBytes = 32768;

    /// <summary>Computes the product.</summary>
    /// <remarks>The cut along k depends on k alone: an element gets the same bits in whatever block it is computed.</remarks>
    /// <param name="product">The product.</param>
    [MethodImpl(Hot.Loop)]
    public static void Run(in Product<T> product)
    {
        int depths = Math.Max(1, DivideUp(product.K, DepthBytes / sizeof(T)));
        int depth = Math.Max(1, DivideUp(product.K, depths));
        int width = 2 * TLanes.Count;
        bool packB = MustPackB(product)
            || (product.M >= PackBRows && (long)product.K * product.N * sizeof(T) > NearBytes);
        bool packA = product.N >= PackAColumns && (long)product.M * product.K * sizeof(T) > NearBytes;
        int rows = packA ? Math.Min(product.M, BlockRows) : product.M;
        int columns = Math.Min(product.N, BlockColumns);
        nint sizeA = packA ? RoundUp((RoundUp(rows, TLanes.MaxRows) * depth) + Packing.Slack, 64) : 0;
        nint sizeB = packB ? (RoundUp(columns, width) * depth) + Packing.Slack : 0;
        CpuBlock? buffer = packA || packB ? CpuBlock.Rent((sizeA + sizeB) * sizeof(T)) : null;
        T* spaceA = buffer is null ? null : (T*)buffer.Address;
        T* spaceB = spaceA + sizeA;
        for (int j = 0; j < product.N; j += columns)
        {
            for (int p = 0; p == 0 || p < product.K; p += depth)
            {
                Product<T> slab = Deep(product, p, depth).Slice(0, j, product.M, Math.Min(columns, product.N - j));
                Operand b = new(slab.B, slab.BRow, 1, width);
                if (packB)
                {
                    Packing.Pack(slab.B, slab.BColumn, slab.BRow, slab.N, slab.K, width, spaceB);
                    b = new(spaceB, width, 1, (nint)width * slab.K);
                }

                for (int i = 0; i < product.M; i += rows)
                {
                    Product<T> block = slab.Slice(i, 0, Math.Min(rows, product.M - i), slab.N);
                    Operand a = new(block.A, block.ARow, block.AColumn, TLanes.MaxRows * block.ARow);
                    if (packA)
                    {
                        Packing.Pack(block.A, block.ARow, block.AColumn, block.M, block.K, TLanes.MaxRows, spaceA);
                        a = new(spaceA, 1, TLanes.MaxRows, TLanes.MaxRows * (nint)block.K);
                    }

                    Columns(block, a, b, packB);
                }
            }
        }

        buffer?.Release();
    }

    private static bool MustPackB(in Product<T> product) =>
        product.BColumn != 1 || (!TLanes.HasMasks && product.N % TLanes.Count != 0);

    private static int DivideUp(int value, int divisor) => (value + divisor - 1) / divisor;

    private static nint RoundUp(nint value, nint multiple) => (value + multiple - 1) / multiple * multiple;

    /// <summary>The part of the product that spans the given indices of k; only the first adds the bias.</summary>
    private static Product<T> Deep(in Product<T> product, int start, int depth) => product with
    {
        K = Math.Min(depth, product.K - start),
        A = product.A + (start * product.AColumn),
        B = product.B + (start * product.BRow),
        Accumulate = product.Accumulate || start > 0,
        Bias = start > 0 ? null : product.Bias,
    };

    /// <summary>All panels of columns of a block, each while it is in the first-level cache.</summary>
    [MethodImpl(Hot.Loop)]
    private static void Columns(in Product<T> block, Operand a, Operand b, bool packed)
    {
        int width = 2 * TLanes.Count;
        for (int j = 0; j < block.N; j += width)
        {
            Product<T> panel = block.Slice(0, j, block.M, Math.Min(width, block.N - j));
            if (panel.N == width || (packed && panel.N > TLanes.Count))
            {
                Rows<Size2, Size2>(panel, a, b);
            }
            else if (panel.N > TLanes.Count)
            {
                Rows<Size2, Size1>(panel, a, b);
            }
            else
            {
                Rows<Size1, Size1>(panel, a, b);
            }

            b = b.Skip(b.Panel);
        }
    }

    /// <summary>All tiles of a panel of columns.</summary>
    [MethodImpl(Hot.Loop)]
    private static void Rows<TVectors, TMasked>(in Product<T> panel, Operand a, Operand b)
        where TVectors : struct, ISize
        where TMasked : struct, ISize
    {
        int row = 0;
        if (TLanes.MaxRows == 14)
        {
            Tiles<Size14, TVectors, TMasked>(panel, ref row, ref a, b);
            Tiles<Size8, TVectors, TMasked>(panel, ref row, ref a, b);
        }
        else
        {
            Tiles<Size6, TVectors, TMasked>(panel, ref row, ref a, b);
        }

        Tiles<Size4, TVectors, TMasked>(panel, ref row, ref a, b);
        Tiles<Size2, TVectors, TMasked>(panel, ref row, ref a, b);
        Tiles<Size1, TVectors, TMasked>(panel, ref row, ref a, b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Tiles<TRows, TVectors, TMasked>(in Product<T> panel, ref int row, ref Operand a, Operand b)
        where TRows : struct, ISize
        where TVectors : struct, ISize
        where TMasked : struct, ISize
    {
        for (; panel.M - row >= TRows.Value; row += TRows.Value)
        {
            MicroKernel<TLanes, TVector, T>.Run<TRows, TVectors, TMasked>(
                panel.K, a.Start, a.Row, a.Column, b.Start, b.Row, panel.C + (row * panel.CRow), panel.CRow, panel.N,
                panel.Accumulate, panel.Bias);
            a = a.Skip(TRows.Value == TLanes.MaxRows ? a.Panel : TRows.Value * a.Row);
        }
    }

    /// <summary>A block of A or B, packed or where it was.</summary>
    private readonly struct Operand(T* start, nint row, nint column, nint panel)
    {
        /// <summary>First element.</summary>
        public readonly T* Start = start;

        /// <summary>Elements between rows.</summary>
        public readonly nint Row = row;

        /// <summary>Elements between columns.</summary>
        public readonly nint Column = column;

        /// <summary>Elements from a panel (a tile's rows of A, or columns of B) to the next.</summary>
        public readonly nint Panel = panel;

        /// <summary>The block that starts some elements further on.</summary>
        public Operand Skip(nint elements) => new(Start + elements, Row, Column, Panel);
    }
}
