using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Lowering;

internal static partial class Lowered
{
    private static nint[]? Multiplied(Op op, in Site s) => op switch
    {
        MatMul or Linear when s.Ins[0].Count == 0 || s.Ins[1].Count == 0 => [Zeros(s)],
        MatMul product => [Product(product, s)],
        Linear => [Affine(s)],
        _ => null,
    };

    /// <summary>Sums of no terms, and the bias. In a graph, TensorFlow would fuse both, and end the process over an empty matrix.</summary>
    private static nint Zeros(in Site s)
    {
        nint zeros = s.Emit.Op("Fill"u8, s.Emit.Integers(s.Outs[0].Shape.Dims), s.Emit.Number(0, s.Outs[0].DType)).One();
        return s.X.Length == 3 ? s.Emit.Op("AddV2"u8, zeros, s.X[2]).One() : zeros;
    }

    private static nint Product(MatMul op, in Site s)
    {
        Emitter e = s.Emit;
        nint x = s.X[0], y = s.X[1];
        Shape left = s.Ins[0].Shape, right = s.Ins[1].Shape;
        if (left.Rank == 2 && right.Rank == 2)
        {
            return Matrices(e, x, y, op.TransposeLeft, op.TransposeRight);
        }

        if (right.Rank == 2 && !op.TransposeLeft)
        {
            nint rows = e.Reshape(x, [Rows(left), left[^1]]);
            return e.Reshape(Matrices(e, rows, y, false, op.TransposeRight), s.Outs[0].Shape.Dims);
        }

        return e.Op("BatchMatMulV2"u8, x, y).Flag("adj_x"u8, op.TransposeLeft).Flag("adj_y"u8, op.TransposeRight).One();
    }

    private static nint Affine(in Site s)
    {
        Emitter e = s.Emit;
        Shape x = s.Ins[0].Shape;
        nint product = Matrices(e, x.Rank == 2 ? s.X[0] : e.Reshape(s.X[0], [Rows(x), x[^1]]), s.X[1], false, true);
        if (s.X.Length == 3)
        {
            product = s.Ins[0].DType.IsFloating()
                ? e.Op("BiasAdd"u8, e.Last(product), s.X[2]).One()
                : e.Op("AddV2"u8, e.Last(product), s.X[2]).One();
        }

        return x.Rank == 2 ? product : e.Reshape(product, s.Outs[0].Shape.Dims);
    }

    private static nint Matrices(Emitter e, nint x, nint y, bool transposeLeft, bool transposeRight) =>
        e.Op("MatMul"u8, x, y).Flag("transpose_a"u8, transposeLeft).Flag("transpose_b"u8, transposeRight).One();

    private static int Rows(Shape shape) => Count(shape.AsSpan()[..^1]);

    private static int Count(ReadOnlySpan<int> extents) => checked((int)Shape.Create(extents).Count);
}
