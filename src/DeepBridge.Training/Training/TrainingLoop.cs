using System.Diagnostics;
using DeepBridge.Data;
using DeepBridge.Optimizers;
using Microsoft.Extensions.Logging;

namespace DeepBridge.Training;

/// <summary>One run: epochs, steps, validations, limits, reads and checkpoints.</summary>
/// <typeparam name="TBatch">A batch.</typeparam>
internal sealed partial class TrainingLoop<TBatch>
{
    private readonly TrainerOptions _options;
    private readonly ILogger _logger;
    private readonly TimeProvider _clock;
    private readonly Objective<TBatch> _objective;
    private readonly ILoader<TBatch> _train;
    private readonly ILoader<TBatch>? _validation;
    private readonly RandomGenerator _generator;
    private readonly TrainingStep<TBatch> _step;
    private readonly TrainingRun _run;
    private readonly Snapshot _held;
    private readonly NonFiniteSearch<TBatch>? _search;
    private readonly int _limit;
    private readonly long _start;
    private LoaderCursor _cursor;
    private LoaderCursor? _validationCursor;
    private int _gathered;
    private long _examples;
    private long _validatedAt = -1;
    private long _savedAt = -1;
    private long _judgedStep;
    private long _readAt;
    private (double Sum, long Examples, long Step) _read;

    internal TrainingLoop(
        TrainerOptions options, Objective<TBatch> objective, ILoader<TBatch> train, Optimizer optimizer, ILoader<TBatch>? validation)
    {
        (_options, _logger, _clock, _objective, _train, _validation) = (options, options.Logger, options.Clock, objective, train, validation);
        Require(objective.Walk is not null || !options.Compile, nameof(options.Compile));
        Require(objective.Walk is not null || !options.StopOnNonFinite, nameof(options.StopOnNonFinite));
        if (train.Count == 0)
        {
            throw new ArgumentException("The training data has no batches.", nameof(train));
        }

        if (validation?.Count == 0)
        {
            throw new ArgumentException("The validation data has no batches.", nameof(validation));
        }

        _limit = options.Smoke ? Math.Min(2, train.Count) : train.Count;
        (_cursor, _validationCursor) = (train.Cursor, validation?.Cursor);
        _generator = options.Seed is { } seed ? new RandomGenerator(seed) : RandomGenerator.Current;
        Averages? averages = options.AverageDecay is { } decay ? new Averages(objective.Model, decay) : null;
        _step = new TrainingStep<TBatch>(objective, optimizer, options, averages);
        _run = new TrainingRun(objective.Model, optimizer, options, _limit, averages);
        _state = State();

        // What a batch may change before the optimizer's step; that one changes nothing unless all before it went well.
        _held = new Snapshot([.. objective.Model.Variables.Where(variable => variable is not Parameter), _generator.State]);
        if (options.StopOnNonFinite)
        {
            _search = new NonFiniteSearch<TBatch>(_step, objective, Changing());
        }

        _start = _readAt = _clock.GetTimestamp();
    }

    private static void Require(bool holds, string option)
    {
        if (!holds)
        {
            throw new InvalidAttributeException(
                nameof(Trainer), $"{option} takes batches of a tensor, a tuple of two or three, or an array of them, got {typeof(TBatch)}.");
        }
    }

    internal async Task<TrainingResult> RunAsync(CancellationToken cancellationToken)
    {
        // Computing never runs on the caller's thread, which may be that of a user interface.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        using Activity? activity = Telemetry.Source.StartActivity("fit");
        using AmbientChange device = Device.Use(_step.Device);
        using AmbientChange generator = _generator.Use();
        try
        {
            Begin();
            while (_run.Stopped is null && _run.Epoch < _run.Epochs)
            {
                await EpochAsync(cancellationToken).ConfigureAwait(false);
            }

            End();
            activity?.SetTag("steps", _run.Step);
            return new TrainingResult(_run.Stopped!.Value, _run.Detail, _run.Epoch, _run.Step, _clock.GetElapsedTime(_start), _run.History);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            TrainingLog.Cancelled(_logger, _run.Epoch + 1, _run.Step);
            Save();
            throw;
        }
        catch (Exception error)
        {
            TrainingLog.Failed(_logger, error, _run.Epoch + 1, _run.Step);
            activity?.SetStatus(ActivityStatusCode.Error, error.Message);
            throw;
        }
        finally
        {
            _search?.Forget();
            _step.Dispose();
            Tell(static (callback, run) => callback.OnEnd(run));
        }
    }

    private void Begin()
    {
        if (!_run.Model.IsTraining)
        {
            _run.Model.Train();
        }

        Resume();
        TrainingLog.Started(
            _logger, _run.Model.GetType().Name, _step.Device.Name, _run.Epochs, _limit, _run.Model.Parameters.Sum(parameter => parameter.Shape.Count));
        Tell(static (callback, run) => callback.OnStart(run));
        CheckLimits();
    }

    private void End()
    {
        _run.Stop(StopReason.Epochs);
        RequireFinite();
        if (_savedAt != _run.Step)
        {
            Save();
        }

        if (_options.EndWithAverages)
        {
            _run.Averages!.Apply();
        }

        TrainingLog.Ended(_logger, _run.Epoch, _run.Step, _run.Stopped!.Value, _run.Detail);
    }

    private async Task EpochAsync(CancellationToken cancellationToken)
    {
        using Activity? activity = Telemetry.Source.StartActivity("epoch");
        activity?.SetTag("epoch", _run.Epoch + 1);
        IAsyncEnumerator<TBatch> batches = _train.GetAsyncEnumerator(cancellationToken);
        try
        {
            await ValidateBetweenStepsAsync(cancellationToken).ConfigureAwait(false);
            while (GoesOn())
            {
                // Asked here and not in a method of its own: an asynchronous one would undo the change of scopes on its way out.
                try
                {
                    if (!await batches.MoveNextAsync().ConfigureAwait(false))
                    {
                        break;
                    }
                }
                catch (Exception error) when (error is not OperationCanceledException)
                {
                    throw Failure($"loading batch {_run.Batch + 1}", error);
                }

                cancellationToken.ThrowIfCancellationRequested();
                if (Step(batches.Current))
                {
                    await ValidateBetweenStepsAsync(cancellationToken).ConfigureAwait(false);
                }

                if (_run.IsSaveDue)
                {
                    RequireFinite();
                    Save();
                }
            }
        }
        finally
        {
            await batches.DisposeAsync().ConfigureAwait(false);
        }

        // A loader may have fewer batches than it said; then nothing has stopped training, and the epoch has ended all the same.
        if (_run.Batch >= _limit || _run.Stopped is null)
        {
            await EndEpochAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Whether the loader is asked for a batch: until training stops, and behind the last batch all the same, so that it moves to
    /// its next epoch.
    /// </summary>
    private bool GoesOn() => _run.Batch < _limit ? _run.Stopped is null : _limit == _train.Count;

    /// <summary>Trains on a batch; true where the optimizer made its step.</summary>
    private bool Step(TBatch batch)
    {
        bool update = _gathered + 1 >= _options.Accumulate || _run.Batch + 1 >= _limit;
        long examples;
        _held.Take();
        try
        {
            batch = _step.Place(batch);
            _search?.Hold(batch, update);
            examples = _step.Run(batch, update, _run.Batch + 1 >= _limit);
        }
        catch (Exception error)
        {
            _held.Restore();
            if (error is OperationCanceledException)
            {
                throw;
            }

            throw Failure($"training on batch {_run.Batch + 1}", error);
        }
        finally
        {
            _held.Drop();
        }

        _cursor = _train.Cursor;
        _examples += examples;
        _gathered = update ? 0 : _gathered + 1;
        _run.Batch++;
        if (update)
        {
            _run.Step++;
            Tell(static (callback, run) => callback.OnStep(run));
            _run.IsSaveDue |= _options.SaveEverySteps > 0 && _run.Step % _options.SaveEverySteps == 0;
            CheckLimits();
        }

        if (_clock.GetElapsedTime(_readAt) >= _options.ReadInterval)
        {
            Read();
        }

        return update;
    }

    private void CheckLimits()
    {
        if (_run.Step >= _options.MaxSteps)
        {
            _run.Stop(StopReason.Steps);
        }
        else if (_options.MaxTime is { } limit && _clock.GetElapsedTime(_start) >= limit)
        {
            _run.Stop(StopReason.Time);
        }
    }

    private async Task EndEpochAsync(CancellationToken cancellationToken)
    {
        Read();
        Dictionary<string, double> measures = Measured();
        if (_validation is not null && _options.ValidateEveryEpochs > 0 && (_run.Epoch + 1) % _options.ValidateEveryEpochs == 0)
        {
            await ValidateAsync(measures, cancellationToken).ConfigureAwait(false);
        }

        using TensorScope scope = new("report");
        Report(measures, true);
        _run.Epoch++;
        _run.Batch = 0;
        _step.Reset();
        _objective.Reset();
        (_examples, _read, _cursor) = (0, (0, 0, _run.Step), _train.Cursor);
        if (_run.IsSaveDue || (_options.SaveEveryEpochs > 0 && _run.Epoch % _options.SaveEveryEpochs == 0))
        {
            Save();
        }
    }

    private async Task ValidateBetweenStepsAsync(CancellationToken cancellationToken)
    {
        if (_validation is not null && _run.Batch < _limit && _gathered == 0 && _run.Step > 0
            && _options.ValidateEverySteps > 0 && _run.Step % _options.ValidateEverySteps == 0 && _validatedAt != _run.Step)
        {
            Read();
            Dictionary<string, double> measures = Measured();
            await ValidateAsync(measures, cancellationToken).ConfigureAwait(false);
            Report(measures, false);
        }
    }
}
