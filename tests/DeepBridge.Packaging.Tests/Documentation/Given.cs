namespace DeepBridge.Packaging.Tests.Documentation;

/// <summary>
/// What fragments of documentation may take as given: the namespaces that the pages name, and a reader's own model, data and
/// tensors under the names that the pages use. All of them are null: fragments are compiled, not run.
/// </summary>
internal static class Given
{
    /// <summary>Given on every page.</summary>
    internal const string Everywhere =
        """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Text.Json;
        global using System.Threading;
        global using System.Threading.Tasks;
        global using DeepBridge;
        global using DeepBridge.Checkpoints;
        global using DeepBridge.Data;
        global using DeepBridge.Extensions.DependencyInjection;
        global using DeepBridge.Extensions.Terminal;
        global using DeepBridge.Graphs;
        global using DeepBridge.Initializers;
        global using DeepBridge.Layers;
        global using DeepBridge.Metrics;
        global using DeepBridge.Optimizers;
        global using DeepBridge.Schedules;
        global using DeepBridge.Training;
        global using DeepBridge.Torch;
        global using Microsoft.Extensions.Logging;
        global using static Yours;
        global using static YoursHere;

        public static class Yours
        {
            public static readonly Sequential model = null!;
            public static readonly Lstm lstm = null!;
            public static readonly Adam optimizer = null!;
            public static readonly Parameter weight = null!;
            public static readonly Gradients gradients = null!;
            public static readonly LossScaler scaler = null!;
            public static readonly ReduceOnPlateau plateau = null!;
            public static readonly CheckpointStore store = null!;
            public static readonly Trainer trainer = null!;
            public static readonly TrainingResult result = null!;
            public static readonly Batches train = null!, validation = null!, test = null!;
            public static readonly IDataset<(HostArray<float> Input, long Label)> dataset = null!;
            public static readonly IDataset<HostArray<float>> rows = null!;
            public static readonly float[] array = null!;
            public static readonly CancellationToken cancellationToken;
            public static readonly Tensor a = null!, b = null!, x = null!, y = null!, w = null!, q = null!, k = null!, v = null!;
            public static readonly Tensor images = null!, labels = null!, testImages = null!, testLabels = null!, logits = null!, features = null!;
            public static readonly Tensor indices = null!, values = null!, lengths = null!, mask = null!, weights = null!, kernel = null!, loss = null!;
            public static Tensor[] f(Tensor[] inputs) => inputs;
            public static (HostArray<float> Input, long Label) Sample(int index) => default;
        }
        """;

    /// <summary>The registration of an engine, where the build does not have it.</summary>
    internal const string WithoutTorch =
        """
        namespace DeepBridge.Torch
        {
            public static class TorchSharpBackend
            {
                public static void Register() { }
            }
        }
        """;

    /// <summary>Given on one page besides.</summary>
    internal static string On(string page) => $"public static class YoursHere {{ {s_pages.GetValueOrDefault(page)} }}";

    private static readonly Dictionary<string, string> s_pages = new()
    {
        ["docs/training.md"] =
            """
            public static readonly ILoader<(Tensor Left, Tensor Right)> pairs = null!;
            public static readonly Batches<Tensor> inputs = null!;
            public static readonly CancellationToken stopping;
            public static Tensor Contrastive(Tensor left, Tensor right) => left;
            public static void Write(float[] numbers) { }
            """,
        ["docs/tensorflow.md"] =
            """
            public static readonly IReadOnlyDictionary<string, Tensor> inputs = null!;
            """,
        ["docs/precision.md"] =
            """
            public static readonly Batches batches = null!;
            """,
        ["docs/checkpoints.md"] =
            """
            public static readonly LossScaler averages = null!;
            public static readonly ILoader<Tensor> loader = null!;
            public static readonly ILogger logger = null!;
            public static readonly TrainingState state = null!;
            public static readonly long step, epoch;

            public sealed class MyContext
            {
                public static readonly MyContext Default = null!;
                public System.Text.Json.Serialization.Metadata.JsonTypeInfo<LoaderCursor> Cursor => null!;
            }
            """,
    };
}
