using DeepBridge.Graphs;
namespace DeepBridge.TensorFlow.Graphs;
internal sealed class TensorFlowFunction(TensorFlowBackend backend, Graph graph, Device device) : CompiledGraph
{
    public override void Run(in GraphCall call) => throw new InvalidOperationException($"{backend}{graph}{device}");
}
