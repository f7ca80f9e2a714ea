using System.Collections.Concurrent;
using DeepBridge.Autodiff;
using DeepBridge.Ops;
using Tensorflow;

namespace DeepBridge.TensorFlow.SavedModels;

/// <summary>A signature and where its tensors are in the graph.</summary>
/// <param name="Session">The session.</param>
/// <param name="Signature">The signature.</param>
internal sealed record SavedFunction(SavedSession Session, SavedSignature Signature)
{
    /// <summary>Where the inputs go.</summary>
    internal TF_Output[] Inputs { get; } = [.. Signature.Inputs.Values.Select(Session.Find)];

    /// <summary>Where the outputs come from.</summary>
    internal TF_Output[] Outputs { get; } = [.. Signature.Outputs.Values.Select(Session.Find)];

    /// <summary>Why the graph does not take inputs of some ranks; null: it takes them, as those that it was made for (-1: any).</summary>
    internal ConcurrentDictionary<Dims, string?> Refusals { get; } = new() { [[.. Signature.Inputs.Values.Select(Session.Rank)]] = null };
}

/// <summary>One call of a signature. Its rule does not know the shapes that will come out, and says scalars; what the kernel gives has them.</summary>
/// <param name="Function">The signature.</param>
internal sealed record SavedCall(SavedFunction Function) : Op<SavedCall>
{
    /// <summary>Whether the kernel has run: a trace only writes the call down.</summary>
    internal bool HasRun { get; set; }

    /// <inheritdoc/>
    public override int OutputCount => Function.Outputs.Length;

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        foreach ((int i, (string name, SavedTensor expected)) in Function.Signature.Inputs.Index())
        {
            TensorSpec given = inputs[i];
            if (given.DType != expected.DType)
            {
                throw new DTypeMismatchException(Function.Signature.Name, $"'{name}' is {expected}, got {given.DType.Name()}.");
            }

            if (expected.Extents is { } extents
                && (extents.Count != given.Rank || extents.Where((extent, axis) => extent >= 0 && extent != given.Shape[axis]).Any()))
            {
                throw new ShapeMismatchException(Function.Signature.Name, $"'{name}' is {expected}, got {given.Shape}.", [given.Shape]);
            }
        }

        foreach ((int i, SavedTensor output) in Function.Signature.Outputs.Values.Index())
        {
            outputs[i] = new TensorSpec(default, output.DType!.Value);
        }
    }

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Nothing;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => throw new GradientException(
        $"No gradient flows through the signature '{Function.Signature.Name}' of a SavedModel: detach its input, or call it inside Gradients.NoGradient().");
}
