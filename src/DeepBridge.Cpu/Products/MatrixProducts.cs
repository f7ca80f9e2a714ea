using System.Numerics;

namespace DeepBridge.Cpu;

/// <summary>Matrix products of tensors: from shapes and strides to <see cref="Gemm"/>, without copies of the operands.</summary>
internal static unsafe class MatrixProducts
{
    /// <summary>Batches whose offsets lie on the stack.</summary>
    private const int SmallBatch = 64;

    /// <summary>result = left · right + bias over the last two axes; leading axes broadcast.</summary>
    /// <typeparam name="T">The element.</typeparam>
    /// <param name="left">The left operand, of rank 2 or more, or 1: a row.</param>
    /// <param name="transposeLeft">Whether its matrices are read transposed.</param>
    /// <param name="right">The right operand, of rank 2 or more.</param>
    /// <param name="transposeRight">Whether its matrices are read transposed.</param>
    /// <param name="bias">A dense row that is added to each row of the result, or null.</param>
    /// <param name="spec">Shape and dtype of the result.</param>
    /// <returns>The result.</returns>
    internal static CpuTensor Multiply<T>(
        CpuTensor left, bool transposeLeft, CpuTensor right, bool transposeRight, CpuTensor? bias, TensorSpec spec)
        where T : unmanaged, INumber<T>
    {
        CpuTensor result = CpuTensor.Allocate(spec, left.Device);
        if (spec.Count == 0)
        {
            return result;
        }

        // A row is a matrix whose row stride is never used.
        int rank = Math.Max(spec.Rank, 2), axes = rank - 2;
        Span<int> extents = stackalloc int[rank];
        extents.Fill(1);
        spec.Shape.AsSpan().CopyTo(extents[(rank - spec.Rank)..]);
        Span<nint> a = stackalloc nint[rank], b = stackalloc nint[rank];
        Strides(left, extents, a);
        Strides(right, extents, b);
        (nint aRow, nint aColumn) = transposeLeft ? (a[^1], a[^2]) : (a[^2], a[^1]);
        (nint bRow, nint bColumn) = transposeRight ? (b[^1], b[^2]) : (b[^2], b[^1]);
        int rows = extents[^2], depth = left.Spec.Shape[transposeLeft ? ^2 : ^1];

        // Where one right matrix serves a run of left ones, their rows are one tall matrix.
        while (axes > 0 && (extents[axes - 1] == 1 || (b[axes - 1] == 0 && (rows == 1 || a[axes - 1] == rows * aRow))))
        {
            axes--;
            if (extents[axes] > 1)
            {
                aRow = rows == 1 ? a[axes] : aRow;
                rows *= extents[axes];
            }
        }

        fixed (T* first = &left.First<T>(), second = &right.First<T>(), target = &result.First<T>())
        fixed (T* addend = bias is null ? [] : bias.Span<T>())
        {
            Product<T> product = new(rows, extents[^1], depth, first, aRow, aColumn, second, bRow, bColumn, target, extents[^1], bias: addend);
            if (axes == 0)
            {
                Gemm.Multiply(product);
            }
            else
            {
                Batch(product, extents[..axes], a, b);
            }
        }

        return result;
    }

    private static void Batch<T>(in Product<T> product, ReadOnlySpan<int> extents, ReadOnlySpan<nint> a, ReadOnlySpan<nint> b)
        where T : unmanaged, INumber<T>
    {
        int count = 1;
        foreach (int extent in extents)
        {
            count *= extent;
        }

        nint* near = stackalloc nint[3 * SmallBatch];
        CpuBlock? far = count > SmallBatch ? CpuBlock.Rent(3L * count * sizeof(nint)) : null;
        nint* offsets = far is null ? near : (nint*)far.Address;
        Offsets(extents, a, count, offsets);
        Offsets(extents, b, count, offsets + count);
        for (int i = 0; i < count; i++)
        {
            offsets[(2 * count) + i] = i * (nint)product.M * product.N;
        }

        Gemm.MultiplyBatch(product, count, offsets, offsets + count, offsets + (2 * count));
        far?.Release();
    }

    private static void Offsets(ReadOnlySpan<int> extents, ReadOnlySpan<nint> strides, int count, nint* offsets)
    {
        for (int i = 0; i < count; i++)
        {
            int rest = i;
            nint offset = 0;
            for (int axis = extents.Length - 1; axis >= 0; axis--)
            {
                (rest, int index) = Math.DivRem(rest, extents[axis]);
                offset += index * strides[axis];
            }

            offsets[i] = offset;
        }
    }

    /// <summary>The strides of an operand along the axes of the result; 0 along leading axes that it repeats.</summary>
    private static void Strides(CpuTensor operand, ReadOnlySpan<int> extents, Span<nint> strides)
    {
        strides.Clear();
        ReadOnlySpan<int> own = operand.Spec.Shape.AsSpan();
        int missing = extents.Length - own.Length;
        nint dense = 1;
        for (int axis = own.Length - 1; axis >= 0; axis--)
        {
            bool repeated = own[axis] == 1 && missing + axis < extents.Length - 2;
            strides[missing + axis] = repeated ? 0 : operand.Strides is { } given ? (nint)given[axis] : dense;
            dense *= own[axis];
        }
    }
}
