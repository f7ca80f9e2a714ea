using DeepBridge.Graphs;
using DeepBridge.TensorFlow.Eager;
using DeepBridge.TensorFlow.Native;

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

    /// <summary>Functions of as many arguments share what TensorFlow wraps their calls in; it goes with each, and comes back.</summary>
    [Fact]
    public void A_graph_that_is_disposed_leaves_nothing_and_disturbs_no_other()
    {
        TensorFlowBackend backend = TensorFlowBackend.Register();
        using AmbientChange use = Device.Use("tensorflow:cpu");
        using TensorScope scope = new();
        Tensor x = Tensor.Ones([3]);
        string wrapper = EagerContext.WrapperOf(1, 1);
        using Graph stays = Graph.Trace(inputs => [inputs[0] * 2], [x.Spec]);
        for (int i = 0; i < 3; i++)
        {
            using (Graph goes = Graph.Trace(inputs => [inputs[0] * 3], [x.Spec]))
            {
                // Where other threads have run ops, calls go another way for a second.
                SpinWait.SpinUntil(() => Calls(goes), 5000).Should().BeTrue();
                stays.Run(x)[0].ToArray<float>().Should().Equal(2, 2, 2);
            }

            C.TFE_ContextHasFunction(backend.Context.Pointer, wrapper).Should().Be(0);
        }

        bool Calls(Graph graph)
        {
            graph.Run(x)[0].ToArray<float>().Should().Equal(3, 3, 3);
            return C.TFE_ContextHasFunction(backend.Context.Pointer, wrapper) != 0;
        }
    }

    [Fact]
    public void Ops_wait_for_calls_and_calls_make_way_for_ops()
    {
        CallGate gate = new();
        gate.TryBeginCall().Should().BeTrue();
        gate.TryBeginCall().Should().BeTrue("calls do not exclude each other");
        Task op = Task.Run(gate.BeginOp, TestContext.Current.CancellationToken);
        SpinWait.SpinUntil(() => op.IsCompleted, 50).Should().BeFalse("a call runs");
        gate.TryBeginCall().Should().BeFalse("an op waits");
        gate.EndCall();
        op.IsCompleted.Should().BeFalse("another call runs");
        gate.EndCall();
        SpinWait.SpinUntil(() => op.IsCompleted, 5000).Should().BeTrue();
        gate.TryBeginCall().Should().BeFalse("an op runs");
        gate.EndOp();
        SpinWait.SpinUntil(gate.TryBeginCall, 5000).Should().BeTrue("no op has come for a second");
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
