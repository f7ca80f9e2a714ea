using DeepBridge.Ops;

namespace DeepBridge;

public sealed partial class Tensor
{
    /// <summary>eˣ, element by element. An integer or bool tensor becomes float32.</summary>
    /// <returns>The result.</returns>
    public Tensor Exp() => Eager.Unary(Ops.Exp.Instance, Floating());

    /// <summary>eˣ − 1, exact near 0. An integer or bool tensor becomes float32.</summary>
    /// <returns>The result.</returns>
    public Tensor Expm1() => Eager.Unary(Ops.Expm1.Instance, Floating());

    /// <summary>The natural logarithm. An integer or bool tensor becomes float32.</summary>
    /// <returns>The result.</returns>
    public Tensor Log() => Eager.Unary(Ops.Log.Instance, Floating());

    /// <summary>log(1 + x), exact near 0. An integer or bool tensor becomes float32.</summary>
    /// <returns>The result.</returns>
    public Tensor Log1p() => Eager.Unary(Ops.Log1p.Instance, Floating());

    /// <summary>The square root. An integer or bool tensor becomes float32.</summary>
    /// <returns>The result.</returns>
    public Tensor Sqrt() => Eager.Unary(Ops.Sqrt.Instance, Floating());

    /// <summary>1 / √x. An integer or bool tensor becomes float32.</summary>
    /// <returns>The result.</returns>
    public Tensor Rsqrt() => Eager.Unary(Ops.Rsqrt.Instance, Floating());

    /// <summary>The sine, in radians. An integer or bool tensor becomes float32.</summary>
    /// <returns>The result.</returns>
    public Tensor Sin() => Eager.Unary(Ops.Sin.Instance, Floating());

    /// <summary>The cosine, in radians. An integer or bool tensor becomes float32.</summary>
    /// <returns>The result.</returns>
    public Tensor Cos() => Eager.Unary(Ops.Cos.Instance, Floating());

    /// <summary>The hyperbolic tangent. An integer or bool tensor becomes float32.</summary>
    /// <returns>The result.</returns>
    public Tensor Tanh() => Eager.Unary(Ops.Tanh.Instance, Floating());

    /// <summary>The error function. An integer or bool tensor becomes float32.</summary>
    /// <returns>The result.</returns>
    public Tensor Erf() => Eager.Unary(Ops.Erf.Instance, Floating());

    /// <summary>1 / (1 + e⁻ˣ). An integer or bool tensor becomes float32.</summary>
    /// <returns>The result.</returns>
    public Tensor Sigmoid() => Eager.Unary(Ops.Sigmoid.Instance, Floating());

    /// <summary>max(x, 0).</summary>
    /// <returns>The result.</returns>
    public Tensor Relu() => Eager.Unary(Ops.Relu.Instance, Floating());

    /// <summary>|x|.</summary>
    /// <returns>The result.</returns>
    public Tensor Abs() => Eager.Unary(Ops.Abs.Instance, this);

    /// <summary>−1, 0 or 1.</summary>
    /// <returns>The result.</returns>
    public Tensor Sign() => Eager.Unary(Ops.Sign.Instance, this);

    /// <summary>The greatest integer not above x.</summary>
    /// <returns>The result.</returns>
    public Tensor Floor() => Eager.Unary(Ops.Floor.Instance, this);

    /// <summary>The least integer not below x.</summary>
    /// <returns>The result.</returns>
    public Tensor Ceiling() => Eager.Unary(Ops.Ceiling.Instance, this);

    /// <summary>The nearest integer, ties to even.</summary>
    /// <returns>The result.</returns>
    public Tensor Round() => Eager.Unary(Ops.Round.Instance, this);

    /// <summary>x to a power; shapes broadcast.</summary>
    /// <param name="exponent">The other operand.</param>
    /// <returns>The result.</returns>
    public Tensor Pow(Tensor exponent) => Eager.Binary(Ops.Power.Instance, this, exponent);

    /// <summary>x to a power; shapes broadcast.</summary>
    /// <param name="exponent">The other operand.</param>
    /// <returns>The result.</returns>
    public Tensor Pow(Scalar exponent) => Eager.Binary(Ops.Power.Instance, Strong(exponent), Weak(exponent));

    /// <summary>The greatest integer not above the quotient, as Python's <c>//</c>.</summary>
    /// <param name="divisor">The other operand.</param>
    /// <returns>The result.</returns>
    public Tensor FloorDivide(Tensor divisor) => Eager.Binary(Ops.FloorDivide.Instance, this, divisor);

    /// <summary>The greatest integer not above the quotient, as Python's <c>//</c>.</summary>
    /// <param name="divisor">The other operand.</param>
    /// <returns>The result.</returns>
    public Tensor FloorDivide(Scalar divisor) => Eager.Binary(Ops.FloorDivide.Instance, Strong(divisor), Weak(divisor));

    /// <summary>The remainder of floor division, with the divisor's sign.</summary>
    /// <param name="divisor">The other operand.</param>
    /// <returns>The result.</returns>
    public Tensor FloorModulo(Tensor divisor) => Eager.Binary(Ops.FloorModulo.Instance, this, divisor);

    /// <summary>The remainder of floor division, with the divisor's sign.</summary>
    /// <param name="divisor">The other operand.</param>
    /// <returns>The result.</returns>
    public Tensor FloorModulo(Scalar divisor) => Eager.Binary(Ops.FloorModulo.Instance, Strong(divisor), Weak(divisor));

    /// <summary>The larger of two, element by element; NaN wins.</summary>
    /// <param name="other">The other operand.</param>
    /// <returns>The result.</returns>
    public Tensor Maximum(Tensor other) => Eager.Binary(Ops.Maximum.Instance, this, other);

    /// <summary>The larger of two, element by element; NaN wins.</summary>
    /// <param name="other">The other operand.</param>
    /// <returns>The result.</returns>
    public Tensor Maximum(Scalar other) => Eager.Binary(Ops.Maximum.Instance, Strong(other), Weak(other));

    /// <summary>The smaller of two, element by element; NaN wins.</summary>
    /// <param name="other">The other operand.</param>
    /// <returns>The result.</returns>
    public Tensor Minimum(Tensor other) => Eager.Binary(Ops.Minimum.Instance, this, other);

    /// <summary>The smaller of two, element by element; NaN wins.</summary>
    /// <param name="other">The other operand.</param>
    /// <returns>The result.</returns>
    public Tensor Minimum(Scalar other) => Eager.Binary(Ops.Minimum.Instance, Strong(other), Weak(other));

    /// <summary>Limits elements to a range; the gradient at the bounds is 1, at NaN 0.</summary>
    /// <param name="low">The least.</param>
    /// <param name="high">The greatest.</param>
    /// <returns>The result.</returns>
    public Tensor Clamp(Scalar low, Scalar high)
    {
        Tensor least = Weak(low), greatest = Weak(high);
        return Where(this < least, least, Where(this > greatest, greatest, this));
    }

    /// <summary>Elements of one tensor where a condition holds, of another elsewhere; all three broadcast.</summary>
    /// <param name="condition">A bool tensor.</param>
    /// <param name="then">Where it is true.</param>
    /// <param name="otherwise">Where it is false.</param>
    /// <returns>The result.</returns>
    public static Tensor Where(Tensor condition, Tensor then, Tensor otherwise)
    {
        ArgumentNullException.ThrowIfNull(then);
        ArgumentNullException.ThrowIfNull(otherwise);
        DType common = DTypes.Promote(then.DType, otherwise.DType);
        return Eager.Run(Ops.Where.Instance, [condition, then.Cast(common), otherwise.Cast(common)]);
    }

    /// <summary>This tensor in another dtype.</summary>
    /// <param name="dtype">The dtype.</param>
    /// <returns>This where nothing changes.</returns>
    public Tensor Cast(DType dtype) => dtype == DType ? this : Eager.Unary(new Cast(dtype), this);

    /// <summary>The matrix product of the last two axes; leading axes broadcast; a tensor of one axis is a row or a column.</summary>
    /// <param name="other">The right operand.</param>
    /// <returns>The product.</returns>
    public Tensor MatMul(Tensor other)
    {
        ArgumentNullException.ThrowIfNull(other);
        DType common = DTypes.Promote(DType, other.DType);
        Tensor left = Cast(common), right = other.Cast(common);
        bool row = left.Rank == 1, column = right.Rank == 1;
        left = row ? left.Unsqueeze(0) : left;
        right = column ? right.Unsqueeze(1) : right;
        Tensor product;
        if (left.Rank > 2 && right.Rank == 2)
        {
            // One product over all rows, instead of one for each batch.
            Shape shape = left.Shape;
            product = Eager.Run(new MatMul(), [left.Flatten(0, -2), right])
                .Reshape(Shape.Create([.. shape.AsSpan()[..^1], right.Shape[^1]]).AsSpan());
        }
        else
        {
            product = Eager.Run(new MatMul(), [left, right]);
        }

        product = column ? product.Squeeze(-1) : product;
        return row ? product.Squeeze(column ? -1 : -2) : product;
    }

    private Tensor Floating() => DType.IsFloating() ? this : Cast(DType.Float32);
}
