using System.Collections.Frozen;
using DeepBridge.TensorFlow.SavedModels;
using Google.Protobuf;
using Proto = Tensorflow;

namespace DeepBridge.TensorFlow;

/// <summary>
/// A SavedModel, loaded for inference: its signatures are called with tensors on <c>tensorflow:cpu</c>, without copies, and no
/// gradient flows through them. Any number of threads may call. A SavedModel is a program: load only such as you trust.
/// </summary>
public sealed partial class SavedModel : IDisposable
{
    /// <summary>The signature that servers call, and that <see cref="Save(string, Module{Tensor, Tensor}, TensorSpec, bool)"/> writes.</summary>
    public const string ServingDefault = "serving_default";

    private const string File = "saved_model.pb", Serve = "serve";

    private readonly FrozenDictionary<string, SavedFunction> _functions;
    private readonly SavedSession _session;
    private readonly Device _device;

    private SavedModel(TensorFlowBackend backend, SavedSession session, IEnumerable<SavedSignature> signatures)
    {
        _session = session;
        _device = backend.Devices[0];
        Signatures = signatures.ToFrozenDictionary(signature => signature.Name);

        // A dtype that DeepBridge has not is no hindrance to the other signatures.
        _functions = Signatures.Values.Where(IsTyped).ToFrozenDictionary(signature => signature.Name, signature => new SavedFunction(session, signature));
    }

    /// <summary>What can be called, by name.</summary>
    public IReadOnlyDictionary<string, SavedSignature> Signatures { get; }

    /// <summary>Loads a SavedModel of TensorFlow 1 or 2; registers the backend where nobody has.</summary>
    /// <param name="folder">The folder with <c>saved_model.pb</c>.</param>
    /// <param name="tags">The tags of the graph; none: <c>serve</c>.</param>
    /// <returns>The model, to be disposed.</returns>
    /// <exception cref="FileFormatException">There is no such file, no graph with these tags, or TensorFlow refuses it.</exception>
    /// <exception cref="BackendUnavailableException">There is no native library.</exception>
    public static SavedModel Load(string folder, params ReadOnlySpan<string> tags)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        string[] wanted = tags.IsEmpty ? [Serve] : tags.ToArray();
        Proto.MetaGraphDef graph = Read(Path.Combine(folder, File), wanted);
        SavedSignature[] signatures = [.. graph.SignatureDef.Select(pair => new SavedSignature(pair.Key, Tensors(pair.Value.Inputs), Tensors(pair.Value.Outputs)))];
        TensorFlowBackend backend = TensorFlowBackend.Register();
        SavedSession session = new(backend, Path.GetFullPath(folder), wanted);
        try
        {
            return new SavedModel(backend, session, signatures);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Calls a signature.</summary>
    /// <param name="signature">Its name.</param>
    /// <param name="inputs">Its inputs by name, on <c>tensorflow:cpu</c>.</param>
    /// <returns>Its outputs by name, owned by the current scope.</returns>
    /// <exception cref="InvalidAttributeException">There is no such signature, or the names are not its inputs'.</exception>
    /// <exception cref="ShapeMismatchException">An input has another shape than the signature says, or a rank that the graph does not take.</exception>
    /// <exception cref="DTypeMismatchException">An input has another dtype than the signature says.</exception>
    /// <exception cref="DeviceException">An input is on another device.</exception>
    /// <exception cref="UnsupportedOpException">The signature has a dtype that DeepBridge has not.</exception>
    /// <exception cref="TracingException">A graph is being traced.</exception>
    /// <exception cref="EngineException">The graph fails.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    public IReadOnlyDictionary<string, Tensor> Run(string signature, IReadOnlyDictionary<string, Tensor> inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ObjectDisposedException.ThrowIf(_session.IsClosed, this);
        SavedSignature called = Find(signature);
        if (!_functions.TryGetValue(signature, out SavedFunction? function))
        {
            throw new UnsupportedOpException($"The signature '{signature}' has a tensor of a dtype that DeepBridge has not: {Describe(called)}.");
        }

        if (inputs.Count != called.Inputs.Count || !inputs.Keys.All(called.Inputs.ContainsKey))
        {
            throw new InvalidAttributeException(signature, $"the signature is {Describe(called)}; got {string.Join(", ", inputs.Keys)}.");
        }

        Tensor[] arguments = [.. called.Inputs.Keys.Select(name => inputs[name])];
        if (Array.Find(arguments, argument => !ReferenceEquals(argument.Device, _device)) is { } stray)
        {
            throw new DeviceException($"{signature}: an input is on {stray.Device}; a SavedModel runs on {_device}. Move it with To(device).");
        }

        using AmbientChange use = Device.Use(_device);
        SavedCall call = new(function);
        Tensor[] outputs = call.ApplyAll(arguments);
        return call.HasRun
            ? called.Outputs.Keys.Zip(outputs).ToDictionary(pair => pair.First, pair => pair.Second)
            : throw new TracingException($"The signature '{signature}' of a SavedModel cannot be part of a traced graph.");
    }

    /// <summary>A signature of one input and one output as a module, for inference. It lives as long as this.</summary>
    /// <param name="signature">Its name.</param>
    /// <returns>The module, in evaluation mode.</returns>
    /// <exception cref="InvalidAttributeException">There is no such signature, or it has several inputs or outputs.</exception>
    public Module<Tensor, Tensor> AsModule(string signature = ServingDefault)
    {
        SavedSignature found = Find(signature);
        if (found is not { Inputs.Count: 1, Outputs.Count: 1 })
        {
            throw new InvalidAttributeException(signature, $"a module has one input and one output; the signature is {Describe(found)}.");
        }

        SignatureModule module = new(this, signature, found.Inputs.Keys.Single(), found.Outputs.Keys.Single());
        module.Eval();
        return module;
    }

    /// <summary>Releases graph and variables, when calls that are under way are done.</summary>
    public void Dispose() => _session.Dispose();

    private static Proto.MetaGraphDef Read(string path, string[] tags)
    {
        Proto.SavedModel saved;
        try
        {
            using FileStream stream = System.IO.File.OpenRead(path);
            saved = Proto.SavedModel.Parser.ParseFrom(stream);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidProtocolBufferException)
        {
            throw new FileFormatException($"'{path}' cannot be read as a SavedModel: {error.Message}", error);
        }

        return saved.MetaGraphs.FirstOrDefault(graph => graph.MetaInfoDef is { } about && about.Tags.ToHashSet().SetEquals(tags))
            ?? throw new FileFormatException(
                $"'{path}' has no graph with exactly the tags ({string.Join(", ", tags)}); it has "
                + string.Join(", ", saved.MetaGraphs.Select(graph => $"({string.Join(", ", graph.MetaInfoDef?.Tags ?? [])})")) + ".");
    }

    private static FrozenDictionary<string, SavedTensor> Tensors(IEnumerable<KeyValuePair<string, Proto.TensorInfo>> tensors) =>
        tensors.ToFrozenDictionary(pair => pair.Key, pair => new SavedTensor(
            pair.Value.Name,
            pair.Value.EncodingCase == Proto.TensorInfo.EncodingOneofCase.Name ? DTypeOf(pair.Value.Dtype) : null,
            pair.Value.TensorShape is { UnknownRank: false } shape ? [.. shape.Dim.Select(dim => Math.Max(dim.Size, -1))] : null));

    private static DType? DTypeOf(Proto.DataType code) =>
        Enum.GetValues<DType>().Cast<DType?>().FirstOrDefault(dtype => Native.C.Code(dtype!.Value) == (int)code);

    private static bool IsTyped(SavedSignature signature) => signature.Inputs.Values.Concat(signature.Outputs.Values).All(tensor => tensor.DType is not null);

    private static string Describe(SavedSignature signature) =>
        $"({string.Join(", ", signature.Inputs.Select(pair => $"{pair.Key}: {pair.Value}"))}) → ({string.Join(", ", signature.Outputs.Select(pair => $"{pair.Key}: {pair.Value}"))})";

    private SavedSignature Find(string signature) => Signatures.TryGetValue(signature, out SavedSignature? found)
        ? found
        : throw new InvalidAttributeException(nameof(SavedModel), $"there is no signature '{signature}'; there is {string.Join(", ", Signatures.Keys)}.");
}
