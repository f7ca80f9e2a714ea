namespace DeepBridge.TensorFlow.Lowering;

internal static partial class Lowered
{
    private static nint Multiplied(in Site s, bool transposeLeft, bool transposeRight)
    {
        Emitter e = s.Emit;
        Shape left = s.Ins[0].Shape;
        bool matrix = left.Rank == 2;
        if (s.Ins[1].Rank != 2 || (transposeLeft && !matrix))
        {
            return e.Op("BatchMatMulV2"u8, s.X).Flag("adj_x"u8, transposeLeft).Flag("adj_y"u8, transposeRight).One();
        }

        nint rows = matrix ? s.X[0] : e.Reshape(s.X[0], [-1, left[^1]]);
        nint product = e.Op("MatMul"u8, rows, s.X[1]).Flag("transpose_a"u8, transposeLeft).Flag("transpose_b"u8, transposeRight).One();
        if (s.X.Length == 3)
        {
            product = e.Op(s.Ins[0].DType.IsFloating() ? "BiasAdd"u8 : "AddV2"u8, e.Last(product), s.X[2]).One();
        }

        return matrix ? product : e.Reshape(product, s.Outs[0].Shape.Dims);
    }
}
