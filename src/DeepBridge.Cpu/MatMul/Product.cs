using System.Runtime.CompilerServices;

namespace DeepBridge.Cpu;

/// <summary>One matrix product, C (+)= bias + A·B: where its operands lie and what to do with the result.</summary>
/// <typeparam name="T">The element.</typeparam>
internal readonly unsafe struct Product<T>(
    int m, int n, int k, T* a, nint aRow, nint aColumn, T* b, nint bRow, nint bColumn, T* c, nint cRow, bool accumulate = false, T* bias = null)
    where T : unmanaged
{
    /// <summary>Rows of A and C.</summary>
    public int M { get; init; } = m;

    /// <summary>Columns of B and C.</summary>
    public int N { get; init; } = n;

    /// <summary>Columns of A and rows of B.</summary>
    public int K { get; init; } = k;

    /// <summary>First element of A.</summary>
    public T* A { get; init; } = a;

    /// <summary>Elements between rows of A.</summary>
    public nint ARow { get; init; } = aRow;

    /// <summary>Elements between columns of A.</summary>
    public nint AColumn { get; init; } = aColumn;

    /// <summary>First element of B.</summary>
    public T* B { get; init; } = b;

    /// <summary>Elements between rows of B.</summary>
    public nint BRow { get; init; } = bRow;

    /// <summary>Elements between columns of B.</summary>
    public nint BColumn { get; init; } = bColumn;

    /// <summary>First element of C, whose columns are adjacent.</summary>
    public T* C { get; init; } = c;

    /// <summary>Elements between rows of C.</summary>
    public nint CRow { get; init; } = cRow;

    /// <summary>Whether C is added to, not replaced.</summary>
    public bool Accumulate { get; init; } = accumulate;

    /// <summary>A row added to each row of C, or null.</summary>
    public T* Bias { get; init; } = bias;

    /// <summary>Floating-point operations, two for each multiply-add.</summary>
    public long Cost => 2L * M * N * K;

    /// <summary>The part of this product that makes some rows and columns of C.</summary>
    /// <param name="row">First row.</param>
    /// <param name="column">First column.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Product<T> Slice(int row, int column, int rows, int columns) => this with
    {
        M = rows,
        N = columns,
        A = A + (row * ARow),
        B = B + (column * BColumn),
        C = C + (row * CRow) + column,
        Bias = Bias == null ? null : Bias + column,
    };

    /// <summary>The product of one matrix of a batch.</summary>
    /// <param name="a">Elements to its A.</param>
    /// <param name="b">Elements to its B.</param>
    /// <param name="c">Elements to its C.</param>
    public Product<T> Shift(nint a, nint b, nint c) => this with { A = A + a, B = B + b, C = C + c };
}
