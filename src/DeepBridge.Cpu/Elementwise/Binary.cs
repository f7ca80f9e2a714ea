using System.Numerics;
using System.Runtime.CompilerServices;
using DeepBridge.Backends;

namespace DeepBridge.Cpu;

/// <summary>Runs elementwise functions of two inputs, which broadcast.</summary>
internal static class Binary
{
    /// <summary>A function of every dtype that computes.</summary>
    /// <param name="call">The call.</param>
    /// <param name="heavy">Whether an element costs so much that threads pay early.</param>
    internal static CpuTensor Numeric<TOp>(in KernelCall call, bool heavy = false)
        where TOp : IBinary => call.OutputSpecs[0].DType switch
        {
            DType.Float32 => Run<TOp, float, float>(call, heavy: heavy),
            DType.Float64 => Run<TOp, double, double>(call, heavy: heavy),
            DType.Int32 => Run<TOp, int, int>(call, heavy: heavy),
            _ => Run<TOp, long, long>(call, heavy: heavy),
        };

    /// <summary>Powers; a square is a product.</summary>
    internal static CpuTensor Power(in KernelCall call)
    {
        CpuTensor exponent = (CpuTensor)call.Inputs[1];
        bool square = exponent.Count == 1 && call.Inputs[0].Spec.Equals(call.OutputSpecs[0])
            && (exponent.Spec.DType is DType.Float32 or DType.Float64) && Scalars.Floating(exponent) == 2;
        return square ? Unary.Numeric<SquareKernel>(call) : Numeric<EachKernel<PowerScalar>>(call, heavy: true);
    }

    /// <summary>A function of bools as bytes.</summary>
    internal static CpuTensor Bool<TOp>(in KernelCall call)
        where TOp : IBinary => Run<TOp, byte, byte>(call);

    /// <summary>A comparison of any dtype.</summary>
    /// <param name="call">The call.</param>
    /// <param name="left">The input on the left.</param>
    internal static CpuTensor Compare<TOp>(in KernelCall call, int left = 0)
        where TOp : IBinary => call.Inputs[0].Spec.DType switch
        {
            DType.Float32 => Run<TOp, float, byte>(call, left),
            DType.Float64 => Run<TOp, double, byte>(call, left),
            DType.Int64 => Run<TOp, long, byte>(call, left),
            DType.Int32 => Run<TOp, int, byte>(call, left),
            DType.Int16 => Run<TOp, short, byte>(call, left),
            DType.Int8 => Run<TOp, sbyte, byte>(call, left),
            _ => Run<TOp, byte, byte>(call, left),
        };

    private static unsafe CpuTensor Run<TOp, T, TResult>(in KernelCall call, int left = 0, bool heavy = false)
        where TOp : IBinary
        where T : unmanaged, INumber<T>
        where TResult : unmanaged
    {
        CpuTensor a = (CpuTensor)call.Inputs[left], b = (CpuTensor)call.Inputs[1 - left];
        CpuTensor? reused = call.Donated == 0 || typeof(T) != typeof(TResult) ? null : CpuTensor.Reuse(call, 0) ?? CpuTensor.Reuse(call, 1);
        CpuTensor y = reused ?? CpuTensor.Allocate(call.OutputSpecs[0], call.Device);
        int count = y.Count, stepA = Step(a, count), stepB = Step(b, count);
        if (stepA == 1 && stepB < 0 && b.IsDense && IsSuffix(b.Spec.Shape, y.Spec.Shape) && !Unary.IsLarge(count, heavy))
        {
            // A bias: so frequent, and often so small, that making a walk would cost more than adding.
            int inner = b.Count;
            for (int first = 0; first < count; first += inner)
            {
                Loops.Binary<TOp, T, TResult>(
                    ref Unsafe.Add(ref a.First<T>(), first), 1, ref b.First<T>(), 1, ref Unsafe.Add(ref y.First<TResult>(), first), inner);
            }
        }
        else if ((stepA | stepB) < 0 || Unary.IsLarge(count, heavy))
        {
            Broadcasting.Run<Row<TOp, T, TResult>, T, T, TResult>(a, b, y, y, heavy);
        }
        else
        {
            Loops.Binary<TOp, T, TResult>(ref a.First<T>(), stepA, ref b.First<T>(), stepB, ref y.First<TResult>(), count);
        }

        return y;
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

    private readonly unsafe struct Row<TOp, T, TResult> : IRow<T, T, TResult>
        where TOp : IBinary
        where T : unmanaged, INumber<T>
        where TResult : unmanaged
    {
        public static void Run(T* a, nint stepA, T* b, nint stepB, T* c, nint stepC, TResult* y, nint count) =>
            Loops.Binary<TOp, T, TResult>(ref *a, stepA, ref *b, stepB, ref *y, count);
    }
}
