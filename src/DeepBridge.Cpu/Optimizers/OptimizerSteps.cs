using System.Numerics;
using System.Runtime.CompilerServices;
using DeepBridge.Backends;
using DeepBridge.Ops;

namespace DeepBridge.Cpu;

/// <summary>What a step makes of some elements of a parameter.</summary>
/// <typeparam name="T">The element.</typeparam>
internal interface IStepRule<T>
{
    /// <summary>The new parameter; the slots, as many as there are, become the new ones.</summary>
    Vector<T> Apply(Vector<T> p, Vector<T> g, ref Vector<T> first, ref Vector<T> second, ref Vector<T> third);
}

/// <summary>How that follows from the step; apart, since code over an op's type is shared between ops, and slow.</summary>
/// <typeparam name="TSelf">The rule.</typeparam>
/// <typeparam name="TOp">The step.</typeparam>
/// <typeparam name="T">The element.</typeparam>
internal interface IStepRule<TSelf, TOp, T> : IStepRule<T>
    where TSelf : struct, IStepRule<TSelf, TOp, T>
{
    /// <summary>The rule of one step.</summary>
    /// <param name="op">Its attributes.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="step">The number of steps, this one included, where they are counted.</param>
    static abstract TSelf Make(TOp op, double rate, long step);
}

/// <summary>The kernel of the optimizers' steps: one pass over a parameter and its slots, in place where they were given up.</summary>
internal static unsafe class OptimizerSteps
{
    /// <summary>Elements of a chunk; fewer than two chunks stay on one thread.</summary>
    private const int ChunkElements = 1 << 16;

    /// <summary>One step. Inputs: the parameter, up to three slots, the number of steps if any, the gradient, the learning rate.</summary>
    internal static void Run<TOp, TRule, T>(TOp op, in KernelCall call)
        where TOp : Op
        where TRule : struct, IStepRule<TRule, TOp, T>
        where T : unmanaged
    {
        using Arguments arguments = new(call);
        int state = call.Outputs.Length, slots = state - 1;
        CpuTensor g = arguments.Dense(state);
        double rate = Scalars.Floating((CpuTensor)call.Inputs[state + 1]);
        long step = 0;
        if (call.OutputSpecs[slots].DType == DType.Int64)
        {
            step = ((CpuTensor)call.Inputs[slots]).First<long>() + 1;
            arguments.Output(slots, slots).First<long>() = step;
            slots--;
        }

        // The places of slots that there are not are never read.
        CpuTensor p = arguments.Dense(0), newP = arguments.Output(0, 0), a = p, b = p, c = p, newA = newP, newB = newP, newC = newP;
        (a, newA) = slots > 0 ? (arguments.Dense(1), arguments.Output(1, 1)) : (a, newA);
        (b, newB) = slots > 1 ? (arguments.Dense(2), arguments.Output(2, 2)) : (b, newB);
        (c, newC) = slots > 2 ? (arguments.Dense(3), arguments.Output(3, 3)) : (c, newC);
        fixed (T* p0 = &p.First<T>(), a0 = &a.First<T>(), b0 = &b.First<T>(), c0 = &c.First<T>(), gradient = &g.First<T>())
        fixed (T* p1 = &newP.First<T>(), a1 = &newA.First<T>(), b1 = &newB.First<T>(), c1 = &newC.First<T>())
        {
            Work<TRule, T> work = new(TRule.Make(op, rate, step), p.Count, slots, gradient, new(p0, a0, b0, c0), new(p1, a1, b1, c1));
            Workers.Run((int)(((long)p.Count + ChunkElements - 1) / ChunkElements), work);
        }
    }

    /// <summary>A parameter and its slots.</summary>
    private readonly struct State<T>(T* p, T* a, T* b, T* c)
        where T : unmanaged
    {
        public readonly T* P = p, A = a, B = b, C = c;
    }

    private readonly struct Work<TRule, T>(TRule rule, int count, int slots, T* g, State<T> from, State<T> to) : IWork
        where TRule : struct, IStepRule<T>
        where T : unmanaged
    {
        [MethodImpl(Hot.Loop)]
        public void Run(int chunk)
        {
            TRule own = rule;
            int end = (int)Math.Min(count, (chunk + 1L) * ChunkElements);
            for (int i = chunk * ChunkElements; i < end; i += Vector<T>.Count)
            {
                int left = end - i;
                Vector<T> a = slots > 0 ? Vectors.Load(from.A + i, left) : default;
                Vector<T> b = slots > 1 ? Vectors.Load(from.B + i, left) : default;
                Vector<T> c = slots > 2 ? Vectors.Load(from.C + i, left) : default;
                Vectors.Store(own.Apply(Vectors.Load(from.P + i, left), Vectors.Load(g + i, left), ref a, ref b, ref c), to.P + i, left);
                if (slots > 0)
                {
                    Vectors.Store(a, to.A + i, left);
                }

                if (slots > 1)
                {
                    Vectors.Store(b, to.B + i, left);
                }

                if (slots > 2)
                {
                    Vectors.Store(c, to.C + i, left);
                }
            }
        }
    }
}
