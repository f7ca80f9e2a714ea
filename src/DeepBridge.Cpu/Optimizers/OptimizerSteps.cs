using System.Numerics;
using System.Runtime.CompilerServices;
using DeepBridge.Backends;

namespace DeepBridge.Cpu;

/// <summary>What a step makes of some elements of a parameter.</summary>
internal interface IStepRule
{
    /// <summary>The new parameter; the slots, as many as there are, become the new ones.</summary>
    Vector<T> Apply<T>(Vector<T> p, Vector<T> g, ref Vector<T> first, ref Vector<T> second, ref Vector<T> third)
        where T : unmanaged, INumber<T>;
}

/// <summary>The kernel of the optimizers' steps: one pass over a parameter and its slots, in place where they were given up.</summary>
internal static unsafe class OptimizerSteps
{
    /// <summary>Elements of a chunk; fewer than two chunks stay on one thread.</summary>
    private const int ChunkElements = 1 << 16;

    /// <summary>One step. Inputs: the parameter, up to three slots, the number of steps if any, the gradient, the learning rate.</summary>
    /// <param name="op">The step.</param>
    /// <param name="rule">What it does, by its attributes, the learning rate and the number of steps, this one included.</param>
    /// <param name="call">The call.</param>
    internal static void Run<TOp, TRule>(TOp op, Func<TOp, double, long, TRule> rule, in KernelCall call)
        where TRule : struct, IStepRule
    {
        int slots = call.Outputs.Length - 1;
        long step = call.OutputSpecs[slots].DType == DType.Int64 ? ((CpuTensor)call.Inputs[slots--]).First<long>() + 1 : 0;
        TRule made = rule(op, Scalars.Floating((CpuTensor)call.Inputs[^1]), step);
        if (call.OutputSpecs[0].DType == DType.Float32)
        {
            Run<float, TRule>(made, slots, step, call);
        }
        else
        {
            Run<double, TRule>(made, slots, step, call);
        }
    }

    private static void Run<T, TRule>(in TRule rule, int slots, long step, in KernelCall call)
        where T : unmanaged, INumber<T>
        where TRule : struct, IStepRule
    {
        using Arguments arguments = new(call);
        if (step > 0)
        {
            arguments.Output(slots + 1, slots + 1).First<long>() = step;
        }

        // Slots that there are not stand for the parameter, and are neither read nor written.
        CpuTensor g = arguments.Dense(call.Inputs.Length - 2), p = arguments.Dense(0), newP = arguments.Output(0, 0);
        (CpuTensor a, CpuTensor newA) = slots > 0 ? (arguments.Dense(1), arguments.Output(1, 1)) : (p, newP);
        (CpuTensor b, CpuTensor newB) = slots > 1 ? (arguments.Dense(2), arguments.Output(2, 2)) : (p, newP);
        (CpuTensor c, CpuTensor newC) = slots > 2 ? (arguments.Dense(3), arguments.Output(3, 3)) : (p, newP);
        fixed (T* p0 = &p.First<T>(), a0 = &a.First<T>(), b0 = &b.First<T>(), c0 = &c.First<T>(), slope = &g.First<T>())
        fixed (T* p1 = &newP.First<T>(), a1 = &newA.First<T>(), b1 = &newB.First<T>(), c1 = &newC.First<T>())
        {
            Work<T, TRule> work = new(rule, p.Count, slots, slope, new(p0, a0, b0, c0), new(p1, a1, b1, c1));
            Workers.Run((int)(((long)p.Count + ChunkElements - 1) / ChunkElements), work);
        }
    }

    /// <summary>A parameter and its slots.</summary>
    private readonly struct State<T>(T* p, T* a, T* b, T* c)
        where T : unmanaged
    {
        public readonly T* P = p, A = a, B = b, C = c;
    }

    private readonly struct Work<T, TRule>(TRule rule, int count, int slots, T* g, State<T> from, State<T> to) : IWork
        where T : unmanaged, INumber<T>
        where TRule : struct, IStepRule
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
