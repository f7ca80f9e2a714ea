using System.Numerics;
using DeepBridge.Backends;

namespace DeepBridge.Cpu;

/// <summary>
/// Folds axes. Neighbouring axes with one fate are one; then the innermost run of folded axes goes first, so that the
/// work is always a table of (outer, folded, inner) elements, whose rows or columns are folded.
/// </summary>
internal static class Reducing
{
    /// <summary>Folds dtypes that compute.</summary>
    internal static CpuTensor Numeric<TFold>(in KernelCall call, Dims axes)
        where TFold : IFold => call.OutputSpecs[0].DType switch
        {
            DType.Float32 => Folding<TFold, float>.Run(call, axes),
            DType.Float64 => Folding<TFold, double>.Run(call, axes),
            DType.Int32 => Folding<TFold, int>.Run(call, axes),
            _ => Folding<TFold, long>.Run(call, axes),
        };

    /// <summary>Folds every dtype.</summary>
    internal static CpuTensor Ordered<TFold>(in KernelCall call, Dims axes)
        where TFold : IFold => call.OutputSpecs[0].DType switch
        {
            DType.Bool or DType.UInt8 => Folding<TFold, byte>.Run(call, axes),
            DType.Int8 => Folding<TFold, sbyte>.Run(call, axes),
            DType.Int16 => Folding<TFold, short>.Run(call, axes),
            _ => Numeric<TFold>(call, axes),
        };
}

/// <summary>Folds axes of one dtype by one operation.</summary>
internal static unsafe class Folding<TFold, T>
    where TFold : IFold
    where T : unmanaged, INumber<T>, IMinMaxValue<T>
{
    /// <summary>Elements of a chunk; a longer row or column is folded in pieces.</summary>
    private const int Chunk = 1 << 15;

    /// <summary>Columns of a chunk.</summary>
    private const int Tile = 256;

    /// <summary>Columns below which several rows are taken as one.</summary>
    private const int FewColumns = 32;

    /// <summary>Folds axes of one input.</summary>
    internal static CpuTensor Run(in KernelCall call, Dims axes)
    {
        CpuTensor source = (CpuTensor)call.Inputs[0], x = Dense.Of(source);
        CpuTensor y = CpuTensor.Allocate(call.OutputSpecs[0], call.Device);
        if (y.Count > 0)
        {
            fixed (T* from = &x.First<T>(), to = &y.First<T>())
            {
                Fold(from, x.Spec.Shape.AsSpan(), axes.AsSpan(), to);
            }
        }

        Dense.Done(x, source);
        return y;
    }

    private static void Fold(T* x, ReadOnlySpan<int> shape, ReadOnlySpan<int> axes, T* y)
    {
        // From the inside out: kept axes, then the folded ones that come next.
        long inner = 1, count = 1;
        int axis = shape.Length - 1, left = axes.Length - 1;
        for (; axis >= 0 && (left < 0 || axes[left] != axis || shape[axis] == 1); axis--)
        {
            left -= left >= 0 && axes[left] == axis ? 1 : 0;
            inner *= shape[axis];
        }

        for (; axis >= 0 && ((left >= 0 && axes[left] == axis) || shape[axis] == 1); axis--)
        {
            left -= left >= 0 && axes[left] == axis ? 1 : 0;
            count *= shape[axis];
        }

        long outer = 1;
        bool more = false;
        for (int i = axis; i >= 0; i--)
        {
            outer *= shape[i];
            more |= shape[i] != 1 && axes[..(left + 1)].Contains(i);
        }

        if (!more)
        {
            Table(x, (nint)outer, (nint)count, (nint)inner, y);
            return;
        }

        using Scratch<T> rest = new(outer * inner);
        Table(x, (nint)outer, (nint)count, (nint)inner, rest.First);
        int[] next = [.. shape[..(axis + 1)], (int)inner];
        Fold(rest.First, next, axes[..(left + 1)], y);
    }

    /// <summary>(outer, count, inner) elements to (outer, inner).</summary>
    private static void Table(T* x, nint outer, nint count, nint inner, T* y)
    {
        if (outer == 0 || inner == 0)
        {
            return;
        }

        if (count == 0)
        {
            new Span<T>(y, (int)(outer * inner)).Fill(TFold.Identity<T>());
            return;
        }

        // Rows or columns much longer than their number are cut, and the pieces folded again.
        nint pieces = outer * inner >= 8 * Tile ? 1 : count * inner / Chunk;
        pieces = inner == 1 ? count / Chunk : pieces;
        if (pieces > 1 && count >= 2 * pieces)
        {
            nint length = count / pieces, rest = count - (length * pieces);
            using Scratch<T> parts = new(outer * (pieces + 1) * inner);
            Work work = new(x, parts.First, outer, count, inner, length, pieces + (rest > 0 ? 1 : 0));
            Workers.Run((int)work.Units, work);
            Table(parts.First, outer, pieces + (rest > 0 ? 1 : 0), inner, y);
            return;
        }

        if (inner is > 1 and < FewColumns && count >= 8 * FewColumns)
        {
            Grouped(x, outer, count, inner, y);
            return;
        }

        Work whole = new(x, y, outer, count, inner, count, 1);
        nint chunks = outer * count * inner >= 4 * Chunk ? Math.Min(whole.Units, 64) : 1;
        Workers.Run((int)chunks, whole with { Chunks = chunks });
    }

    /// <summary>Columns too few for a vector: several rows are folded as one long one, and their parts at the end.</summary>
    private static void Grouped(T* x, nint outer, nint count, nint inner, T* y)
    {
        nint group = (4 * FewColumns) / inner, groups = count / group, rest = count - (groups * group);
        using Scratch<T> wide = new((group + rest) * inner);
        for (nint o = 0; o < outer; o++)
        {
            T* table = x + (o * count * inner);
            FoldLoops<TFold, T>.Columns(table, groups, group * inner, group * inner, wide.First);
            new ReadOnlySpan<T>(table + (groups * group * inner), (int)(rest * inner)).CopyTo(
                new Span<T>(wide.First + (group * inner), (int)(rest * inner)));
            FoldLoops<TFold, T>.Columns(wide.First, group + rest, inner, inner, y + (o * inner));
        }
    }

    /// <summary>Units are (outer, piece, tile of columns); a chunk is some of them.</summary>
    private readonly record struct Work(nint X, nint Y, nint Outer, nint Count, nint Inner, nint Length, nint Pieces, nint Chunks) : IWork
    {
        internal Work(T* x, T* y, nint outer, nint count, nint inner, nint length, nint pieces)
            : this((nint)x, (nint)y, outer, count, inner, length, pieces, 0) => Chunks = Units;

        internal nint Tiles => Pieces > 1 ? 1 : (Inner + Tile - 1) / Tile;

        internal nint Units => Outer * Pieces * Tiles;

        public void Run(int chunk)
        {
            if (Inner == 1 && Pieces == 1)
            {
                for (nint row = Outer * chunk / Chunks; row < Outer * (chunk + 1) / Chunks; row++)
                {
                    ((T*)Y)[row] = FoldLoops<TFold, T>.Row((T*)X + (row * Count), Count);
                }

                return;
            }

            for (nint unit = Units * chunk / Chunks; unit < Units * (chunk + 1) / Chunks; unit++)
            {
                (nint row, nint tile) = Math.DivRem(unit, Tiles);
                (nint outer, nint piece) = Math.DivRem(row, Pieces);
                nint first = piece * Length, count = Math.Min(Length, Count - first);
                T* x = (T*)X + (((outer * Count) + first) * Inner) + (tile * Tile), y = (T*)Y + (row * Inner) + (tile * Tile);
                if (Inner == 1)
                {
                    *y = FoldLoops<TFold, T>.Row(x, count);
                }
                else if (Pieces > 1 && Inner < FewColumns && count >= 8 * FewColumns)
                {
                    Grouped(x, 1, count, Inner, y);
                }
                else
                {
                    FoldLoops<TFold, T>.Columns(x, count, Inner, Pieces > 1 ? Inner : Math.Min(Tile, Inner - (tile * Tile)), y);
                }
            }
        }
    }
}

/// <summary>Uninitialized native memory that lives as long as a method.</summary>
/// <typeparam name="T">The element type.</typeparam>
internal readonly unsafe ref struct Scratch<T>
    where T : unmanaged
{
    private readonly CpuBlock _block;

    /// <summary>Takes memory.</summary>
    /// <param name="count">How many elements.</param>
    internal Scratch(long count) => _block = CpuBlock.Rent(count * sizeof(T));

    /// <summary>The first element.</summary>
    internal T* First => (T*)_block.Address;

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => _block.Release();
}
