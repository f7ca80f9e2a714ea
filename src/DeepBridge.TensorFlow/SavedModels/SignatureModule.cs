namespace DeepBridge.TensorFlow.SavedModels;

/// <summary>A signature of one input and one output as a module without parameters. Its mode changes nothing.</summary>
/// <param name="model">The SavedModel, which must outlive it.</param>
/// <param name="signature">The signature's name.</param>
/// <param name="input">The input's name.</param>
/// <param name="output">The output's name.</param>
internal sealed partial class SignatureModule(SavedModel model, string signature, string input, string output) : Module<Tensor, Tensor>
{
    /// <inheritdoc/>
    protected override Tensor Forward(Tensor value) => model.Run(signature, new Dictionary<string, Tensor> { [input] = value })[output];
}
