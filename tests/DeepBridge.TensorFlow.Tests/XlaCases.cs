using DeepBridge.Graphs;
using DeepBridge.TensorFlow.Tests.Training;

namespace DeepBridge.TensorFlow.Tests;

/// <summary>Compiled graphs through XLA, which only one set-up of the process can ask for.</summary>
public sealed class XlaCases
{
    static XlaCases() => TensorFlowBackend.Register(new TensorFlowOptions { Xla = true });

    [Fact(Explicit = true)]
    public void Bad_values_are_typed_errors() => GuardCases.Check("tensorflow:cpu");

    [Fact(Explicit = true)]
    public void Odd_values_give_what_the_conventions_say() => FactCases.Check("tensorflow:cpu", eagerly: false);

    [Fact(Explicit = true)]
    public void A_step_agrees_with_the_eager_one() => StepTests.Agree("mlp", 5);

    [Fact(Explicit = true)]
    public void Dropout_draws_the_hosts_words()
    {
        using AmbientChange use = Device.Use("tensorflow:cpu");
        using TensorScope scope = new();
        RandomGenerator eager = new(5), compiled = new(5);
        using Graph graph = Graph.Trace(_ => [compiled.Uniform([6])], []);
        for (int i = 0; i < 3; i++)
        {
            graph.Run()[0].ToArray<float>().Should().Equal(eager.Uniform([6]).ToArray<float>());
        }
    }
}
