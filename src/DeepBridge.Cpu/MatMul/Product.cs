using System.Runtime.CompilerServices;

namespace DeepBridge.Cpu;

/// <summary>One matrix product, C (+)= bias + A·B: where its operands lie and what to do with the result.</summary>
/// <typeparam name="T">The element.</typeparam>
internal readonly unsafe struct Product<T>
    where T : unmanaged
{
    /// <summary>Rows of A and C.</summary>
    public required int M { get; init; }

    /// <summary>Columns of B and C.</summary>
    public required int N { get; init; }

    /// <summary>Columns of A and rows of B.</summary>
    public required int K { get; init; }

    /// <summary>First element of A.</summary>
    public required T* A { get; init; }

    /// <summary>Elements between rows of A.</summary>
    public required nint ARow { get; init; }

    /// <summary>Elements between columns of A.</summary>
    public required nint AColumn { get; init; }

    /// <summary>First element of B.</summary>
    public required T* B { get; init; }

    /// <summary>Elements between rows of B.</summary>
    public required nint BRow { get; init; }

    /// <summary>Elements between columns of B.</summary>
    public required nint BColumn { get; init; }

    /// <summary>First element of C, whose columns are adjacent.</summary>
    public required T* C { get; init; }

    /// <summary>Elements between rows of C.</summary>
    public required nint CRow { get; init; }

    /// <summary>Whether C is added to, not replaced.</summary>
    public bool Accumulate { get; init; }

    /// <summary>A row added to each row of C, or null.</summary>
    public T* Bias { get; init; }

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
