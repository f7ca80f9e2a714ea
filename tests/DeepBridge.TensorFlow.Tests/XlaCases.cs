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
    public void A_graph_without_results_writes_what_it_assigns()
    {
        using AmbientChange use = Device.Use("tensorflow:cpu");
        using TensorScope scope = new();
        Variable variable = new(Tensor.Zeros([3]), "v");
        using Graph graph = Graph.Trace(
            inputs =>
            {
                variable.Assign(variable.Value + inputs[0]);
                return [];
            },
            [variable.Spec]);
        graph.Run(Tensor.From([1f, 2, 3])).Should().BeEmpty();
        graph.Run(Tensor.From([1f, 2, 3]));
        variable.Value.ToArray<float>().Should().Equal(2, 4, 6);
    }

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
