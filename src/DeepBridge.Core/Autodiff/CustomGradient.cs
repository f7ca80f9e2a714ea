using DeepBridge.Autodiff;
using DeepBridge.Memory;
using DeepBridge.Modules;
using DeepBridge.Ops;

namespace DeepBridge;

public sealed partial class Gradients
{
    /// <summary>
    /// Computes outputs with a gradient of one's own. The forward function is not recorded; the rule may be
    /// differentiated again, since it is written with ops.
    /// </summary>
    /// <param name="name">A name for error messages.</param>
    /// <param name="inputs">The inputs.</param>
    /// <param name="forward">From inputs to outputs.</param>
    /// <param name="gradient">
    /// From the gradients of the outputs (null: none reached it) and the inputs to the gradients of the inputs (null: zero).
    /// </param>
    /// <returns>The outputs.</returns>
    public static Tensor[] Custom(
        string name, IReadOnlyList<Tensor> inputs, Func<Tensor[], Tensor[]> forward, Func<Tensor?[], Tensor[], Tensor?[]> gradient)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(forward);
        ArgumentNullException.ThrowIfNull(gradient);
        Tensor[] arguments = [.. inputs];
        Tensor[] outputs;
        using (NoGradient())
        {
            outputs = forward(arguments);
        }

        return Region.Attach(new Region(name, gradient), arguments, outputs);
    }

    /// <summary>
    /// Computes outputs without keeping what lies between, and computes it again in the backward pass: memory for time.
    /// The second run reads variables, statistics and the generator as they were, and its assignments change nothing.
    /// </summary>
    /// <param name="function">From inputs to outputs; it runs twice.</param>
    /// <param name="inputs">The inputs.</param>
    /// <returns>The outputs.</returns>
    public static Tensor[] Recompute(Func<Tensor[], Tensor[]> function, params ReadOnlySpan<Tensor> inputs)
    {
        ArgumentNullException.ThrowIfNull(function);
        Tensor[] arguments = inputs.ToArray();
        Ambient now = Ambient.Now;
        if (!now.Recording)
        {
            return function(arguments);
        }

        RecomputeLog log = new(now.Variables);
        Tensor[] outputs;
        using (Ambient.Enter(now with { Recording = false, Variables = log }))
        {
            outputs = function(arguments);
        }

        return Region.Attach(new Region(nameof(Recompute), function, log), arguments, outputs);
    }
}

/// <summary>A stretch of computation that is one node of the tape: a custom gradient or a recomputed function. It is never executed.</summary>
internal sealed record Region : Op<Region>
{
    private readonly string _name;
    private readonly Func<Tensor?[], Tensor[], Tensor?[]>? _gradient;
    private readonly Func<Tensor[], Tensor[]>? _function;
    private readonly RecomputeLog? _log;
    private readonly Precision _precision = Autocast.Precision;

    internal Region(string name, Func<Tensor?[], Tensor[], Tensor?[]> gradient)
    {
        _name = name;
        _gradient = gradient;
    }

    internal Region(string name, Func<Tensor[], Tensor[]> function, RecomputeLog log)
    {
        _name = name;
        _function = function;
        _log = log;
    }

    /// <inheritdoc/>
    public override Saved Saves(ulong needs) => Saved.AllInputs;

    /// <inheritdoc/>
    public override void Gradient(in Backward b)
    {
        int own = b.InputCount - (_log?.TrainableCount ?? 0);
        Tensor[] inputs = new Tensor[own];
        for (int i = 0; i < own; i++)
        {
            inputs[i] = b.Input(i);
        }

        if (_function is not null)
        {
            b.Replay(() =>
            {
                using RecomputeLog.ReplayStore replay = _log!.Replay();
                using AmbientChange change = Ambient.Enter(Ambient.Now with { Variables = replay, Precision = _precision });
                return _function(inputs);
            });
            return;
        }

        Tensor?[] incoming = new Tensor?[b.OutputCount];
        for (int i = 0; i < incoming.Length; i++)
        {
            incoming[i] = b.IncomingOf(i);
        }

        // A rule that was written for one dtype meets here what its forward function met: the casts of the same precision.
        using AmbientChange autocast = Autocast.Enter(_precision);
        Tensor?[] gradients = _gradient!(incoming, inputs);
        if (gradients.Length != own)
        {
            throw new GradientException($"The custom gradient '{_name}' gave {gradients.Length} gradients for {own} inputs.");
        }

        for (int i = 0; i < own; i++)
        {
            if (b.Needs(i))
            {
                if (gradients[i] is { } gradient)
                {
                    b.Give(i, _precision == Precision.Float32 ? gradient : gradient.Cast(b.InputSpec(i).DType));
                }
                else
                {
                    b.GiveZeros(i);
                }
            }
        }
    }

    /// <summary>Gives up what a recomputation would have needed.</summary>
    internal void Forget() => _log?.Dispose();

    /// <summary>Gives outputs that were computed without recording a node of their own.</summary>
    internal static Tensor[] Attach(Region region, Tensor[] inputs, Tensor[] outputs)
    {
        Ambient now = Ambient.Now;
        Node[] leaves = region._log?.Close() ?? [];
        bool tracked = leaves.Length > 0 || inputs.Any(input => input.Node is not null);
        if (!now.Recording || !tracked || !outputs.Any(output => output.Spec.IsFloating))
        {
            region.Forget();
            return outputs;
        }

        Node node = Node.Record(region, now, inputs, leaves, [.. outputs.Select(output => output.Data)]);
        Tensor[] attached = new Tensor[outputs.Length];
        for (int i = 0; i < outputs.Length; i++)
        {
            attached[i] = outputs[i].Spec.IsFloating
                ? Tensor.Adopt(new Tensor(outputs[i].Data.Retain(), node.Retain(), i))
                : outputs[i];
        }

        node.Release();
        return attached;
    }
}
