using System.Diagnostics;
using System.Text.Json.Nodes;
using DeepBridge.Checkpoints;
using DeepBridge.Data;

namespace DeepBridge.Training;

/// <summary>What the run measures, and what of it is saved.</summary>
internal sealed partial class TrainingLoop<TBatch>
{
    private readonly TrainingState _state;

    private static JsonObject Json(LoaderCursor cursor) =>
        new() { ["seed"] = cursor.Seed, ["epoch"] = cursor.Epoch, ["position"] = cursor.Position };

    private static LoaderCursor Cursor(JsonNode? node) => new(Long(node, "seed"), Long(node, "epoch"), Long(node, "position"));

    private static long Long(JsonNode? node, string key) => node?[key] is JsonValue value && value.TryGetValue(out long number)
        ? number
        : throw new FileFormatException($"The checkpoint is not one of a trainer: it has no whole number '{key}' where one belongs.");

    /// <summary>All that a run is made of, by section.</summary>
    private TrainingState State()
    {
        TrainingState state = new TrainingState()
            .Add("model", _objective.Model)
            .Add("optimizer", _run.Optimizer)
            .Add("generator", _generator)
            .Add("totals", () => [("loss_sum", _step.LossSum), .. _step.Accumulators()]);
        if (_run.Averages is { } averages)
        {
            state.Add("averages", averages.NamedVariables);
        }

        if (_options.MeasureTraining)
        {
            state.Add("metrics", _objective.State, _objective.Restore);
        }

        foreach ((string name, Callback callback) in NamedCallbacks())
        {
            if (callback.NamedVariables(_run.Model).Any())
            {
                state.Add($"callback-{name}", () => callback.NamedVariables(_run.Model));
            }
        }

        return state;
    }

    /// <summary>The variables that a step changes.</summary>
    private IEnumerable<Variable> Changing() =>
    [
        .. _run.Model.Variables,
        .. _run.Optimizer.NamedVariables().Concat(_step.Accumulators()).Concat(_run.Averages?.NamedVariables() ?? []).Select(named => named.Variable),
        _generator.State,
        _step.LossSum,
    ];

    /// <summary>The callbacks by their types' names, with a number where one type comes again.</summary>
    private IEnumerable<(string Name, Callback Callback)> NamedCallbacks()
    {
        Dictionary<string, int> seen = [];
        foreach (Callback callback in _options.Callbacks)
        {
            string name = string.Concat(callback.GetType().Name.ToLowerInvariant().Where(char.IsAsciiLetterOrDigit).Take(40));
            seen[name] = seen.GetValueOrDefault(name) + 1;
            yield return (seen[name] == 1 ? name : $"{name}-{seen[name]}", callback);
        }
    }

    private void Save()
    {
        _run.IsSaveDue = false;
        if (_options.Checkpoints is not { } store || _options.Smoke)
        {
            return;
        }

        using Activity? activity = Telemetry.Source.StartActivity("save");
        (_state.Step, _state.Epoch) = (_run.Step, _run.Epoch);
        _state.Values["train"] = Json(_cursor);
        _state.Values["validation"] = _validationCursor is null ? null : Json(_validationCursor);
        _state.Values["batch"] = (long)_run.Batch;
        _state.Values["gathered"] = (long)_gathered;
        _state.Values["examples"] = _examples;
        _state.Values["validated_at"] = _validatedAt;
        JsonObject callbacks = [];
        foreach ((string name, Callback callback) in NamedCallbacks())
        {
            if (callback.Save() is { } values)
            {
                callbacks[name] = values;
            }
        }

        _state.Values["callbacks"] = callbacks;
        TrainingReport? report = _run.Reports.LastOrDefault(report => report.Step == _run.Step);
        Checkpoint saved = store.Save(_state, report?.Measures.Where(measure => double.IsFinite(measure.Value)).ToDictionary());
        _savedAt = _run.Step;
        TrainingLog.Saved(_logger, saved.Path);
    }

    private void Resume()
    {
        if (!_options.Resume || _options.Smoke)
        {
            return;
        }

        try
        {
            if (_options.Checkpoints!.Resume(_state, Damaged) is { } checkpoint)
            {
                TakeUp(_state.Values);
                TrainingLog.Resumed(_logger, _run.Epoch + 1, _run.Step, checkpoint.Path);
            }
        }
        catch (Exception error) when (error is ArgumentException or KeyNotFoundException or InvalidOperationException or FormatException or OverflowException)
        {
            throw new FileFormatException($"The checkpoint is not one of this run: {error.Message}", error);
        }

        void Damaged(Checkpoint checkpoint, FileFormatException error) => TrainingLog.Damaged(_logger, checkpoint.Path, error.Message);
    }

    /// <summary>Goes on from saved values; the variables are as they were already.</summary>
    private void TakeUp(JsonObject values)
    {
        (_run.Step, _run.Epoch, _run.Batch) = (_state.Step, checked((int)_state.Epoch), checked((int)Long(values, "batch")));
        (_gathered, _examples, _validatedAt) = (checked((int)Long(values, "gathered")), Long(values, "examples"), Long(values, "validated_at"));
        _train.Restore(_cursor = Cursor(values["train"]));
        if (_validation is not null && !ReferenceEquals(_validation, _train) && values["validation"] is { } validation)
        {
            _validation.Restore(_validationCursor = Cursor(validation));
        }

        foreach ((string name, Callback callback) in NamedCallbacks())
        {
            if (values["callbacks"]?[name] is JsonObject saved)
            {
                callback.Load(saved);
            }
        }

        using TensorScope scope = new("resume");
        _read = (_step.LossSum.Value.Item(), _examples, _run.Step);
        (_savedAt, _judgedStep) = (_run.Step, _run.Step);
    }

    /// <summary>Reads loss and learning rate from the device.</summary>
    private void Read()
    {
        using TensorScope scope = new("read");
        RequireFinite();
        double sum = _step.LossSum.Value.Item(), seconds = _clock.GetElapsedTime(_readAt).TotalSeconds;
        long examples = _examples - _read.Examples, steps = _run.Step - _read.Step;
        _readAt = _clock.GetTimestamp();
        _run.Elapsed = _clock.GetElapsedTime(_start, _readAt);
        if (examples > 0)
        {
            (_run.Loss, _run.LearningRate) = ((sum - _read.Sum) / examples, _run.Optimizer.LearningRate.Value.Item());
            (_run.StepsPerSecond, _run.ExamplesPerSecond) = seconds > 0 ? (steps / seconds, examples / seconds) : (0, 0);
            _read = (sum, _examples, _run.Step);
            if (!double.IsFinite(_run.Loss))
            {
                TrainingLog.NonFinite(_logger, _run.Loss, _run.Step);
            }

            Telemetry.Read(_run, steps, examples);
            TrainingLog.Read(_logger, _run.Epoch + 1, _run.Step, _run.Loss, _run.ExamplesPerSecond);
            Tell(static (callback, run) => callback.OnRead(run));
        }
    }

    /// <summary>Where the options ask for it: throws if NaN or an infinity has come up since this was called before.</summary>
    private void RequireFinite()
    {
        if (_search?.IsFinite() == false)
        {
            throw _search.Find(_run.Epoch + 1, _judgedStep);
        }

        _search?.Forget();
        _judgedStep = _run.Step;
    }

    /// <summary>What the training of this epoch has measured so far, behind a read.</summary>
    private Dictionary<string, double> Measured()
    {
        Dictionary<string, double> measures = new() { ["loss"] = _read.Sum / _examples };
        if (_options.MeasureTraining)
        {
            _objective.Measure(measures);
        }

        return measures;
    }

    private async Task ValidateAsync(Dictionary<string, double> measures, CancellationToken cancellationToken)
    {
        Averages? averages = _options.ValidateAverages ? _run.Averages : null;
        using TensorScope scope = new("validation");
        IReadOnlyDictionary<string, Tensor> measured = _objective.State();
        averages?.Parameters.Take();
        averages?.Apply();
        try
        {
            using Activity? activity = Telemetry.Source.StartActivity("validate");
            foreach ((string name, double value) in await Evaluation.RunAsync(
                _objective, _validation!, _options.Smoke ? 2 : int.MaxValue, cancellationToken).ConfigureAwait(false))
            {
                measures["validation_" + name] = value;
            }
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            throw Failure("validating", error);
        }
        finally
        {
            averages?.Parameters.Restore();
            averages?.Parameters.Drop();
            _objective.Restore(measured);
        }

        // The time until the next read is that of training alone.
        (_validatedAt, _validationCursor, _readAt) = (_run.Step, _validation!.Cursor, _clock.GetTimestamp());
    }

    private void Report(Dictionary<string, double> measures, bool endsEpoch)
    {
        TrainingReport report = new(_run.Epoch + 1, _run.Step, endsEpoch, _run.LearningRate, _clock.GetElapsedTime(_start), measures);
        _run.Reports.Add(report);
        TrainingLog.Report(_logger, report);
        foreach (Callback callback in _options.Callbacks)
        {
            callback.OnReport(_run, report);
        }
    }

    private void Tell(Action<Callback, TrainingRun> hook)
    {
        foreach (Callback callback in _options.Callbacks)
        {
            hook(callback, _run);
        }
    }

    private TrainingException Failure(string doing, Exception error) => new(_run.Epoch + 1, _run.Step + 1, doing, error);
}
