using System.Numerics;
using System.Runtime.Intrinsics;

namespace DeepBridge.Cpu;

/// <summary>Matrix multiplication.</summary>
/// <remarks>
/// NaN and infinity behave as in the sums written out: no element is skipped. The result doesn't depend on the number
/// of threads. Operands may overlap each other, but not C.
/// </remarks>
internal static unsafe class Gemm
{
    /// <summary>Operations below which waking a second thread costs more than it saves.</summary>
    private const long ParallelCost = 4_000_000;

    /// <summary>Operations of a chunk, at least.</summary>
    private const long ChunkCost = 1_000_000;

    /// <summary>Chunks enough to keep the threads of a large machine busy to the end.</summary>
    private const int ChunksWanted = 32;

    /// <summary>Rows of a chunk are a multiple of this, a whole number of the largest tiles.</summary>
    private const int RowGrain = 42;

    /// <summary>Columns of a chunk are a multiple of this, at least a whole tile of every type.</summary>
    private const int ColumnGrain = 64;

    /// <summary>The same for a single row of C: there memory sets the pace, and it is fastest along whole pages.</summary>
    private const int PageColumns = 1024;

    /// <summary>The widest vectors this machine has.</summary>
    public static SimdLevel BestLevel =>
        Vector512.IsHardwareAccelerated ? SimdLevel.Vector512
        : Vector256.IsHardwareAccelerated ? SimdLevel.Vector256
        : SimdLevel.Vector128;

    /// <summary>The vectors to use: the widest, unless a test asks for less.</summary>
    public static SimdLevel Level { get; set; } = BestLevel;

    /// <summary>C = A·B + bias, or C += A·B + bias.</summary>
    /// <typeparam name="T">float, double, int or long.</typeparam>
    /// <param name="m">Rows of A and C.</param>
    /// <param name="n">Columns of B and C.</param>
    /// <param name="k">Columns of A and rows of B.</param>
    /// <param name="a">First element of A.</param>
    /// <param name="aRow">Elements between rows of A.</param>
    /// <param name="aColumn">Elements between columns of A.</param>
    /// <param name="b">First element of B.</param>
    /// <param name="bRow">Elements between rows of B.</param>
    /// <param name="bColumn">Elements between columns of B.</param>
    /// <param name="c">First element of C, whose columns are adjacent.</param>
    /// <param name="cRow">Elements between rows of C.</param>
    /// <param name="accumulate">Whether C is added to, not replaced.</param>
    /// <param name="bias">A row of <paramref name="n"/> elements added to each row of C, or null.</param>
    public static void Multiply<T>(
        int m, int n, int k, T* a, nint aRow, nint aColumn, T* b, nint bRow, nint bColumn, T* c, nint cRow,
        bool accumulate = false, T* bias = null)
        where T : unmanaged, INumber<T> =>
        Multiply(new Product<T>(m, n, k, a, aRow, aColumn, b, bRow, bColumn, c, cRow, accumulate, bias));

    /// <summary>One product.</summary>
    /// <typeparam name="T">float, double, int or long.</typeparam>
    /// <param name="product">The product.</param>
    public static void Multiply<T>(in Product<T> product)
        where T : unmanaged, INumber<T>
    {
        if (product.M <= 0 || product.N <= 0)
        {
            return;
        }

        if (product.Cost < ParallelCost || !Workers.Available)
        {
            OnThisThread(product, product);
            return;
        }

        int rows = product.M;
        int columns = product.N;
        int columnGrain = product.M == 1 ? PageColumns : ColumnGrain;
        while ((rows > 256 || columns > 512 || Chunks(product, rows, columns) < ChunksWanted)
            && (long)rows * columns * product.K > ChunkCost)
        {
            int halfRows = RoundUp((rows + 1) / 2, RowGrain);
            int halfColumns = RoundUp((columns + 1) / 2, columnGrain);
            if (halfColumns < columns && (columns >= rows || halfRows >= rows))
            {
                columns = halfColumns;
            }
            else if (halfRows < rows)
            {
                rows = halfRows;
            }
            else
            {
                break;
            }
        }

        Workers.Run(Chunks(product, rows, columns), new Grid<T>(product, rows, columns));
    }

    /// <summary>Many products of one shape.</summary>
    /// <typeparam name="T">float, double, int or long.</typeparam>
    /// <param name="product">The shape, the strides and the first element of all A, all B and all C.</param>
    /// <param name="batch">How many.</param>
    /// <param name="aOffsets">For each, the elements to its A; equal ones share a matrix.</param>
    /// <param name="bOffsets">For each, the elements to its B.</param>
    /// <param name="cOffsets">For each, the elements to its C, all apart.</param>
    public static void MultiplyBatch<T>(in Product<T> product, int batch, nint* aOffsets, nint* bOffsets, nint* cOffsets)
        where T : unmanaged, INumber<T>
    {
        if (batch <= 0 || product.M <= 0 || product.N <= 0)
        {
            return;
        }

        // A small product is given whole to a thread, several at a time; a large one is itself cut up.
        long cost = Math.Max(1, product.Cost);
        bool whole = cost < ParallelCost || (cost < ChunksWanted * ChunkCost && batch >= ChunksWanted);
        int group = whole ? (int)Math.Clamp(ChunkCost / cost, 1, batch) : batch;
        Batch<T> work = new(product, batch, group, aOffsets, bOffsets, cOffsets);
        if (whole && cost * batch >= ParallelCost)
        {
            Workers.Run((batch + group - 1) / group, work);
        }
        else
        {
            work.Run(0, batch);
        }
    }

    private static int Chunks<T>(in Product<T> product, int rows, int columns)
        where T : unmanaged =>
        ((product.M + rows - 1) / rows) * ((product.N + columns - 1) / columns);

    private static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;

    private static void OnThisThread<T>(in Product<T> block, in Product<T> whole)
        where T : unmanaged, INumber<T>
    {
        SimdLevel level = Level;
        if (level == SimdLevel.Vector512 && Vector512.IsHardwareAccelerated)
        {
            Run<Lanes512<T>, Vector512<T>, T>(block, whole);
        }
        else if (level >= SimdLevel.Vector256 && Vector256.IsHardwareAccelerated)
        {
            Run<Lanes256<T>, Vector256<T>, T>(block, whole);
        }
        else
        {
            Run<Lanes128<T>, Vector128<T>, T>(block, whole);
        }
    }

    private static void Run<TLanes, TVector, T>(in Product<T> block, in Product<T> whole)
        where TLanes : ILanes<TVector, T>
        where TVector : unmanaged
        where T : unmanaged, INumber<T>
    {
        if (!VectorProduct<TLanes, TVector, T>.TryRun(block, whole))
        {
            BlockProduct<TLanes, TVector, T>.Run(block);
        }
    }

    /// <summary>The chunks of one large product: blocks of C.</summary>
    private readonly struct Grid<T>(Product<T> product, int rows, int columns) : IWork
        where T : unmanaged, INumber<T>
    {
        /// <inheritdoc/>
        public void Run(int chunk)
        {
            int across = (product.N + columns - 1) / columns;
            int row = chunk / across * rows;
            int column = chunk % across * columns;
            Product<T> block = product.Slice(
                row, column, Math.Min(rows, product.M - row), Math.Min(columns, product.N - column));
            OnThisThread(block, product);
        }
    }

    /// <summary>The chunks of a batch: groups of products.</summary>
    private readonly struct Batch<T>(Product<T> product, int batch, int group, nint* a, nint* b, nint* c) : IWork
        where T : unmanaged, INumber<T>
    {
        /// <inheritdoc/>
        public void Run(int chunk) => Run(chunk * group, Math.Min(batch, (chunk + 1) * group));

        /// <summary>The products from one index to before another.</summary>
        public void Run(int start, int end)
        {
            for (int i = start; i < end; i++)
            {
                Multiply(product.Shift(a[i], b[i], c[i]));
            }
        }
    }
}
