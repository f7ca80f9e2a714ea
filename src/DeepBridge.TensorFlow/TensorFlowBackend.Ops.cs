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
        Single<Abs, Relu, Exp, Expm1>();
        Single<Add, Subtract, Multiply, Divide>();
        Single<Log, Log1p, Sqrt, Rsqrt>();
        Single<LogicalAnd, LogicalOr, LogicalXor, Reshape>();
        Single<Maximum, Minimum, Power, Negate>();
        Single<Product>();
        Single<Sigmoid, LogicalNot, Equal, NotEqual>();
        Single<Sin, Cos, Erf, Tanh>();
        Single<TanhGradient>(static (_, inputs) => inputs[0].Shape == inputs[1].Shape);
        Single<SigmoidGradient>(static (_, inputs) => inputs[0].Shape == inputs[1].Shape);
        Take<Any, All, ArgMax, ArgMin>();
        Take<Ceiling, Round, Less, LessEqual>();
        Take<Concat, Sum, Max, Min>();
        Take<ConvolutionWeightGradient, MaxPool, AveragePool, AveragePoolGradient>();
        Take<CumulativeSum, Gather, ScatterAdd, OneHot>();
        Take<Fill, Iota, Permute, Expand>();
        Take<FloorDivide, FloorModulo, Sign, Floor>();
        Take<Greater, GreaterEqual, Where, Cast>();
        Take<MatMul, Linear, Convolution, ConvolutionInputGradient>();
        Take<RandomWords>();
        Take<ReluGradient>(static (_, inputs) => inputs[0].Shape == inputs[1].Shape);
        Take<Slice>(Lowered.Moves);
        Take<Pad>(Lowered.Moves);
        Take<Flip>(Lowered.Moves);
        Take<TakeAlongAxis>(static (op, inputs) => op.Axis == inputs[0].Rank - 1);
        Take<Softmax>(static (op, inputs) => op.Axis == inputs[0].Rank - 1);
        Take<LogSoftmax>(static (op, inputs) => op.Axis == inputs[0].Rank - 1);
        Take<CrossEntropy>(static (op, inputs) => op.LabelSmoothing == 0 && inputs[0].Rank == 2);
        Take<CrossEntropyGradient>(static (op, inputs) => op.LabelSmoothing == 0 && inputs[1].Rank == 2);
        Take<BatchNorm>(static (_, inputs) => inputs[0].DType != DType.Float64);
        Take<BatchNormGradient>(static (_, inputs) => inputs[1].DType != DType.Float64);
        Take<RandomUniform>(static (op, _) => op.DType == DType.Float32);
    }

    private void Take<T1, T2, T3, T4>()
        where T1 : Op<T1>
        where T2 : Op<T2>
        where T3 : Op<T3>
        where T4 : Op<T4>
    {
        Take<T1>();
        Take<T2>();
        Take<T3>();
        Take<T4>();
    }

    private void Single<T1, T2, T3, T4>()
        where T1 : Op<T1>
        where T2 : Op<T2>
        where T3 : Op<T3>
        where T4 : Op<T4>
    {
        Single<T1>();
        Single<T2>();
        Single<T3>();
        Single<T4>();
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
