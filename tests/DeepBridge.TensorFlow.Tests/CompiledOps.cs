using DeepBridge.Backends;
using DeepBridge.Graphs;
using DeepBridge.Ops;

namespace DeepBridge.TensorFlow.Tests;

/// <summary>
/// Makes a graph of every op that passes, and runs what the backend compiles of it; but for proofs, of a quarter of them,
/// since compiling takes milliseconds.
/// </summary>
internal sealed class CompiledOps : Wrapper
{
    private const int MostKept = 500;

    private static readonly Dictionary<string, CompiledGraph> s_kept = [];

    /// <summary>How many graphs were compiled.</summary>
    internal static int Count { get; private set; }

    /// <inheritdoc/>
    public override void Execute(Op op, in KernelCall call)
    {
        TensorSpec[] specs = new TensorSpec[call.Inputs.Length];
        for (int i = 0; i < specs.Length; i++)
        {
            specs[i] = call.Inputs[i].Spec;
        }

        Device device = call.Device;
        string key = $"{device} {op} {string.Join(", ", specs.AsEnumerable())}";
        if (call.Device.Backend is not TensorFlowBackend || !Sample.Takes(key, 4))
        {
            Next(op, call);
            return;
        }

        bool isKept = s_kept.TryGetValue(key, out CompiledGraph? compiled);
        if (compiled is null)
        {
            using Graph graph = Graph.Trace(inputs => op.ApplyAll(inputs), specs, device);
            compiled = device.Backend.Compile(graph, device);
            Count++;
            isKept = s_kept.Count < MostKept && s_kept.TryAdd(key, compiled);
        }

        try
        {
            compiled.Run(new GraphCall(call.Inputs, [], call.Outputs, []));
        }
        finally
        {
            if (!isKept)
            {
                compiled.Dispose();
            }
        }
    }
}
