using System.Numerics;
using DeepBridge.Backends;

namespace DeepBridge.Cpu;

/// <summary>
/// Folds axes. Neighbouring axes with one fate are one; then the innermost run of folded axes goes first, so that the
/// work is always a table of (outer, folded, inner) elements, whose rows or columns are folded.
/// </summary>
internal static unsafe class Reducing
{
    /// <summary>Elements of a chunk; a longer row or column is folded in pieces.</summary>
    private const int Chunk = 1 << 15;

    /// <summary>Columns of a chunk.</summary>
    private const int Tile = 256;

    /// <summary>Columns below which several rows are taken as one.</summary>
    private const int FewColumns = 32;

    /// <summary>Folds dtypes that compute.</summary>
    internal static void Numeric<TFold>(in KernelCall call, Dims axes)
        where TFold : IFold
    {
        switch (call.OutputSpecs[0].DType)
        {
            case DType.Float32:
                Run<TFold, float>(call, axes);
                break;
            case DType.Float64:
                Run<TFold, double>(call, axes);
                break;
            case DType.Int32:
                Run<TFold, int>(call, axes);
                break;
            default:
                Run<TFold, long>(call, axes);
                break;
        }
    }

    /// <summary>Folds every dtype.</summary>
    internal static void Ordered<TFold>(in KernelCall call, Dims axes)
        where TFold : IFold
    {
        switch (call.OutputSpecs[0].DType)
        {
            case DType.Bool or DType.UInt8:
                Run<TFold, byte>(call, axes);
                break;
            case DType.Int8:
                Run<TFold, sbyte>(call, axes);
                break;
            case DType.Int16:
                Run<TFold, short>(call, axes);
                break;
            default:
                Numeric<TFold>(call, axes);
                break;
        }
    }

    /// <summary>Folds axes of one input.</summary>
    internal static void Run<TFold, T>(in KernelCall call, Dims axes)
        where TFold : IFold
        where T : unmanaged, INumber<T>, IMinMaxValue<T>
    {
        CpuTensor source = (CpuTensor)call.Inputs[0], x = Dense.Of(source);
        CpuTensor y = CpuTensor.Allocate(call.OutputSpecs[0], call.Device);
        call.Outputs[0] = y;
        if (y.Count > 0)
        {
            fixed (T* from = &x.First<T>(), to = &y.First<T>())
            {
                Fold<TFold, T>(from, x.Spec.Shape.AsSpan(), axes.AsSpan(), to);
            }
        }

        Dense.Done(x, source);
    }

    private static void Fold<TFold, T>(T* x, ReadOnlySpan<int> shape, ReadOnlySpan<int> axes, T* y)
        where TFold : IFold
        where T : unmanaged, INumber<T>, IMinMaxValue<T>
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
            Table<TFold, T>(x, (nint)outer, (nint)count, (nint)inner, y);
            return;
        }

        using Scratch<T> rest = new(outer * inner);
        Table<TFold, T>(x, (nint)outer, (nint)count, (nint)inner, rest.First);
        int[] next = [.. shape[..(axis + 1)], (int)inner];
        Fold<TFold, T>(rest.First, next, axes[..(left + 1)], y);
    }

    /// <summary>(outer, count, inner) elements to (outer, inner).</summary>
    private static void Table<TFold, T>(T* x, nint outer, nint count, nint inner, T* y)
        where TFold : IFold
        where T : unmanaged, INumber<T>, IMinMaxValue<T>
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
            Work<TFold, T> work = new(x, parts.First, outer, count, inner, length, pieces + (rest > 0 ? 1 : 0));
            Workers.Run((int)work.Units, work);
            Table<TFold, T>(parts.First, outer, pieces + (rest > 0 ? 1 : 0), inner, y);
            return;
        }

        if (inner is > 1 and < FewColumns && count >= 8 * FewColumns)
        {
            Grouped<TFold, T>(x, outer, count, inner, y);
            return;
        }

        Work<TFold, T> whole = new(x, y, outer, count, inner, count, 1);
        if (outer * count * inner >= 4 * Chunk && whole.Units > 1)
        {
            Workers.Run((int)Math.Min(whole.Units, 64), whole with { Chunks = Math.Min(whole.Units, 64) });
        }
        else
        {
            (whole with { Chunks = 1 }).Run(0);
        }
    }

    /// <summary>Columns too few for a vector: several rows are folded as one long one, and their parts at the end.</summary>
    private static void Grouped<TFold, T>(T* x, nint outer, nint count, nint inner, T* y)
        where TFold : IFold
        where T : unmanaged, INumber<T>, IMinMaxValue<T>
    {
        nint group = (4 * FewColumns) / inner, groups = count / group, rest = count - (groups * group);
        using Scratch<T> wide = new((group + rest) * inner);
        for (nint o = 0; o < outer; o++)
        {
            T* table = x + (o * count * inner);
            FoldLoops.Columns<TFold, T>(table, groups, group * inner, group * inner, wide.First);
            new ReadOnlySpan<T>(table + (groups * group * inner), (int)(rest * inner)).CopyTo(
                new Span<T>(wide.First + (group * inner), (int)(rest * inner)));
            FoldLoops.Columns<TFold, T>(wide.First, group + rest, inner, inner, y + (o * inner));
        }
    }

    /// <summary>Units are (outer, piece, tile of columns); a chunk is some of them.</summary>
    private readonly record struct Work<TFold, T>(nint X, nint Y, nint Outer, nint Count, nint Inner, nint Length, nint Pieces, nint Chunks) : IWork
        where TFold : IFold
        where T : unmanaged, INumber<T>, IMinMaxValue<T>
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
                    ((T*)Y)[row] = FoldLoops.Row<TFold, T>((T*)X + (row * Count), Count);
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
                    *y = FoldLoops.Row<TFold, T>(x, count);
                }
                else if (Pieces > 1 && Inner < FewColumns && count >= 8 * FewColumns)
                {
                    Grouped<TFold, T>(x, 1, count, Inner, y);
                }
                else
                {
                    FoldLoops.Columns<TFold, T>(x, count, Inner, Pieces > 1 ? Inner : Math.Min(Tile, Inner - (tile * Tile)), y);
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
