namespace DeepBridge.Memory;

/// <summary>
/// How many counted blocks of data live, process-wide. Each thread counts in a cell of its own, since an interlocked
/// counter would cost every op twice; a cell's share survives its thread.
/// </summary>
public static class LiveTensors
{
    private static readonly Lock s_lock = new();
    private static readonly List<WeakReference<Cell>> s_cells = [];
    private static long s_finished;

    [ThreadStatic]
    private static Cell? t_cell;

    /// <summary>
    /// Blocks of data that were made and not yet released. Exact once the threads that make and release tensors are at
    /// rest. Blocks that belong to no scope and were left to the garbage collector stay counted.
    /// </summary>
    public static long Count
    {
        get
        {
            lock (s_lock)
            {
                long sum = s_finished;
                foreach (WeakReference<Cell> reference in s_cells)
                {
                    sum += reference.TryGetTarget(out Cell? cell) ? cell.Value : 0;
                }

                return sum;
            }
        }
    }

    internal static void Created() => (t_cell ?? NewCell()).Value++;

    internal static void Released() => (t_cell ?? NewCell()).Value--;

    private static Cell NewCell()
    {
        Cell cell = new();
        lock (s_lock)
        {
            s_cells.RemoveAll(static reference => !reference.TryGetTarget(out _));
            s_cells.Add(new WeakReference<Cell>(cell, trackResurrection: true));
        }

        return t_cell = cell;
    }

    private sealed class Cell
    {
        internal long Value;

        // Emptied, since the cell can still be reached until it has been finalized.
        ~Cell()
        {
            lock (s_lock)
            {
                s_finished += Value;
                Value = 0;
            }
        }
    }
}
