using System.ComponentModel;
using DeepBridge.Memory;
using DeepBridge.Modules;

namespace DeepBridge;

/// <summary>A module with the types of its input and output: tensors, or tuples, arrays, lists and records of them.</summary>
/// <typeparam name="TInput">The input; several are a tuple or a record.</typeparam>
/// <typeparam name="TOutput">The output.</typeparam>
public abstract partial class Module<TInput, TOutput> : Module
{
    private readonly List<Action<TInput, TOutput>> _hooks = [];

    /// <summary>
    /// Runs the module: opens a scope that keeps the result, knows the module's path for errors, runs the hooks and
    /// recomputes if asked to. The only door to <see cref="Forward"/>.
    /// </summary>
    /// <param name="input">The input.</param>
    /// <returns>The output, owned by the caller's scope.</returns>
    public TOutput Call(TInput input)
    {
        RequireGenerated();
        Ambient before = Ambient.Now;
        ModuleFrame frame = new(this, before.Frame);
        TensorScope scope = TensorScope.Detached(GetType().Name);
        AmbientChange change = Ambient.Enter(before with { Scope = scope, Frame = frame });
        try
        {
            before.Observer?.Enter(frame);
            TOutput output = Recompute ? Recomputed(input) : Forward(input);
            foreach (Action<TInput, TOutput> hook in _hooks)
            {
                hook(input, output);
            }

            List<Tensor>? outputs = before.Observer is null ? null : [];
            MapOutput(output, new TensorMap(tensor =>
            {
                outputs?.Add(tensor);
                return scope.HandOn(tensor);
            }));
            before.Observer?.Leave(frame, outputs!);
            return output;
        }
        finally
        {
            change.Dispose();
            scope.End();
        }
    }

    /// <summary>Is told of every call's input and output, before the call's scope ends.</summary>
    /// <param name="hook">What is told; it may keep tensors with <see cref="TensorScope.Keep"/>.</param>
    /// <returns>What takes the hook away.</returns>
    public IDisposable OnCall(Action<TInput, TOutput> hook)
    {
        ArgumentNullException.ThrowIfNull(hook);
        _hooks.Add(hook);
        return new Unhook(_hooks, hook);
    }

    /// <summary>Computes the output; called by <see cref="Call"/> alone.</summary>
    /// <param name="input">The input.</param>
    /// <returns>The output.</returns>
    protected abstract TOutput Forward(TInput input);

    /// <summary>
    /// Applies a function to each tensor of an input and puts the results together again. The source generator writes it.
    /// </summary>
    /// <param name="value">The input.</param>
    /// <param name="map">The function.</param>
    /// <returns>An input of the results.</returns>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public abstract TInput MapInput(TInput value, TensorMap map);

    /// <summary>
    /// Applies a function to each tensor of an output and puts the results together again. The source generator writes it.
    /// </summary>
    /// <param name="value">The output.</param>
    /// <param name="map">The function.</param>
    /// <returns>An output of the results.</returns>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public abstract TOutput MapOutput(TOutput value, TensorMap map);

    private TOutput Recomputed(TInput input)
    {
        List<Tensor> arguments = [];
        MapInput(input, new TensorMap(tensor =>
        {
            arguments.Add(tensor);
            return tensor;
        }));
        TOutput shape = default!;
        Tensor[] outputs = Gradients.Recompute(
            given =>
            {
                Queue<Tensor> queue = new(given);
                shape = Forward(MapInput(input, new TensorMap(_ => queue.Dequeue())));
                List<Tensor> results = [];
                MapOutput(shape, new TensorMap(tensor =>
                {
                    results.Add(tensor);
                    return tensor;
                }));
                return [.. results];
            },
            [.. arguments]);
        Queue<Tensor> attached = new(outputs);
        return MapOutput(shape, new TensorMap(_ => attached.Dequeue()));
    }

    private sealed class Unhook(List<Action<TInput, TOutput>> hooks, Action<TInput, TOutput> hook) : IDisposable
    {
        public void Dispose() => hooks.Remove(hook);
    }
}

/// <summary>A function from tensor to tensor that generated code applies to every tensor of a value.</summary>
public readonly struct TensorMap
{
    private readonly Func<Tensor, Tensor> _function;

    internal TensorMap(Func<Tensor, Tensor> function) => _function = function;

    /// <summary>Applies the function; null stays null.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <returns>The result.</returns>
    [return: System.Diagnostics.CodeAnalysis.NotNullIfNotNull(nameof(tensor))]
    public Tensor? Apply(Tensor? tensor) => tensor is null ? null : _function(tensor);
}
