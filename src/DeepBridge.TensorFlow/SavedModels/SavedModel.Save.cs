using DeepBridge.TensorFlow.SavedModels;
using Google.Protobuf;
using Proto = Tensorflow;

namespace DeepBridge.TensorFlow;

public sealed partial class SavedModel
{
    /// <summary>Saves a model of one input and one output, named <c>input_0</c> and <c>output_0</c>.</summary>
    /// <inheritdoc cref="Save(string, Module, Func{Tensor[], Tensor[]}, ReadOnlySpan{TensorSpec}, bool)"/>
    /// <param name="folder">The folder; one that holds a SavedModel is replaced as a whole.</param>
    /// <param name="model">The model, on any device.</param>
    /// <param name="input">The spec of its input.</param>
    /// <param name="variables">Whether parameters and buffers stand beside the graph, in TensorFlow's checkpoint, or as constants in it.</param>
    public static SavedSignature Save(string folder, Module<Tensor, Tensor> model, TensorSpec input, bool variables = false) =>
        Save(folder, model, inputs => [model.Call(inputs[0])], [input], variables);

    /// <summary>
    /// Saves what a model computes in evaluation mode as a SavedModel with the signature <c>serving_default</c>, whose inputs are
    /// <c>input_0</c>, <c>input_1</c>, …, its outputs <c>output_0</c>, … The first axis of the inputs, the
    /// batch, is left open, unless the specs disagree about it or more than shapes depends on it: then it is that of the specs.
    /// </summary>
    /// <param name="folder">The folder; one that holds a SavedModel is replaced as a whole.</param>
    /// <param name="model">The model, on any device.</param>
    /// <param name="function">What calls it; it is traced.</param>
    /// <param name="inputs">The specs of the inputs.</param>
    /// <param name="variables">Whether parameters and buffers stand beside the graph, in TensorFlow's checkpoint, or as constants in it.</param>
    /// <returns>The signature, which says what was left open.</returns>
    /// <exception cref="UnsupportedOpException">The model assigns a variable, or has an op that TensorFlow has not.</exception>
    /// <exception cref="InvalidAttributeException">Constants of more than 2 GB: save variables.</exception>
    /// <exception cref="IOException">The folder holds something else, or the disk refuses.</exception>
    public static SavedSignature Save(
        string folder, Module model, Func<Tensor[], Tensor[]> function, ReadOnlySpan<TensorSpec> inputs, bool variables = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(function);
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (Directory.Exists(target) && !System.IO.File.Exists(Path.Combine(target, File)) && Directory.EnumerateFileSystemEntries(target).Any())
        {
            throw new IOException($"'{target}' holds something else than a SavedModel, and is left as it is.");
        }

        TensorFlowBackend backend = TensorFlowBackend.Register();
        SavedGraph graph = Trace(backend, model, function, inputs.ToArray());
        ILookup<Variable, string> names = model.NamedVariables().ToLookup(named => named.Variable, named => named.Key);

        // No path of a module has a slash.
        string[] keys = [.. graph.Variables.Select((variable, i) => names[variable].FirstOrDefault() ?? $"captured/{i}")];
        Proto.SignatureDef signature = graph.Signature();
        string temporary = $"{target}.{Guid.NewGuid():N}.tmp";
        try
        {
            Directory.CreateDirectory(temporary);
            Proto.SaverDef? saver = variables ? SavedVariables.Attach(graph, backend, temporary, keys) : SavedVariables.Embed(graph, backend);
            WriteGraph(backend, temporary, graph.Def, signature, saver);
            Replace(temporary, target);
        }
        finally
        {
            if (Directory.Exists(temporary))
            {
                Directory.Delete(temporary, recursive: true);
            }
        }

        return new SavedSignature(ServingDefault, Tensors(signature.Inputs), Tensors(signature.Outputs));
    }

    /// <summary>Writes <c>saved_model.pb</c>.</summary>
    /// <param name="backend">The backend.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="graph">The graph.</param>
    /// <param name="signature">The only signature.</param>
    /// <param name="saver">What restores the variables; null: there are none.</param>
    internal static void WriteGraph(
        TensorFlowBackend backend, string folder, Proto.GraphDef graph, Proto.SignatureDef signature, Proto.SaverDef? saver)
    {
        Proto.MetaGraphDef meta = new()
        {
            MetaInfoDef = new Proto.MetaGraphDef.Types.MetaInfoDef { Tags = { Serve }, TensorflowVersion = backend.Version.ToString() },
            GraphDef = graph,
            SaverDef = saver,
            SignatureDef = { [ServingDefault] = signature },
        };
        using FileStream stream = new(Path.Combine(folder, File), FileMode.CreateNew, FileAccess.Write);
        new Proto.SavedModel { SavedModelSchemaVersion = 1, MetaGraphs = { meta } }.WriteTo(stream);
        stream.Flush(flushToDisk: true);
    }

    private static SavedGraph Trace(TensorFlowBackend backend, Module model, Func<Tensor[], Tensor[]> function, TensorSpec[] inputs)
    {
        Device device = model.Variables.FirstOrDefault()?.Device ?? Device.Default;
        (Module Module, bool Training)[] modes = [.. model.NamedModules().Select(named => (named.Module, named.Module.IsTraining))];
        using AmbientChange change = Gradients.NoGradient();
        model.Eval();
        try
        {
            return Open(backend, function, inputs, device) ?? new SavedGraph(backend, function, inputs, device);
        }
        finally
        {
            // Outer modules come first, and take with them what is inside.
            foreach ((Module module, bool training) in modes)
            {
                module.Train(training);
            }
        }
    }

    /// <summary>The graph for batches of any size, or null.</summary>
    private static SavedGraph? Open(TensorFlowBackend backend, Func<Tensor[], Tensor[]> function, TensorSpec[] inputs, Device device)
    {
        if (inputs.Length == 0 || Array.Exists(inputs, input => input.Rank == 0 || input.Shape[0] != inputs[0].Shape[0]))
        {
            return null;
        }

        try
        {
            SavedGraph[] graphs = [.. new[] { 7, 11, 17 }.Select(batch =>
                new SavedGraph(backend, function, [.. inputs.Select(input => input.As(input.Shape.With(0, batch)))], device))];
            return graphs[0].Open(graphs[1..]) ? graphs[0] : null;
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // A model for one size of batch refuses others as it likes; what is wrong besides is thrown when that size is traced.
            return null;
        }
    }

    /// <summary>Gives a folder its name. What had it goes only when it has been replaced.</summary>
    private static void Replace(string folder, string target)
    {
        if (!Directory.Exists(target))
        {
            Directory.Move(folder, target);
            return;
        }

        string old = $"{target}.{Guid.NewGuid():N}.old";
        Directory.Move(target, old);
        try
        {
            Directory.Move(folder, target);
        }
        catch
        {
            Directory.Move(old, target);
            throw;
        }

        Directory.Delete(old, recursive: true);
    }
}
