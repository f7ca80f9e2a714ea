using System.Collections.Concurrent;
using DeepBridge.Autodiff;
using DeepBridge.Ops;
using Tensorflow;

namespace DeepBridge.TensorFlow.SavedModels;

/// <summary>A signature and where its tensors are in the graph.</summary>
/// <param name="session">The session.</param>
/// <param name="signature">The signature.</param>
internal sealed class SavedFunction(SavedSession session, SavedSignature signature)
{
    /// <summary>The session.</summary>
    internal SavedSession Session => session;

    /// <summary>The signature.</summary>
    internal SavedSignature Signature => signature;

    /// <summary>Where the inputs go.</summary>
    internal TF_Output[] Inputs { get; } = [.. signature.Inputs.Values.Select(session.Find)];

    /// <summary>Where the outputs come from.</summary>
    internal TF_Output[] Outputs { get; } = [.. signature.Outputs.Values.Select(session.Find)];

    /// <summary>Why the graph does not take inputs of some ranks; null: it takes them, as those that it was made for (-1: any).</summary>
    internal ConcurrentDictionary<Dims, string?> Refusals { get; } = new() { [[.. signature.Inputs.Values.Select(session.Rank)]] = null };
}

/// <summary>One call of a signature. Its rule does not know the shapes that will come out, and says scalars; what the kernel gives has them.</summary>
/// <param name="function">The signature.</param>
internal sealed record SavedCall(SavedFunction function) : Op<SavedCall>
{
    /// <summary>The signature.</summary>
    internal SavedFunction Function => function;

    /// <summary>Whether the kernel has run: a trace only writes the call down.</summary>
    internal bool HasRun { get; set; }

    /// <inheritdoc/>
    public override int OutputCount => function.Outputs.Length;

    /// <inheritdoc/>
    public override void Infer(ReadOnlySpan<TensorSpec> inputs, Span<TensorSpec> outputs)
    {
        int i = 0;
        foreach ((string name, SavedTensor expected) in function.Signature.Inputs)
        {
            TensorSpec given = inputs[i++];
            if (given.DType != expected.DType)
            {
                throw new DTypeMismatchException(function.Signature.Name, $"'{name}' is {expected}, got {given.DType.Name()}.");
            }

            if (expected.Extents is { } extents
                && (extents.Count != given.Rank || extents.Where((extent, axis) => extent >= 0 && extent != given.Shape[axis]).Any()))
            {
                throw new ShapeMismatchException(function.Signature.Name, $"'{name}' is {expected}, got {given.Shape}.", [given.Shape]);
            }
        }

        i = 0;
        foreach (SavedTensor output in function.Signature.Outputs.Values)
        {
            outputs[i++] = new TensorSpec(default, output.DType!.Value);
        }
    }

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.Nothing;

    /// <inheritdoc/>
    public override void Gradient(in Backward b) => throw new GradientException(
        $"No gradient flows through the signature '{function.Signature.Name}' of a SavedModel: detach its input, or call it inside Gradients.NoGradient().");
}
