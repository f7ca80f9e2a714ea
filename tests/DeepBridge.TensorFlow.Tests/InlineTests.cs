using DeepBridge.Graphs;

namespace DeepBridge.TensorFlow.Tests;

/// <summary>A compiled graph runs on the thread that calls it.</summary>
public sealed class InlineTests
{
    static InlineTests() => TensorFlowBackend.Register();

    [Fact]
    public void A_graph_without_results_assigns()
    {
        using AmbientChange use = Device.Use("tensorflow:cpu");
        using TensorScope scope = new();
        Variable total = new(Tensor.Zeros([2]));
        using Graph graph = Graph.Trace(
            inputs =>
            {
                total.Assign(total.Value + inputs[0]);
                return [];
            },
            [total.Spec]);
        for (int i = 0; i < 3; i++)
        {
            graph.Run(Tensor.Ones([2]));
        }

        total.Value.ToArray<float>().Should().Equal(3, 3);
    }

    [Fact]
    public void Threads_that_run_graphs_and_threads_that_run_ops_do_not_disturb_each_other() => Parallel.For(0, 6, thread =>
    {
        using AmbientChange use = Device.Use("tensorflow:cpu");
        using TensorScope scope = new();
        Variable total = new(Tensor.Zeros([4, 4]));
        Func<Tensor[], Tensor[]> step = inputs =>
        {
            total.Assign((total.Value * 0.5) + inputs[0].MatMul(inputs[0]));
            return [total.Value.Sum()];
        };
        Tensor x = Tensor.Full([4, 4], 0.25 * thread);
        using Graph graph = Graph.Trace(step, [x.Spec]);
        double expected = 0;
        foreach (int i in TensorScope.Steps(300))
        {
            expected = (expected * 0.5) + (thread * thread * 0.25);
            float sum = (thread % 2 == 0 ? graph.Run(x) : step([x]))[0].Item<float>();
            sum.Should().BeApproximately((float)(16 * expected), 1e-3f);
        }
    });
}
