using DeepBridge.Data;
using DeepBridge.Metrics;
using DeepBridge.Optimizers;

namespace DeepBridge.Training;

/// <summary>Trains, evaluates and predicts, on whatever device the model is.</summary>
/// <remarks>
/// The model computes on a thread of the pool. Loaders make their tensors on the model's device, which is the default one
/// meanwhile; batches of known types (tensors, tuples of two or three, arrays, and what goes into the model) that lie
/// elsewhere are moved there.
/// </remarks>
/// <param name="options">How; null: the defaults.</param>
public sealed class Trainer(TrainerOptions? options = null)
{
    /// <summary>How the trainer trains.</summary>
    public TrainerOptions Options { get; } = options ?? new TrainerOptions();

    /// <summary>Trains a model by a loss of its output and the labels.</summary>
    /// <typeparam name="TInput">The model's input.</typeparam>
    /// <typeparam name="TOutput">The model's output.</typeparam>
    /// <param name="model">The model; its modules' modes stay, but for a model in evaluation mode, which is put into training mode.</param>
    /// <param name="train">The training data.</param>
    /// <param name="loss">From output and labels to a scalar, the mean over the examples.</param>
    /// <param name="optimizer">The optimizer of the model's parameters.</param>
    /// <param name="validation">The validation data, or null.</param>
    /// <param name="metrics">What is measured beside the loss; for models whose output is a tensor.</param>
    /// <param name="cancellationToken">Ends training behind the batch that runs; a checkpoint is saved before, if there is a store.</param>
    /// <returns>What the run came to.</returns>
    /// <exception cref="ArgumentException">A loader has no batches.</exception>
    /// <exception cref="InvalidAttributeException">An option is out of range.</exception>
    /// <exception cref="UnsupportedOpException">The model's device cannot compute in the precision that the options ask for.</exception>
    /// <exception cref="TrainingException">A step failed.</exception>
    /// <exception cref="NonFiniteException">A loss or weight became NaN or infinite, and the options ask for an end then.</exception>
    /// <exception cref="OperationCanceledException">Training was cancelled.</exception>
    public Task<TrainingResult> FitAsync<TInput, TOutput>(
        Module<TInput, TOutput> model,
        ILoader<(TInput Inputs, Tensor Labels)> train,
        Func<TOutput, Tensor, Tensor> loss,
        Optimizer optimizer,
        ILoader<(TInput Inputs, Tensor Labels)>? validation = null,
        IReadOnlyList<Metric>? metrics = null,
        CancellationToken cancellationToken = default) =>
        FitAsync(Objective.Of(model, loss, metrics), train, optimizer, validation, cancellationToken);

    /// <summary>Trains a model of any shape by a function of the batch.</summary>
    /// <typeparam name="TBatch">A batch.</typeparam>
    /// <param name="model">The model.</param>
    /// <param name="train">The training data.</param>
    /// <param name="step">
    /// From a batch to its loss, or to a <see cref="StepOutput"/> where there are metrics. It is called for validation too, with
    /// the model in evaluation mode.
    /// </param>
    /// <param name="optimizer">The optimizer of the model's parameters.</param>
    /// <param name="validation">The validation data, or null.</param>
    /// <param name="metrics">What is measured beside the loss.</param>
    /// <param name="cancellationToken">Ends training behind the batch that runs; a checkpoint is saved before, if there is a store.</param>
    /// <returns>What the run came to.</returns>
    /// <exception cref="ArgumentException">A loader has no batches.</exception>
    /// <exception cref="InvalidAttributeException">An option is out of range.</exception>
    /// <exception cref="UnsupportedOpException">The model's device cannot compute in the precision that the options ask for.</exception>
    /// <exception cref="TrainingException">A step failed.</exception>
    /// <exception cref="NonFiniteException">A loss or weight became NaN or infinite, and the options ask for an end then.</exception>
    /// <exception cref="OperationCanceledException">Training was cancelled.</exception>
    public Task<TrainingResult> FitAsync<TBatch>(
        Module model,
        ILoader<TBatch> train,
        Func<TBatch, StepOutput> step,
        Optimizer optimizer,
        ILoader<TBatch>? validation = null,
        IReadOnlyList<Metric>? metrics = null,
        CancellationToken cancellationToken = default) =>
        FitAsync(Objective.Of(model, step, metrics), train, optimizer, validation, cancellationToken);

    /// <summary>Measures the mean loss and the metrics over data, in evaluation mode.</summary>
    /// <typeparam name="TInput">The model's input.</typeparam>
    /// <typeparam name="TOutput">The model's output.</typeparam>
    /// <param name="model">The model; its modules' modes are as before when it is done.</param>
    /// <param name="data">The data.</param>
    /// <param name="loss">From output and labels to a scalar, the mean over the examples.</param>
    /// <param name="metrics">What is measured beside the loss; for models whose output is a tensor.</param>
    /// <param name="cancellationToken">Ends it between two batches.</param>
    /// <returns><c>loss</c>, and each metric by its name.</returns>
    /// <exception cref="ArgumentException">There is no data.</exception>
    public Task<IReadOnlyDictionary<string, double>> EvaluateAsync<TInput, TOutput>(
        Module<TInput, TOutput> model,
        ILoader<(TInput Inputs, Tensor Labels)> data,
        Func<TOutput, Tensor, Tensor> loss,
        IReadOnlyList<Metric>? metrics = null,
        CancellationToken cancellationToken = default) => EvaluateAsync(Objective.Of(model, loss, metrics), data, cancellationToken);

    /// <summary>Measures the mean loss and the metrics over data by a function of the batch, in evaluation mode.</summary>
    /// <typeparam name="TBatch">A batch.</typeparam>
    /// <param name="model">The model; its modules' modes are as before when it is done.</param>
    /// <param name="data">The data.</param>
    /// <param name="step">From a batch to its loss, or to a <see cref="StepOutput"/> where there are metrics.</param>
    /// <param name="metrics">What is measured beside the loss.</param>
    /// <param name="cancellationToken">Ends it between two batches.</param>
    /// <returns><c>loss</c>, and each metric by its name.</returns>
    /// <exception cref="ArgumentException">There is no data.</exception>
    public Task<IReadOnlyDictionary<string, double>> EvaluateAsync<TBatch>(
        Module model,
        ILoader<TBatch> data,
        Func<TBatch, StepOutput> step,
        IReadOnlyList<Metric>? metrics = null,
        CancellationToken cancellationToken = default) => EvaluateAsync(Objective.Of(model, step, metrics), data, cancellationToken);

    /// <summary>The outputs of a model over data, one behind another along axis 0, in evaluation mode.</summary>
    /// <typeparam name="TInput">The model's input.</typeparam>
    /// <param name="model">The model; its modules' modes are as before when it is done.</param>
    /// <param name="inputs">The inputs.</param>
    /// <param name="cancellationToken">Ends it between two batches.</param>
    /// <returns>The outputs, owned by the caller's scope.</returns>
    /// <exception cref="ArgumentException">There are no inputs.</exception>
    public async Task<Tensor> PredictAsync<TInput>(
        Module<TInput, Tensor> model, ILoader<TInput> inputs, CancellationToken cancellationToken = default)
    {
        using TensorScope scope = new("predict");
        List<Tensor> outputs = [];
        await PredictAsync(model, inputs, output => outputs.Add(TensorScope.Current!.Keep(output)), cancellationToken).ConfigureAwait(false);
        return outputs.Count > 0 ? scope.Keep(Tensor.Concat([.. outputs])) : throw new ArgumentException("There are no inputs.", nameof(inputs));
    }

    /// <summary>Hands the outputs of a model over data to a function, batch by batch, in evaluation mode.</summary>
    /// <typeparam name="TInput">The model's input.</typeparam>
    /// <typeparam name="TOutput">The model's output.</typeparam>
    /// <param name="model">The model; its modules' modes are as before when it is done.</param>
    /// <param name="inputs">The inputs.</param>
    /// <param name="take">Takes the output of a batch, in order; tensors live until it returns, unless they are kept.</param>
    /// <param name="cancellationToken">Ends it between two batches.</param>
    /// <returns>When all is done.</returns>
    public async Task PredictAsync<TInput, TOutput>(
        Module<TInput, TOutput> model, ILoader<TInput> inputs, Action<TOutput> take, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(take);
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        using EvaluationMode mode = new(model);
        using AmbientChange device = Device.Use(mode.Device);
        using AmbientChange recording = Gradients.NoGradient();
        using AmbientChange autocast = Options.Precision == Precision.Float32 ? default : Autocast.Use(Options.Precision, mode.Device);
        IAsyncEnumerator<TInput> batches = inputs.GetAsyncEnumerator(cancellationToken);
        try
        {
            while (await batches.MoveNextAsync().ConfigureAwait(false))
            {
                cancellationToken.ThrowIfCancellationRequested();
                take(model.Call(model.MapInput(batches.Current, new TensorMap(tensor => tensor.To(mode.Device)))));
            }
        }
        finally
        {
            await batches.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task<IReadOnlyDictionary<string, double>> EvaluateAsync<TBatch>(
        Objective<TBatch> objective, ILoader<TBatch> data, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (data.Count == 0)
        {
            throw new ArgumentException("There is no data.", nameof(data));
        }

        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return await Evaluation.RunAsync(objective.In(Options.Precision), data, int.MaxValue, cancellationToken).ConfigureAwait(false);
    }

    private async Task<TrainingResult> FitAsync<TBatch>(
        Objective<TBatch> objective, ILoader<TBatch> train, Optimizer optimizer, ILoader<TBatch>? validation, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(optimizer);
        Options.Validate();
        TrainingLoop<TBatch> loop = new(Options, objective.In(Options.Precision), train, optimizer, validation);
        return await loop.RunAsync(cancellationToken).ConfigureAwait(false);
    }
}
