using System.Runtime.CompilerServices;
using DeepBridge.Ops;

namespace DeepBridge;

public sealed partial class Tensor
{
    /// <summary>The sum; shapes broadcast, dtypes are promoted.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator +(Tensor left, Tensor right) => Eager.Binary(Ops.Add.Instance, left, right);

    /// <summary>The sum; shapes broadcast, dtypes are promoted.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator +(Tensor left, Scalar right) => Eager.Binary(Ops.Add.Instance, left.Strong(right), left.Weak(right));

    /// <summary>The sum; shapes broadcast, dtypes are promoted.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator +(Scalar left, Tensor right) => Eager.Binary(Ops.Add.Instance, right.Weak(left), right.Strong(left));

    /// <summary>The difference; shapes broadcast, dtypes are promoted.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator -(Tensor left, Tensor right) => Eager.Binary(Ops.Subtract.Instance, left, right);

    /// <summary>The difference; shapes broadcast, dtypes are promoted.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator -(Tensor left, Scalar right) => Eager.Binary(Ops.Subtract.Instance, left.Strong(right), left.Weak(right));

    /// <summary>The difference; shapes broadcast, dtypes are promoted.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator -(Scalar left, Tensor right) => Eager.Binary(Ops.Subtract.Instance, right.Weak(left), right.Strong(left));

    /// <summary>The product, element by element; shapes broadcast, dtypes are promoted.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator *(Tensor left, Tensor right) => Eager.Binary(Ops.Multiply.Instance, left, right);

    /// <summary>The product, element by element; shapes broadcast, dtypes are promoted.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator *(Tensor left, Scalar right) => Eager.Binary(Ops.Multiply.Instance, left.Strong(right), left.Weak(right));

    /// <summary>The product, element by element; shapes broadcast, dtypes are promoted.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator *(Scalar left, Tensor right) => Eager.Binary(Ops.Multiply.Instance, right.Weak(left), right.Strong(left));

    /// <summary>The quotient in floating point; integers become float32. Shapes broadcast, dtypes are promoted.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator /(Tensor left, Tensor right) => Quotient(left, right);

    /// <summary>The quotient in floating point; integers become float32. Shapes broadcast, dtypes are promoted.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator /(Tensor left, Scalar right) => Quotient(left.Strong(right), left.Weak(right));

    /// <summary>The quotient in floating point; integers become float32. Shapes broadcast, dtypes are promoted.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator /(Scalar left, Tensor right) => Quotient(right.Weak(left), right.Strong(left));

    /// <summary>The remainder of floor division: it has the sign of the divisor, as in Python, not as in C#.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator %(Tensor left, Tensor right) => Eager.Binary(Ops.FloorModulo.Instance, left, right);

    /// <summary>The remainder of floor division: it has the sign of the divisor, as in Python, not as in C#.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator %(Tensor left, Scalar right) => Eager.Binary(Ops.FloorModulo.Instance, left.Strong(right), left.Weak(right));

    /// <summary>The remainder of floor division: it has the sign of the divisor, as in Python, not as in C#.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator %(Scalar left, Tensor right) => Eager.Binary(Ops.FloorModulo.Instance, right.Weak(left), right.Strong(left));

    /// <summary>Whether elements are equal; false for NaN.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator ==(Tensor left, Tensor right) => Eager.Binary(Ops.Equal.Instance, left, right);

    /// <summary>Whether elements are equal; false for NaN.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator ==(Tensor left, Scalar right) => Eager.Binary(Ops.Equal.Instance, left.Strong(right), left.Weak(right));

    /// <summary>Whether elements are equal; false for NaN.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator ==(Scalar left, Tensor right) => Eager.Binary(Ops.Equal.Instance, right.Weak(left), right.Strong(left));

    /// <summary>Whether elements differ; true for NaN.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator !=(Tensor left, Tensor right) => Eager.Binary(Ops.NotEqual.Instance, left, right);

    /// <summary>Whether elements differ; true for NaN.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator !=(Tensor left, Scalar right) => Eager.Binary(Ops.NotEqual.Instance, left.Strong(right), left.Weak(right));

    /// <summary>Whether elements differ; true for NaN.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator !=(Scalar left, Tensor right) => Eager.Binary(Ops.NotEqual.Instance, right.Weak(left), right.Strong(left));

    /// <summary>Whether left is below right.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator <(Tensor left, Tensor right) => Eager.Binary(Ops.Less.Instance, left, right);

    /// <summary>Whether left is below right.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator <(Tensor left, Scalar right) => Eager.Binary(Ops.Less.Instance, left.Strong(right), left.Weak(right));

    /// <summary>Whether left is below right.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator <(Scalar left, Tensor right) => Eager.Binary(Ops.Less.Instance, right.Weak(left), right.Strong(left));

    /// <summary>Whether left is at most right.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator <=(Tensor left, Tensor right) => Eager.Binary(Ops.LessEqual.Instance, left, right);

    /// <summary>Whether left is at most right.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator <=(Tensor left, Scalar right) => Eager.Binary(Ops.LessEqual.Instance, left.Strong(right), left.Weak(right));

    /// <summary>Whether left is at most right.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator <=(Scalar left, Tensor right) => Eager.Binary(Ops.LessEqual.Instance, right.Weak(left), right.Strong(left));

    /// <summary>Whether left is above right.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator >(Tensor left, Tensor right) => Eager.Binary(Ops.Greater.Instance, left, right);

    /// <summary>Whether left is above right.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator >(Tensor left, Scalar right) => Eager.Binary(Ops.Greater.Instance, left.Strong(right), left.Weak(right));

    /// <summary>Whether left is above right.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator >(Scalar left, Tensor right) => Eager.Binary(Ops.Greater.Instance, right.Weak(left), right.Strong(left));

    /// <summary>Whether left is at least right.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator >=(Tensor left, Tensor right) => Eager.Binary(Ops.GreaterEqual.Instance, left, right);

    /// <summary>Whether left is at least right.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator >=(Tensor left, Scalar right) => Eager.Binary(Ops.GreaterEqual.Instance, left.Strong(right), left.Weak(right));

    /// <summary>Whether left is at least right.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator >=(Scalar left, Tensor right) => Eager.Binary(Ops.GreaterEqual.Instance, right.Weak(left), right.Strong(left));

    /// <summary>Both; bool operands.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator &(Tensor left, Tensor right) => Eager.Binary(Ops.LogicalAnd.Instance, left, right);

    /// <summary>Either or both; bool operands.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator |(Tensor left, Tensor right) => Eager.Binary(Ops.LogicalOr.Instance, left, right);

    /// <summary>Either but not both; bool operands.</summary>
    /// <param name="left">The left operand.</param>
    /// <param name="right">The right operand.</param>
    public static Tensor operator ^(Tensor left, Tensor right) => Eager.Binary(Ops.LogicalXor.Instance, left, right);

    /// <summary>Not; a bool operand.</summary>
    /// <param name="operand">The operand.</param>
    public static Tensor operator !(Tensor operand) => Eager.Unary(Ops.LogicalNot.Instance, operand);

    /// <summary>The negative.</summary>
    /// <param name="operand">The operand.</param>
    public static Tensor operator -(Tensor operand) => Eager.Unary(Ops.Negate.Instance, operand);

    /// <summary>The identity.</summary>
    /// <param name="operand">The operand.</param>
    public static Tensor operator +(Tensor operand) => operand;

    /// <summary>Tensors are compared by reference here; <c>==</c> compares their elements and gives a tensor.</summary>
    /// <param name="obj">The other.</param>
    /// <returns>Whether it is the same object.</returns>
    public override bool Equals(object? obj) => ReferenceEquals(this, obj);

    /// <inheritdoc/>
    public override int GetHashCode() => RuntimeHelpers.GetHashCode(this);

    /// <summary>A scalar as a tensor that meets this one without widening it.</summary>
    private Tensor Weak(Scalar scalar) => Eager.Constant(scalar, scalar.Meet(DType), Data.Device);

    /// <summary>This tensor in the dtype in which it meets a scalar.</summary>
    private Tensor Strong(Scalar scalar) => Cast(scalar.Meet(DType));

    private static Tensor Quotient(Tensor left, Tensor right) => Eager.Binary(
        Ops.Divide.Instance, left.DType.IsFloating() || right.DType.IsFloating() ? left : left.Cast(DType.Float32), right);
}
