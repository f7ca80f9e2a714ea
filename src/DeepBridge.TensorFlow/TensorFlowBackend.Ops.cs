using DeepBridge.Backends;
using DeepBridge.Ops;
using DeepBridge.TensorFlow.Eager;
using DeepBridge.TensorFlow.Lowering;

namespace DeepBridge.TensorFlow;

public sealed unsafe partial class TensorFlowBackend
{
    private void ImplementOps()
    {
        // Those that are one op of TensorFlow may write into a donated input.
        new Table(this, true).Of<Abs>().Of<Add>().Of<Cos>().Of<Divide>().Of<Equal>().Of<Erf>().Of<Exp>().Of<Expm1>().Of<Log>().Of<Log1p>()
            .Of<LogicalAnd>().Of<LogicalNot>().Of<LogicalOr>().Of<LogicalXor>().Of<Maximum>().Of<Minimum>().Of<Multiply>().Of<Negate>()
            .Of<NotEqual>().Of<Power>().Of<Product>().Of<Relu>().Of<Reshape>().Of<Rsqrt>().Of<Sigmoid>().Of<Sin>().Of<Sqrt>().Of<Subtract>()
            .Of<Tanh>()
            .Of<TanhGradient>(static (_, inputs) => inputs[0].Shape == inputs[1].Shape)
            .Of<SigmoidGradient>(static (_, inputs) => inputs[0].Shape == inputs[1].Shape);
        // Where a pooling cannot leave it to a kernel, it has some ops for each element of its window.
        new Table(this, false).Of<All>().Of<Any>().Of<ArgMax>().Of<ArgMin>().Of<AveragePool>().Of<AveragePoolGradient>().Of<Cast>().Of<Ceiling>()
            .Of<Concat>().Of<Convolution>().Of<ConvolutionInputGradient>().Of<ConvolutionWeightGradient>().Of<CumulativeSum>().Of<Expand>()
            .Of<Floor>().Of<FloorDivide>().Of<FloorModulo>().Of<Gather>().Of<Greater>().Of<GreaterEqual>().Of<Iota>().Of<Less>().Of<LessEqual>()
            .Of<Linear>().Of<MatMul>().Of<Max>().Of<MaxPool>(static (op, _) => new Shape(op.Size).Count <= 1 << 16).Of<Min>().Of<OneHot>().Of<Permute>().Of<RandomWords>().Of<Round>()
            .Of<ScatterAdd>().Of<Sign>().Of<Sum>().Of<Where>()
            .Of<ReluGradient>(static (_, inputs) => inputs[0].Shape == inputs[1].Shape)
            .Of<Slice>(Lowered.Moves).Of<Pad>(Lowered.Moves).Of<Flip>(Lowered.Moves)
            .Of<TakeAlongAxis>(static (op, inputs) => op.Axis == inputs[0].Rank - 1)
            .Of<Softmax>(static (op, inputs) => op.Axis == inputs[0].Rank - 1)
            .Of<LogSoftmax>(static (op, inputs) => op.Axis == inputs[0].Rank - 1)
            .Of<CrossEntropy>(static (op, inputs) => Lowered.Defers(op, inputs, false))
            .Of<BatchNorm>(static (_, inputs) => inputs[0].DType != DType.Float64)
            .Of<BatchNormGradient>(static (_, inputs) => inputs[1].DType != DType.Float64)
            .Of<RandomUniform>(static (op, _) => op.DType == DType.Float32);
        Implement<Fill>(Fill);
    }

    /// <summary>An op; a gradient that TensorFlow's own kernel computes of what was kept does not look at what it is given.</summary>
    /// <inheritdoc/>
    public override void Execute(Op op, in KernelCall call)
    {
        if (op is MaxPoolGradient or CrossEntropyGradient && call.Inputs[1] is TensorFlowTensor { Deferred: { } left }
            && Lowered.Follows(op, call.Inputs, left.Op, left.Ins[0].Shape, left.Labels))
        {
            Run(op, call, 0, left);
        }
        else if (op is Add && call.Inputs is [TensorFlowTensor { Known: { Kind: DType.Int64 } a }, TensorFlowTensor { Known: { Kind: DType.Int64 } b }])
        {
            // A count of steps stays where it is.
            call.Outputs[0] = new TensorFlowTensor(call.OutputSpecs[0], call.Device, 0) { Known = a.ToInt64() + b.ToInt64() };
        }
        else
        {
            base.Execute(op, call);
        }
    }

    /// <summary>The second output of an op, of which the first is there.</summary>
    /// <param name="device">The device.</param>
    /// <param name="left">What is left of the op.</param>
    /// <returns>The handle, the caller's.</returns>
    internal nint Second(Device device, Deferred left) => Alone(device, e => Lowered.Second(e, left));

    /// <summary>The plain layout of a value.</summary>
    /// <param name="device">The device.</param>
    /// <param name="last">The value with its channels last.</param>
    /// <returns>The handle, the caller's.</returns>
    internal nint Plain(Device device, nint last) => Alone(device, _ => EagerEmitter.FromChannelsLast(last));

    /// <summary>Runs ops whose result lies plain.</summary>
    private nint Alone(Device device, Func<EagerEmitter, nint> run)
    {
        EagerEmitter e = Emitter(device);
        if (!e.IsIdle)
        {
            throw new InvalidOperationException("A value's handle is asked for before an op is begun, not amid it.");
        }

        nint[] result = [];
        try
        {
            result = [e.Plain(run(e))];
            return result[0];
        }
        finally
        {
            e.DeleteTemporaries(result);
        }
    }

    private void Fill(Fill op, in KernelCall call)
    {
        TensorSpec spec = call.OutputSpecs[0];
        if (spec.Rank == 0 && (spec.DType is DType.Float32 or DType.Float64 || (spec.DType == DType.Int64 && op.Value.Kind == DType.Int64)))
        {
            call.Outputs[0] = new TensorFlowTensor(spec, call.Device, 0) { Known = op.Value };
        }
        else
        {
            Run(op, call, 0);
        }
    }

    private void Run(Op op, in KernelCall call, ulong donated, Deferred? left = null)
    {
        EagerEmitter e = Emitter(call.Device);
        nint[] x = new nint[call.Inputs.Length], results = [], kept = [];
        TensorSpec[] ins = new TensorSpec[x.Length];
        try
        {
            // What is not asked for its value stays deferred; another's may run ops, so donations come after.
            for (int i = 0; i < x.Length; i++)
            {
                TensorFlowTensor input = (TensorFlowTensor)call.Inputs[i];
                ins[i] = input.Spec;
                x[i] = left is null || i == 0 ? input.Either : 0;
            }

            int read = left is null ? x.Length : 1;
            for (int i = 0; i < read; i++)
            {
                TensorFlowTensor input = (TensorFlowTensor)call.Inputs[i];
                nint last = input.ChannelsLast;
                bool lies = last == x[i];
                if (((donated >> i) & 1) != 0 && ins[i].DType.Size() > 2)
                {
                    e.Donate(input.Take());
                }
                else if (last != 0 && !lies)
                {
                    e.Know(x[i], last);
                }

                x[i] = lies ? EagerEmitter.FromChannelsLast(last) : x[i];
            }

            if (left is not null && ((TensorFlowTensor)call.Inputs[0]).Known is { } number)
            {
                e.Note(x[0], number.ToDouble());
            }

            Site site = new(e, x, ins, call.OutputSpecs);
            if (left is not null)
            {
                results = [Lowered.Back(e, left, x[0])];
            }
            else if (Lowered.Defers(op, ins, e.OnCpu) && Lowered.First(op, site, out kept) is { } first && kept.Length > 0)
            {
                results = [first, .. kept];
            }
            else
            {
                results = Lowered.Emit(op, site);
            }

            for (int i = 0; i < read; i++)
            {
                (nint plain, nint last) = e.Layouts(x[i]);
                ((TensorFlowTensor)call.Inputs[i]).Learn(plain, last);
            }

            for (int i = 0; i < results.Length; i++)
            {
                (nint result, bool lies) = EagerEmitter.Apart(results[i]);
                results[i] = e.Made(result) && !results.AsSpan(0, i).Contains(result) ? result : EagerContext.Share(result);
                if (i == 0 || kept.Length == 0)
                {
                    call.Outputs[i] = new TensorFlowTensor(call.OutputSpecs[i], call.Device, lies ? 0 : results[i], 0, lies ? results[i] : 0);
                }
            }

            if (kept.Length > 0)
            {
                Deferred later = new(op, ins, x.Length > 1 ? call.Inputs[1] : null, results[1..]);
                call.Outputs[1] = new TensorFlowTensor(call.OutputSpecs[1], call.Device, 0, deferred: later);
            }
        }
        finally
        {
            e.DeleteTemporaries(results);
        }

        foreach (BackendTensor input in call.Inputs)
        {
            GC.KeepAlive(input);
        }
    }

    /// <summary>Ops that are run by their lowerings.</summary>
    private readonly struct Table(TensorFlowBackend backend, bool writes)
    {
        internal Table Of<TOp>(When<TOp>? when = null)
            where TOp : Op<TOp>
        {
            (TensorFlowBackend runs, ulong mayWrite) = (backend, writes ? ulong.MaxValue : 0);
            runs.Implement<TOp>((op, in call) => runs.Run(op, call, call.Donated & mayWrite), when);
            return this;
        }
    }
}
