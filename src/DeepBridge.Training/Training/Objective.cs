using DeepBridge.Data;
using DeepBridge.Metrics;

namespace DeepBridge.Training;

/// <summary>What is trained or measured: a model, its loss as a function of a batch, and metrics.</summary>
/// <typeparam name="TBatch">A batch.</typeparam>
/// <param name="Model">The model.</param>
/// <param name="Function">From a batch to its loss.</param>
/// <param name="Walk">The tensors of a batch, where they are known.</param>
/// <param name="Metrics">The metrics.</param>
internal sealed record Objective<TBatch>(
    Module Model, Func<TBatch, StepOutput> Function, BatchWalk<TBatch>? Walk, IReadOnlyList<Metric> Metrics)
{
    /// <summary>The same with its forward pass in a precision.</summary>
    /// <exception cref="UnsupportedOpException">The model's device cannot compute in it.</exception>
    internal Objective<TBatch> In(Precision precision)
    {
        Autocast.Require(precision, Model.Variables.FirstOrDefault()?.Device ?? Device.Default);
        return precision == Precision.Float32 ? this : this with
        {
            Function = batch =>
            {
                using AmbientChange autocast = Autocast.Enter(precision);
                return Function(batch);
            },
        };
    }

    /// <summary>How many examples the loss of a batch is a mean of.</summary>
    internal long Examples(TBatch batch, StepOutput output) => output.Examples ?? Walk?.Examples(batch) ?? 1;

    /// <summary>Takes a batch into the metrics.</summary>
    internal void Update(StepOutput output)
    {
        if (Metrics.Count > 0)
        {
            if (output.Prediction is not { } prediction || output.Target is not { } target)
            {
                throw new ArgumentException("There are metrics, and the step gave no prediction and target for them: return new StepOutput(loss, prediction, target).");
            }

            foreach (Metric metric in Metrics)
            {
                metric.Update(prediction, target);
            }
        }
    }

    /// <summary>Adds the metrics' values.</summary>
    internal void Measure(Dictionary<string, double> measures)
    {
        foreach (Metric metric in Metrics)
        {
            measures[metric.Name] = metric.Compute();
        }
    }

    /// <summary>Lets the metrics start again.</summary>
    internal void Reset()
    {
        foreach (Metric metric in Metrics)
        {
            metric.Reset();
        }
    }

    /// <summary>What the metrics have gathered.</summary>
    internal IReadOnlyDictionary<string, Tensor> State() => Metrics
        .SelectMany((metric, index) => metric.State().Select(pair => (Key: $"{index}.{pair.Key}", pair.Value)))
        .ToDictionary(pair => pair.Key, pair => pair.Value);

    /// <summary>Lets the metrics take up what was gathered before.</summary>
    internal void Restore(IReadOnlyDictionary<string, Tensor> state)
    {
        for (int i = 0; i < Metrics.Count; i++)
        {
            string prefix = $"{i}.";
            Metrics[i].Restore(state.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal))
                .ToDictionary(pair => pair.Key[prefix.Length..], pair => pair.Value));
        }
    }
}

/// <summary>Makes the objective of a model that is called with the batch's inputs.</summary>
internal static class Objective
{
    /// <summary>loss(model(inputs), labels).</summary>
    internal static Objective<(TInput Inputs, Tensor Labels)> Of<TInput, TOutput>(
        Module<TInput, TOutput> model, Func<TOutput, Tensor, Tensor> loss, IReadOnlyList<Metric>? metrics)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(loss);
        return new Objective<(TInput Inputs, Tensor Labels)>(
            model,
            batch =>
            {
                TOutput output = model.Call(batch.Inputs);
                return new StepOutput(loss(output, batch.Labels), (object?)output as Tensor, batch.Labels);
            },
            new BatchWalk<(TInput Inputs, Tensor Labels)>(
                batch => batch.Labels, (batch, map) => (model.MapInput(batch.Inputs, new TensorMap(map)), map(batch.Labels))),
            metrics ?? []);
    }

    /// <summary>A function of the batch.</summary>
    internal static Objective<TBatch> Of<TBatch>(Module model, Func<TBatch, StepOutput> step, IReadOnlyList<Metric>? metrics)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(step);
        return new Objective<TBatch>(model, step, BatchWalk<TBatch>.Known, metrics ?? []);
    }
}

/// <summary>Goes through data without training.</summary>
internal static class Evaluation
{
    /// <summary>Measures the mean loss and the metrics over a loader, in evaluation mode.</summary>
    /// <param name="objective">What is measured.</param>
    /// <param name="loader">The data.</param>
    /// <param name="limit">The greatest number of batches.</param>
    /// <param name="cancellationToken">Ends it between two batches.</param>
    internal static async Task<Dictionary<string, double>> RunAsync<TBatch>(
        Objective<TBatch> objective, ILoader<TBatch> loader, int limit, CancellationToken cancellationToken)
    {
        using EvaluationMode mode = new(objective.Model);
        using AmbientChange device = Device.Use(mode.Device);
        using AmbientChange recording = Gradients.NoGradient();
        using TensorScope scope = new("evaluation");
        Variable sum = new(Tensor.Zeros(default, DType.Float64));
        long all = 0;
        objective.Reset();
        IAsyncEnumerator<TBatch> batches = loader.GetAsyncEnumerator(cancellationToken);
        try
        {
            for (int i = 0; i < limit && await batches.MoveNextAsync().ConfigureAwait(false); i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                TBatch batch = objective.Walk is { } walk ? walk.To(batches.Current, mode.Device) : batches.Current;
                StepOutput output = objective.Function(batch);
                long examples = objective.Examples(batch, output);
                sum.Assign(sum.Value + (output.Loss.Cast(DType.Float64) * examples).Reshape().To(sum.Device));
                all += examples;
                objective.Update(output);
            }
        }
        finally
        {
            await batches.DisposeAsync().ConfigureAwait(false);
        }

        Dictionary<string, double> measures = new() { ["loss"] = sum.Value.Item() / all };
        objective.Measure(measures);
        objective.Reset();
        return measures;
    }
}

/// <summary>Puts a model into evaluation mode, and each of its modules back into the mode that it was in.</summary>
internal sealed class EvaluationMode : IDisposable
{
    private readonly (Module Module, bool IsTraining)[] _before;

    internal EvaluationMode(Module model)
    {
        _before = [.. model.NamedModules().Select(named => (named.Module, named.Module.IsTraining))];
        Device = model.Variables.FirstOrDefault()?.Device ?? Device.Default.Real;
        model.Eval();
    }

    /// <summary>Where the model is, as its first variable says.</summary>
    internal Device Device { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        // A module comes before those inside it, whose own modes come after.
        foreach ((Module module, bool training) in _before)
        {
            module.Train(training);
        }
    }
}
