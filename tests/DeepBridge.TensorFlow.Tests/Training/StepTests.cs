using DeepBridge.Graphs;
using DeepBridge.Optimizers;
using DeepBridge.Schedules;
using Digits;

namespace DeepBridge.TensorFlow.Tests.Training;

/// <summary>Whole training steps: compiled once, and the same as eager ones, and as those of <c>cpu</c>, from the same state.</summary>
public sealed class StepTests(ITestOutputHelper output)
{
    private const int BatchSize = 32;

    static StepTests() => TensorFlowBackend.Register();

    [Theory]
    [InlineData("mlp")]
    [InlineData("cnn")]
    public void A_step_with_everything_is_traced_once_and_agrees_from_every_state(string model) =>
        output.WriteLine(Agree(model, Sample.IsFull ? 200 : 20));

    [Fact]
    public void A_held_value_stays_as_it_was_when_a_compiled_step_updates_its_variable()
    {
        using AmbientChange use = Device.Use("tensorflow:cpu");
        using TensorScope scope = new();
        Variable variable = new(Tensor.Zeros([70_000]), "v");
        using Graph graph = Graph.Trace(
            _ =>
            {
                variable.Assign(variable.Value + 1);
                return [variable.Value.Sum()];
            },
            []);
        graph.Run()[0].Item<float>().Should().Be(70_000);
        Tensor held = variable.Value;
        graph.Run()[0].Item<float>().Should().Be(140_000);
        held.ToArray<float>().Should().OnlyContain(number => number == 1);
        (variable.Value * 2).ToArray<float>().Should().OnlyContain(number => number == 4);
        graph.Run()[0].Item<float>().Should().Be(210_000);
        variable.To("cpu");
        variable.Value.ToArray<float>().Should().OnlyContain(number => number == 3);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(0.9, false)]
    [InlineData(0.9, true)]
    public void Sgd_agrees_compiled_and_eager(double momentum, bool nesterov) => Optimize(
        parameters => new Sgd(parameters, 0.1, momentum, weightDecay: 0.01, nesterov: nesterov));

    [Fact]
    public void Adam_agrees_compiled_and_eager() => Optimize(parameters => new Adam(parameters, 0.1, weightDecay: 0.01));

    [Fact]
    public void AdamW_agrees_compiled_and_eager() => Optimize(parameters => new AdamW(parameters, 0.1));

    /// <summary>Two steps in one graph cannot both be TensorFlow's own update of the variable; one can, and is read behind it.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_graph_sees_what_its_steps_wrote(int steps)
    {
        float[][] Three(Device device, bool traced)
        {
            using AmbientChange use = Device.Use(device);
            using TensorScope scope = new();
            Parameter parameter = new(Tensor.From([1f, -2f, 3f, 0.5f]));
            Adam optimizer = new([parameter], 0.1);
            Tensor[] Step()
            {
                for (int i = 0; i < steps; i++)
                {
                    optimizer.Step(Gradients.Of((parameter.Value * parameter.Value).Sum(), [parameter]));
                }

                return [parameter.Value * 2, optimizer.StepCount.Value.Cast(DType.Float32)];
            }

            using Graph? graph = traced ? Graph.Trace(_ => Step(), []) : null;
            return [.. Enumerable.Range(0, 3).SelectMany(_ => graph?.Run() ?? Step()).Select(result => result.ToArray<float>()), parameter.Value.ToArray<float>()];
        }

        float[] expected = [.. Three("cpu", false).SelectMany(numbers => numbers)];
        expected[4].Should().Be(steps, "the count of the first run");
        foreach (bool traced in new[] { false, true })
        {
            Three("tensorflow:cpu", traced).SelectMany(numbers => numbers).Zip(expected)
                .Should().OnlyContain(pair => Math.Abs(pair.First - pair.Second) <= 2e-5 * Math.Max(1, Math.Abs(pair.Second)));
        }
    }

    /// <summary>Steps of <c>cpu</c> lead; from each of their states an eager and a compiled step must arrive where they do.</summary>
    internal static string Agree(string model, int steps)
    {
        Run leader = new(model, "cpu"), eager = new(model, "tensorflow:cpu"), compiled = new(model, "tensorflow:cpu");
        DigitsFile digits = DigitsFile.Read(DigitsFile.Carried, labelled: true);
        int traces = 0, loose = 0;
        double worst = 0;
        Graph? graph = null;
        foreach (int step in TensorScope.Steps(steps))
        {
            eager.Follow(leader);
            compiled.Follow(leader);
            Range rows = (step % 40 * BatchSize)..(((step % 40) + 1) * BatchSize);
            Tensor[] Batch(Run run)
            {
                using AmbientChange use = Device.Use(run.Device);
                return [digits.Images(rows), digits.Digits(rows)];
            }

            Tensor[] batch = Batch(compiled);
            using (Device.Use(compiled.Device))
            {
                graph ??= Graph.Trace(
                    inputs =>
                    {
                        traces++;
                        return compiled.Step(inputs[0], inputs[1]);
                    },
                    [batch[0].Spec, batch[1].Spec]);
            }

            Tensor[] expected = leader.Step(Batch(leader)[0], Batch(leader)[1]);
            foreach (Tensor[] actual in new[] { eager.Step(Batch(eager)[0], Batch(eager)[1]), graph.Run(batch) })
            {
                double loss = expected[0].Item<float>();
                Math.Abs(actual[0].Item<float>() - loss).Should().BeLessThan(1e-5 * Math.Max(1, Math.Abs(loss)), $"loss of step {step}");
                double all = Math.Sqrt(expected.Skip(1).Sum(gradient => Math.Pow(Norm(gradient.ToArray<float>()), 2)));
                for (int i = 1; i < expected.Length; i++)
                {
                    float[] wanted = expected[i].ToArray<float>(), got = actual[i].ToArray<float>();
                    double error = Norm([.. wanted.Zip(got, (a, b) => a - b)]) / Math.Max(Norm(wanted), all * 1e-3);

                    // As in the swapping tests: a pre-activation within rounding of 0 may fall on the other side of a ReLU.
                    error.Should().BeLessThan(5e-3, $"gradient {i} of step {step}");
                    worst = Math.Max(worst, error);
                    double scale = wanted.Max(Math.Abs);
                    loose += wanted.Zip(got).All(pair => Math.Abs(pair.First - pair.Second) <= (2e-5 * Math.Abs(pair.First)) + (4e-6 * scale)) ? 0 : 1;
                }
            }
        }

        traces.Should().Be(1);
        graph!.Dispose();
        return $"{model}: {steps} states, eager and compiled; gradients off by at most {worst:E1} in norm, {loose} of them outside the elementwise table";
    }

    private static double Norm(float[] numbers) => Math.Sqrt(numbers.Sum(number => (double)number * number));

    /// <summary>Ten steps on TensorFlow, eager and compiled, beside <c>cpu</c>.</summary>
    private static void Optimize(Func<IEnumerable<Parameter>, Optimizer> make)
    {
        float[] Ten(Device device, bool traced)
        {
            using AmbientChange use = Device.Use(device);
            using TensorScope scope = new();
            Parameter parameter = new(Tensor.From([1f, -2f, 3f, 0.5f]));
            Optimizer optimizer = make([parameter]);
            Tensor target = Tensor.From([0f, 1f, 2f, 3f]);
            Tensor Step(Tensor to)
            {
                Tensor loss = ((parameter.Value - to) * (parameter.Value - to)).Sum();
                optimizer.Step(Gradients.Of(loss, [parameter]));
                return loss.Detach();
            }

            using Graph? graph = traced ? Graph.Trace(inputs => [Step(inputs[0])], [target.Spec]) : null;
            for (int i = 0; i < 10; i++)
            {
                _ = graph is null ? Step(target) : graph.Run(target)[0];
            }

            return parameter.Value.ToArray<float>();
        }

        float[] expected = Ten("cpu", false);
        foreach (bool traced in new[] { false, true })
        {
            Ten("tensorflow:cpu", traced).Zip(expected).Should().OnlyContain(pair => Math.Abs(pair.First - pair.Second) <= 2e-5 * Math.Max(1, Math.Abs(pair.Second)));
        }
    }

    /// <summary>A model with dropout and batch norm; Adam with warm-up, a cosine schedule and clipped gradients.</summary>
    private sealed class Run
    {
        private readonly Module<Tensor, Tensor> _model;
        private readonly Adam _optimizer;
        private readonly RandomGenerator _generator = new(5);

        internal Run(string name, Device device)
        {
            Device = device;
            using AmbientChange use = Device.Use(device), generator = _generator.Use();
            _model = name == "cnn" ? new Cnn() : new Mlp();
            _optimizer = new Adam(_model, 1e-3) { Schedule = new WarmUp(5, new CosineSchedule(1e-3, 150, 1e-5)) };
        }

        internal Device Device { get; }

        /// <summary>One step: the loss, and the clipped gradients.</summary>
        internal Tensor[] Step(Tensor images, Tensor labels)
        {
            using AmbientChange generator = _generator.Use();
            Tensor loss = Loss.CrossEntropy(_model.Call(images), labels);
            Gradients gradients = Gradients.Of(loss, _model.Parameters).ClipNorm(1);
            _optimizer.Step(gradients);
            return [loss.Detach(), .. _model.Parameters.Select(parameter => gradients[parameter])];
        }

        /// <summary>Takes over another run's state.</summary>
        internal void Follow(Run leader)
        {
            foreach (((_, Variable mine), (_, Variable theirs)) in State().Zip(leader.State()))
            {
                mine.Assign(theirs.Value.Detach().To(Device));
            }
        }

        private IEnumerable<(string Key, Variable Variable)> State() =>
            [.. _model.NamedVariables(), .. _optimizer.NamedVariables(), ("generator", _generator.State)];
    }
}
