using System.Numerics;
using System.Runtime.CompilerServices;
using DeepBridge.Backends;

namespace DeepBridge.Cpu;

/// <summary>Runs elementwise functions of two inputs, which broadcast.</summary>
internal static class Binary
{
    /// <summary>A function of every dtype that computes.</summary>
    internal static void Numeric<TOp>(in KernelCall call)
        where TOp : IBinary
    {
        switch (call.OutputSpecs[0].DType)
        {
            case DType.Float32:
                Run<Values<TOp, float>, float, float>(call, 0, 1);
                break;
            case DType.Float64:
                Run<Values<TOp, double>, double, double>(call, 0, 1);
                break;
            case DType.Int32:
                Run<Values<TOp, int>, int, int>(call, 0, 1);
                break;
            default:
                Run<Values<TOp, long>, long, long>(call, 0, 1);
                break;
        }
    }

    /// <summary>Powers; a square is a product.</summary>
    internal static void Power(in KernelCall call)
    {
        CpuTensor exponent = (CpuTensor)call.Inputs[1];
        bool square = exponent.Count == 1 && call.Inputs[0].Spec.Equals(call.OutputSpecs[0])
            && ((exponent.Spec.DType == DType.Float32 && exponent.First<float>() == 2) || (exponent.Spec.DType == DType.Float64 && exponent.First<double>() == 2));
        if (square)
        {
            Unary.Floating<SquareKernel>(call);
        }
        else
        {
            Numeric<EachKernel<PowerScalar>>(call);
        }
    }

    /// <summary>A function of bools as bytes.</summary>
    internal static void Bool<TOp>(in KernelCall call)
        where TOp : IBinary => Run<Values<TOp, byte>, byte, byte>(call, 0, 1);

    /// <summary>A comparison of any dtype, of two inputs by number.</summary>
    internal static void Compare<TOp>(in KernelCall call, int left, int right)
        where TOp : IBinary
    {
        switch (call.Inputs[0].Spec.DType)
        {
            case DType.Float32:
                Run<Masks<TOp, float>, float, byte>(call, left, right);
                break;
            case DType.Float64:
                Run<Masks<TOp, double>, double, byte>(call, left, right);
                break;
            case DType.Int64:
                Run<Masks<TOp, long>, long, byte>(call, left, right);
                break;
            case DType.Int32:
                Run<Masks<TOp, int>, int, byte>(call, left, right);
                break;
            case DType.Int16:
                Run<Masks<TOp, short>, short, byte>(call, left, right);
                break;
            case DType.Int8:
                Run<Masks<TOp, sbyte>, sbyte, byte>(call, left, right);
                break;
            default:
                Run<Masks<TOp, byte>, byte, byte>(call, left, right);
                break;
        }
    }

    private static void Run<TLoop, T, TResult>(in KernelCall call, int left, int right)
        where TLoop : IBinaryLoop<T, TResult>
        where T : unmanaged
        where TResult : unmanaged
    {
        CpuTensor a = (CpuTensor)call.Inputs[left], b = (CpuTensor)call.Inputs[right];
        CpuTensor? reused = call.Donated == 0 || typeof(T) != typeof(TResult) ? null : CpuTensor.Reuse(call, 0) ?? CpuTensor.Reuse(call, 1);
        CpuTensor y = reused ?? CpuTensor.Allocate(call.OutputSpecs[0], call.Device);
        call.Outputs[0] = y;
        int count = y.Count, stepA = Step(a, count), stepB = Step(b, count);
        if (stepA == 1 && stepB < 0 && b.IsDense && IsSuffix(b.Spec.Shape, y.Spec.Shape) && !Unary.IsLarge(count, TLoop.IsHeavy))
        {
            // A bias: so frequent, and often so small, that making a walk would cost more than adding.
            int inner = b.Count;
            for (int first = 0; first < count; first += inner)
            {
                TLoop.Run(ref Unsafe.Add(ref a.First<T>(), first), 1, ref b.First<T>(), 1, ref Unsafe.Add(ref y.First<TResult>(), first), inner);
            }
        }
        else if ((stepA | stepB) < 0 || Unary.IsLarge(count, TLoop.IsHeavy))
        {
            if (count > 0)
            {
                Broadcast<TLoop, T, TResult>(a, b, y);
            }
        }
        else
        {
            TLoop.Run(ref a.First<T>(), stepA, ref b.First<T>(), stepB, ref y.First<TResult>(), count);
        }
    }

    /// <summary>1 where an input lies as the output does, 0 where it is one element, else −1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Step(CpuTensor x, int count) => x.Count == count && x.IsDense ? 1 : x.Count == 1 ? 0 : -1;

    /// <summary>Whether a shape of elements is the end of another, but for extents of 1 before it.</summary>
    private static bool IsSuffix(Shape shape, Shape whole)
    {
        ReadOnlySpan<int> dims = shape.AsSpan();
        while (!dims.IsEmpty && dims[0] == 1)
        {
            dims = dims[1..];
        }

        return !dims.Contains(0) && whole.AsSpan().EndsWith(dims);
    }

    private static unsafe void Broadcast<TLoop, T, TResult>(CpuTensor a, CpuTensor b, CpuTensor y)
        where TLoop : IBinaryLoop<T, TResult>
        where T : unmanaged
        where TResult : unmanaged
    {
        CpuTensor left = a, right = b;
        Walk walk = Meet(ref left, ref right, y.Spec.Shape.AsSpan());
        long rows = walk.Rows;
        int parts = rows > 1 ? 1 : (walk.Inner + Unary.Chunk - 1) / Unary.Chunk;
        int chunks = Unary.IsLarge(y.Count, TLoop.IsHeavy) ? rows == 1 ? parts : (int)Math.Min(rows, y.Count / Unary.Chunk) : 1;
        fixed (T* x0 = &left.First<T>(), x1 = &right.First<T>())
        {
            fixed (TResult* x2 = &y.First<TResult>())
            {
                Work<TLoop, T, TResult> work = new(x0, x1, x2, walk, rows, chunks);
                if (chunks == 1)
                {
                    work.Run(0);
                }
                else
                {
                    Workers.Run(chunks, work);
                }
            }
        }

        Dense.Done(left, a);
        Dense.Done(right, b);
    }

    /// <summary>The common loops of two inputs; one whose innermost stride is neither 1 nor 0 is copied first.</summary>
    private static Walk Meet(ref CpuTensor a, ref CpuTensor b, ReadOnlySpan<int> shape)
    {
        Span<long> strides = stackalloc long[2 * shape.Length];
        CpuTensor left = a, right = b;
        while (true)
        {
            left.StridesIn(shape, strides[..shape.Length]);
            right.StridesIn(shape, strides[shape.Length..]);
            bool fits = Walk.TryMake(shape, strides, out Walk walk);
            if (fits && walk.Stride(0) is 0 or 1 && walk.Stride(1) is 0 or 1)
            {
                (a, b) = (left, right);
                return walk;
            }

            if (!fits)
            {
                // So many axes that do not merge: the inputs are spread out, and then all of them do.
                left = Spread(left, shape);
                right = Spread(right, shape);
                continue;
            }

            left = walk.Stride(0) is 0 or 1 ? left : Dense.Copy(left);
            right = walk.Stride(1) is 0 or 1 ? right : Dense.Copy(right);
        }
    }

    internal static CpuTensor Spread(CpuTensor x, ReadOnlySpan<int> shape)
    {
        CpuTensor view = Views.Expand(x, x.Spec.As(Shape.Create(shape)));
        CpuTensor copy = Dense.Copy(view);
        view.Release();
        return copy;
    }

    private readonly unsafe struct Work<TLoop, T, TResult>(T* a, T* b, TResult* y, Walk walk, long rows, int chunks) : IWork
        where TLoop : IBinaryLoop<T, TResult>
        where T : unmanaged
        where TResult : unmanaged
    {
        public void Run(int chunk)
        {
            int inner = walk.Inner;
            nint stepA = walk.Stride(0), stepB = walk.Stride(1);
            if (rows == 1)
            {
                nint first = chunks == 1 ? 0 : (nint)chunk * Unary.Chunk;
                nint count = chunks == 1 ? inner : Math.Min(Unary.Chunk, inner - first);
                TLoop.Run(ref a[first * stepA], stepA, ref b[first * stepB], stepB, ref y[first], count);
                return;
            }

            for (long row = rows * chunk / chunks; row < rows * (chunk + 1) / chunks; row++)
            {
                TLoop.Run(ref a[walk.Offset(0, row)], stepA, ref b[walk.Offset(1, row)], stepB, ref y[row * inner], inner);
            }
        }
    }
}

/// <summary>A loop over two operands.</summary>
/// <typeparam name="T">Their element type.</typeparam>
/// <typeparam name="TResult">The result's.</typeparam>
internal interface IBinaryLoop<T, TResult>
    where T : unmanaged
    where TResult : unmanaged
{
    /// <summary>Whether each element costs much.</summary>
    static abstract bool IsHeavy { get; }

    /// <summary>y = f(a, b); a step is 1 or 0.</summary>
    static abstract void Run(ref T a, nint stepA, ref T b, nint stepB, ref TResult y, nint count);
}

/// <summary>A function whose results are of the operands' type.</summary>
internal readonly struct Values<TOp, T> : IBinaryLoop<T, T>
    where TOp : IBinary
    where T : unmanaged, INumber<T>
{
    public static bool IsHeavy => TOp.IsHeavy;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run(ref T a, nint stepA, ref T b, nint stepB, ref T y, nint count) =>
        Loops.Binary<TOp, T>(ref a, stepA, ref b, stepB, ref y, count);
}

/// <summary>A function whose results are bools.</summary>
internal readonly struct Masks<TOp, T> : IBinaryLoop<T, byte>
    where TOp : IBinary
    where T : unmanaged, INumber<T>
{
    public static bool IsHeavy => TOp.IsHeavy;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run(ref T a, nint stepA, ref T b, nint stepB, ref byte y, nint count) =>
        Loops.Compare<TOp, T>(ref a, stepA, ref b, stepB, ref y, count);
}
