using System.Numerics;
using System.Runtime.CompilerServices;
using DeepBridge.Backends;

namespace DeepBridge.Cpu;

/// <summary>A loss of each element and its target.</summary>
/// <typeparam name="T">The element.</typeparam>
internal interface IPairLoss<T>
    where T : unmanaged, INumber<T>
{
    /// <summary>The loss.</summary>
    static abstract Vector<T> Loss(Vector<T> x, Vector<T> target);

    /// <summary>Its derivative in x.</summary>
    static abstract Vector<T> Slope(Vector<T> x, Vector<T> target);
}

/// <summary>(x − t)².</summary>
internal readonly struct Squares<T> : IPairLoss<T>
    where T : unmanaged, INumber<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Loss(Vector<T> x, Vector<T> target) => (x - target) * (x - target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Slope(Vector<T> x, Vector<T> target) => (x - target) + (x - target);
}

/// <summary>(1 − t) · softplus(x) + t · softplus(−x).</summary>
internal readonly struct Logistic<T> : IPairLoss<T>
    where T : unmanaged, INumber<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Loss(Vector<T> x, Vector<T> target) =>
        ((Vector<T>.One - target) * Vectors.Softplus(x)) + (target * Vectors.Softplus(-x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Slope(Vector<T> x, Vector<T> target) =>
        ((Vector<T>.One - target) * Vectors.Sigmoid(x)) - (target * Vectors.Sigmoid(-x));
}

/// <summary>The kernels of losses of pairs, in one pass over both.</summary>
internal static unsafe class PairLosses
{
    /// <summary>Elements whose losses are summed in vectors; the sums are added up in double precision.</summary>
    private const int Run = 1024;

    /// <summary>The loss. Inputs: x; the target.</summary>
    [MethodImpl(Hot.Loop)]
    internal static void Forward<T, TLoss>(Reduction reduction, in KernelCall call)
        where T : unmanaged, INumber<T>
        where TLoss : struct, IPairLoss<T>
    {
        using Arguments arguments = new(call);
        CpuTensor x = arguments.Dense(0), t = arguments.Dense(1);
        CpuTensor y = reduction == Reduction.None ? arguments.Output(0, 0) : arguments.Output(0);
        int count = x.Count;
        fixed (T* from = &x.First<T>(), target = &t.First<T>(), to = &y.First<T>())
        {
            double total = 0;
            for (int start = 0; start < count; start += Run)
            {
                Vector<T> sum = Vector<T>.Zero;
                int end = Math.Min(count, start + Run);
                for (int i = start; i < end; i += Vector<T>.Count)
                {
                    int left = end - i;
                    Vector<T> loss = TLoss.Loss(Vectors.Load(from + i, left), Vectors.Load(target + i, left));
                    if (reduction == Reduction.None)
                    {
                        Vectors.Store(loss, to + i, left);
                    }

                    sum += left >= Vector<T>.Count ? loss : loss & Vectors.Mask<T>(left);
                }

                total += double.CreateTruncating(Vector.Sum(sum));
            }

            if (reduction != Reduction.None)
            {
                *to = T.CreateTruncating(reduction == Reduction.Mean ? total / count : total);
            }
        }
    }

    /// <summary>The gradient. Inputs: the incoming gradient; x; the target.</summary>
    [MethodImpl(Hot.Loop)]
    internal static void Gradient<T, TLoss>(Reduction reduction, in KernelCall call)
        where T : unmanaged, INumber<T>
        where TLoss : struct, IPairLoss<T>
    {
        using Arguments arguments = new(call);
        CpuTensor g = arguments.Dense(0), x = arguments.Dense(1), t = arguments.Dense(2), dx = arguments.Output(0, 1);
        int count = x.Count;
        fixed (T* incoming = &g.First<T>(), from = &x.First<T>(), target = &t.First<T>(), to = &dx.First<T>())
        {
            bool each = reduction == Reduction.None;
            Vector<T> share = each ? default : new(reduction == Reduction.Mean ? *incoming / T.CreateTruncating(count) : *incoming);
            for (int i = 0; i < count; i += Vector<T>.Count)
            {
                int left = count - i;
                Vector<T> slope = TLoss.Slope(Vectors.Load(from + i, left), Vectors.Load(target + i, left));
                Vectors.Store(slope * (each ? Vectors.Load(incoming + i, left) : share), to + i, left);
            }
        }
    }
}
