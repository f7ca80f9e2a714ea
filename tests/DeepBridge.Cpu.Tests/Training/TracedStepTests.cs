using DeepBridge.Graphs;
using DeepBridge.Optimizers;
using DeepBridge.Schedules;
using Digits;

namespace DeepBridge.Cpu.Tests.Training;

public sealed class TracedStepTests
{
    private const int Steps = 20, BatchSize = 32;

    [Theory]
    [InlineData("cnn")]
    [InlineData("mlp")]
    public void The_traced_digits_step_equals_the_eager_one_bitwise_and_is_traced_once(string name)
    {
        using AmbientChange device = Device.Use("cpu");
        Run eager = new(name), traced = new(name);
        DigitsFile digits = DigitsFile.Read(DigitsFile.Carried, labelled: true);
        int traces = 0;
        Graph? graph = null;
        foreach (int step in TensorScope.Steps(Steps))
        {
            Range rows = (step * BatchSize)..((step + 1) * BatchSize);
            Tensor images = digits.Images(rows), labels = digits.Digits(rows);
            graph ??= Graph.Trace(
                inputs =>
                {
                    traces++;
                    using AmbientChange generator = traced.Generator.Use();
                    return [traced.Step(inputs[0], inputs[1])];
                },
                [images.Spec, labels.Spec]);
            float replayed = graph.Run(images, labels)[0].Item<float>();
            float direct;
            using (eager.Generator.Use())
            {
                direct = eager.Step(images, labels).Item<float>();
            }

            BitConverter.SingleToInt32Bits(replayed).Should().Be(BitConverter.SingleToInt32Bits(direct), $"loss of step {step}");
        }

        traces.Should().Be(1);
        foreach (((string key, Variable left), (_, Variable right)) in eager.State().Zip(traced.State()))
        {
            Bits(left).Should().Equal(Bits(right), key);
        }
    }

    private static byte[] Bits(Variable variable)
    {
        byte[] bytes = new byte[variable.Spec.Bytes];
        using Tensor value = variable.Value;
        switch (variable.DType)
        {
            case DType.Float32:
                value.CopyTo(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes.AsSpan()));
                break;
            default:
                value.CopyTo(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, long>(bytes.AsSpan()));
                break;
        }

        return bytes;
    }

    /// <summary>A model with dropout and batch norm, and Adam with warm-up and a cosine schedule.</summary>
    private sealed class Run
    {
        private readonly Module<Tensor, Tensor> _model;
        private readonly Adam _optimizer;

        internal Run(string name)
        {
            Generator = new RandomGenerator(5);
            using AmbientChange generator = Generator.Use();
            _model = name == "cnn" ? new Cnn() : new Mlp();
            _optimizer = new Adam(_model, 1e-3) { Schedule = new WarmUp(5, new CosineSchedule(1e-3, 15, 1e-5)) };
        }

        internal RandomGenerator Generator { get; }

        internal Tensor Step(Tensor images, Tensor labels)
        {
            Tensor loss = Loss.CrossEntropy(_model.Call(images), labels);
            _optimizer.Step(Gradients.Of(loss, _model.Parameters));
            return loss.Detach();
        }

        internal IEnumerable<(string Key, Variable Variable)> State() =>
            [.. _model.NamedVariables(), .. _optimizer.NamedVariables(), ("generator", Generator.State)];
    }
}
