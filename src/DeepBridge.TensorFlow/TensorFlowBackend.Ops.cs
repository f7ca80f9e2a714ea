using DeepBridge.Backends;
using DeepBridge.Ops;
using DeepBridge.TensorFlow.Eager;
using DeepBridge.TensorFlow.Lowering;
using DeepBridge.TensorFlow.Native;

namespace DeepBridge.TensorFlow;

public sealed unsafe partial class TensorFlowBackend
{
    private void ImplementOps()
    {
        // Those that are one op of TensorFlow may write into a donated input.
        Single<Add>();
        Single<Subtract>();
        Single<Multiply>();
        Single<Divide>();
        Single<Maximum>();
        Single<Minimum>();
        Single<Power>();
        Single<Negate>();
        Single<Abs>();
        Single<Relu>();
        Single<Exp>();
        Single<Expm1>();
        Single<Log>();
        Single<Log1p>();
        Single<Sqrt>();
        Single<Rsqrt>();
        Single<Sin>();
        Single<Cos>();
        Single<Erf>();
        Single<Tanh>();
        Single<Sigmoid>();
        Single<LogicalNot>();
        Single<Equal>();
        Single<NotEqual>();
        Single<LogicalAnd>();
        Single<LogicalOr>();
        Single<LogicalXor>();
        Single<TanhGradient>(static (_, inputs) => inputs[0].Shape == inputs[1].Shape);
        Single<SigmoidGradient>(static (_, inputs) => inputs[0].Shape == inputs[1].Shape);
        Single<Reshape>();
        Single<Product>();
        Take<FloorDivide>();
        Take<FloorModulo>();
        Take<Sign>();
        Take<Floor>();
        Take<Ceiling>();
        Take<Round>();
        Take<Less>();
        Take<LessEqual>();
        Take<Greater>();
        Take<GreaterEqual>();
        Take<ReluGradient>(static (_, inputs) => inputs[0].Shape == inputs[1].Shape);
        Take<Where>();
        Take<Cast>();
        Take<Fill>();
        Take<Iota>();
        Take<Permute>();
        Take<Expand>();
        Take<Slice>(Lowered.Moves);
        Take<Pad>(Lowered.Moves);
        Take<Flip>(Lowered.Moves);
        Take<Concat>();
        Take<Sum>();
        Take<Max>();
        Take<Min>();
        Take<Any>();
        Take<All>();
        Take<ArgMax>();
        Take<ArgMin>();
        Take<CumulativeSum>();
        Take<Gather>();
        Take<ScatterAdd>();
        Take<OneHot>();
        Take<TakeAlongAxis>(static (op, inputs) => op.Axis == inputs[0].Rank - 1);
        Take<MatMul>();
        Take<Linear>();
        Take<Softmax>(static (op, inputs) => op.Axis == inputs[0].Rank - 1);
        Take<LogSoftmax>(static (op, inputs) => op.Axis == inputs[0].Rank - 1);
        Take<CrossEntropy>(static (op, inputs) => op is { LabelSmoothing: 0, IgnoreIndex: null } && inputs[0].Rank == 2);
        Take<CrossEntropyGradient>(static (op, inputs) => op is { LabelSmoothing: 0, IgnoreIndex: null } && inputs[1].Rank == 2);
        Take<BatchNorm>(static (_, inputs) => inputs[0].DType != DType.Float64);
        Take<BatchNormGradient>(static (_, inputs) => inputs[1].DType != DType.Float64);
        Take<Convolution>();
        Take<ConvolutionInputGradient>();
        Take<ConvolutionWeightGradient>();
        Take<MaxPool>();
        Take<AveragePool>();
        Take<AveragePoolGradient>();
        Take<RandomWords>();
        Take<RandomUniform>(static (op, _) => op.DType == DType.Float32);
    }

    private void Take<TOp>(When<TOp>? when = null)
        where TOp : Op<TOp> => Implement<TOp>((op, in call) => Run(op, call, 0), when);

    private void Single<TOp>(When<TOp>? when = null)
        where TOp : Op<TOp> => Implement<TOp>((op, in call) => Run(op, call, call.Donated), when);

    private void Run(Op op, in KernelCall call, ulong donated)
    {
        EagerEmitter e = Emitter(call.Device);
        nint[] x = new nint[call.Inputs.Length], results = [];
        TensorSpec[] ins = new TensorSpec[x.Length];
        try
        {
            for (int i = 0; i < x.Length; i++)
            {
                TensorFlowTensor input = (TensorFlowTensor)call.Inputs[i];
                ins[i] = input.Spec;
                bool given = ((donated >> i) & 1) != 0 && input.Spec.DType.Size() > 2;
                x[i] = given ? input.Take() : input.Handle;
                if (given)
                {
                    e.Donate(x[i]);
                }
            }

            results = Lowered.Emit(op, new Site<nint>(e, x, ins, call.OutputSpecs));
            for (int i = 0; i < results.Length; i++)
            {
                call.Outputs[i] = new TensorFlowTensor(call.OutputSpecs[i], call.Device, e.Made(results[i]) ? results[i] : Share(results[i]));
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
}
