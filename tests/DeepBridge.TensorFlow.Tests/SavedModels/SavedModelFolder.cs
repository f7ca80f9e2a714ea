using Google.Protobuf;
using Tensorflow;

namespace DeepBridge.TensorFlow.Tests.SavedModels;

/// <summary>A folder for SavedModels, with TensorFlow as the device, and how such a file is written and changed.</summary>
public abstract class SavedModelFolder : IDisposable
{
    private readonly TensorScope _scope = new();
    private readonly AmbientChange _use;

    protected SavedModelFolder()
    {
        TensorFlowBackend.Register();
        _use = Device.Use("tensorflow:cpu");
    }

    /// <summary>The folder, which goes with the test.</summary>
    protected string Root { get; } = Directory.CreateTempSubdirectory("deepbridge-saved-").FullName;

    /// <summary>Where a test has its SavedModel.</summary>
    protected string Target => Path.Combine(Root, "model");

    public void Dispose()
    {
        _use.Dispose();
        _scope.Dispose();
        Directory.Delete(Root, recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Calls the signature <c>serving_default</c>.</summary>
    protected static IReadOnlyDictionary<string, Tensor> Call(SavedModel model, params (string Name, Tensor Value)[] inputs) =>
        model.Run("serving_default", inputs.ToDictionary(input => input.Name, input => input.Value));

    /// <summary>Writes a graph of another's making.</summary>
    protected void Write(GraphDef graph, SignatureDef signature)
    {
        File.Delete(Path.Combine(Directory.CreateDirectory(Target).FullName, "saved_model.pb"));
        SavedModel.WriteGraph(TensorFlowBackend.Register(), Target, graph, signature, null);
    }

    /// <summary>Changes the signature of the SavedModel that is there.</summary>
    protected void Change(Action<SignatureDef> change)
    {
        string file = Path.Combine(Target, "saved_model.pb");
        Tensorflow.SavedModel saved = Tensorflow.SavedModel.Parser.ParseFrom(File.ReadAllBytes(file));
        change(saved.MetaGraphs[0].SignatureDef["serving_default"]);
        File.WriteAllBytes(file, saved.ToByteArray());
    }
}
