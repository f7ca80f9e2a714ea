using System.Numerics;
using System.Runtime.CompilerServices;
using DeepBridge.Backends;
using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <summary>The kernels of the optimizers' steps: one pass over a parameter and its slots, in place where they were given up.</summary>
internal static unsafe class OptimizerSteps
{
    /// <summary>Elements of a chunk; fewer than two chunks stay on one thread.</summary>
    private const int ChunkElements = 1 << 16;

    /// <summary>Stochastic gradient descent.</summary>
    internal static void Sgd<T>(SgdStep op, in KernelCall call)
        where T : unmanaged, IFloatingPoint<T>
    {
        using Arguments arguments = new(call);
        bool momentum = op.Momentum != 0;
        int last = call.Inputs.Length - 1;
        CpuTensor p = arguments.Dense(0), slot = arguments.Dense(momentum ? 1 : 0), g = arguments.Dense(last - 1);
        T rate = T.CreateTruncating(Scalars.Floating((CpuTensor)call.Inputs[last]));
        bool first = false;
        CpuTensor newP = arguments.Output(0, 0), newSlot = newP;
        if (momentum)
        {
            newSlot = arguments.Output(1, 1);
            first = Count(arguments, call, 2) == 1 && op.Dampening != 0;
        }

        fixed (T* from = &p.First<T>(), buffer = &slot.First<T>(), gradient = &g.First<T>())
        fixed (T* to = &newP.First<T>(), newBuffer = &newSlot.First<T>())
        {
            Run(p.Count, new SgdWork<T>(op, p.Count, rate, first, from, buffer, gradient, to, newBuffer));
        }
    }

    /// <summary>Adam and AdamW.</summary>
    internal static void Adam<T>(AdamStep op, in KernelCall call)
        where T : unmanaged, IFloatingPoint<T>
    {
        using Arguments arguments = new(call);
        CpuTensor p = arguments.Dense(0), m = arguments.Dense(1), v = arguments.Dense(2), g = arguments.Dense(4);
        double rate = Scalars.Floating((CpuTensor)call.Inputs[5]);
        CpuTensor newP = arguments.Output(0, 0), newM = arguments.Output(1, 1), newV = arguments.Output(2, 2);
        long step = Count(arguments, call, 3);
        double root = Math.Sqrt(1 - Math.Pow(op.Beta2, step));
        fixed (T* from = &p.First<T>(), mean = &m.First<T>(), square = &v.First<T>(), gradient = &g.First<T>())
        fixed (T* to = &newP.First<T>(), newMean = &newM.First<T>(), newSquare = &newV.First<T>())
        {
            double size = rate / (1 - Math.Pow(op.Beta1, step)), keep = op.Decoupled ? 1 - (rate * op.WeightDecay) : 1;
            AdamState<T> old = new(from, mean, square, gradient), next = new(to, newMean, newSquare, null);
            Run(p.Count, new AdamWork<T>(op, p.Count, size, root, keep, old, next));
        }
    }

    private static void Run<TWork>(int count, in TWork work)
        where TWork : struct, IWork => Workers.Run((int)(((long)count + ChunkElements - 1) / ChunkElements), work);

    /// <summary>The number of steps, this one included, which is also an output.</summary>
    private static long Count(in Arguments arguments, in KernelCall call, int index)
    {
        long step = ((CpuTensor)call.Inputs[index]).First<long>() + 1;
        arguments.Output(index, index).First<long>() = step;
        return step;
    }

    private readonly struct SgdWork<T>(SgdStep op, int count, T rate, bool first, T* p, T* slot, T* g, T* newP, T* newSlot) : IWork
        where T : unmanaged, IFloatingPoint<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int chunk)
        {
            Vector<T> size = new(rate), decay = Vectors.Splat<T>(op.WeightDecay);
            Vector<T> stays = Vectors.Splat<T>(op.Momentum), comes = Vectors.Splat<T>(1 - op.Dampening);
            bool hasSlot = op.Momentum != 0, decays = op.WeightDecay != 0, nesterov = op.Nesterov;
            int end = (int)Math.Min(count, (chunk + 1L) * ChunkElements);
            for (int i = chunk * ChunkElements; i < end; i += Vector<T>.Count)
            {
                int left = end - i;
                Vector<T> value = Vectors.Load(p + i, left), slope = Vectors.Load(g + i, left);
                slope = decays ? slope + (value * decay) : slope;
                if (hasSlot)
                {
                    Vector<T> buffer = first ? slope : (Vectors.Load(slot + i, left) * stays) + (slope * comes);
                    Vectors.Store(buffer, newSlot + i, left);
                    slope = nesterov ? slope + (buffer * stays) : buffer;
                }

                Vectors.Store(value - (size * slope), newP + i, left);
            }
        }
    }

    /// <summary>A parameter, its averages and its gradient.</summary>
    private readonly struct AdamState<T>(T* p, T* m, T* v, T* g)
        where T : unmanaged
    {
        public readonly T* P = p, M = m, V = v, G = g;
    }

    private readonly struct AdamWork<T>(
        AdamStep op, int count, double size, double root, double keep, AdamState<T> from, AdamState<T> to) : IWork
        where T : unmanaged, IFloatingPoint<T>
    {
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Run(int chunk)
        {
            Vector<T> first = Vectors.Splat<T>(op.Beta1), firstRest = Vectors.Splat<T>(1 - op.Beta1);
            Vector<T> second = Vectors.Splat<T>(op.Beta2), secondRest = Vectors.Splat<T>(1 - op.Beta2);
            Vector<T> step = Vectors.Splat<T>(size), bias = Vectors.Splat<T>(root), epsilon = Vectors.Splat<T>(op.Epsilon);
            Vector<T> decay = Vectors.Splat<T>(op.WeightDecay), stays = Vectors.Splat<T>(keep);
            bool coupled = op.WeightDecay != 0 && !op.Decoupled;
            int end = (int)Math.Min(count, (chunk + 1L) * ChunkElements);
            for (int i = chunk * ChunkElements; i < end; i += Vector<T>.Count)
            {
                int left = end - i;
                Vector<T> p = Vectors.Load(from.P + i, left), g = Vectors.Load(from.G + i, left);
                g = coupled ? g + (p * decay) : g;
                Vector<T> m = (Vectors.Load(from.M + i, left) * first) + (g * firstRest);
                Vector<T> v = (Vectors.Load(from.V + i, left) * second) + (g * g * secondRest);
                Vectors.Store(m, to.M + i, left);
                Vectors.Store(v, to.V + i, left);
                Vectors.Store((p * stays) - (m * step / ((Vector.SquareRoot(v) / bias) + epsilon)), to.P + i, left);
            }
        }
    }
}
