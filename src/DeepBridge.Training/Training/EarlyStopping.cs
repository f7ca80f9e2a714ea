using System.Text.Json.Nodes;

namespace DeepBridge.Training;

/// <summary>Ends training when a measure has not improved for a number of reports.</summary>
/// <param name="measure">The measure; null: <c>validation_loss</c>, or <c>loss</c> where there is no validation.</param>
/// <param name="patience">How many reports without improvement are borne; the next one ends training.</param>
/// <param name="minimumChange">By how much the measure must improve.</param>
/// <param name="highest">Whether a higher measure is better.</param>
/// <param name="restoreBest">
/// Whether the model gets back the weights and buffers of its best report when training ends by itself (the averages, where
/// those were validated).
/// </param>
public sealed class EarlyStopping(
    string? measure = null, int patience = 3, double minimumChange = 0, bool highest = false, bool restoreBest = false) : Callback
{
    private Module? _model;
    private Dictionary<string, Variable>? _weights;
    private double? _best;
    private int _waited;

    /// <summary>The best measure so far; null before the first report that has it.</summary>
    public double? Best => _best;

    /// <inheritdoc/>
    public override void OnStart(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (run.Step == 0)
        {
            (_best, _waited) = (null, 0);
        }
    }

    /// <inheritdoc/>
    public override void OnReport(TrainingRun run, TrainingReport report)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(report);
        if (!report.TryFind(measure, out string? name, out double value))
        {
            return;
        }

        if (double.IsFinite(value) && (_best is not { } best || (highest ? value > best + minimumChange : value < best - minimumChange)))
        {
            (_best, _waited) = (value, 0);
            Remember(run);
        }
        else if (++_waited > patience)
        {
            run.Stop($"{name} has not improved on {_best} for {_waited} reports");
        }
    }

    /// <inheritdoc/>
    public override void OnEnd(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (_weights is not null && _best is not null && run.Stopped is not null)
        {
            foreach ((string key, Variable variable) in run.Model.NamedVariables())
            {
                using Tensor value = _weights[key].Value;
                using Tensor here = value.To(variable.Device);
                variable.Assign(here);
            }
        }
    }

    /// <inheritdoc/>
    public override IEnumerable<(string Key, Variable Variable)> NamedVariables(Module model)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (restoreBest && !ReferenceEquals(_model, model))
        {
            (_model, _weights) = (model, []);
            foreach ((string key, Variable variable) in model.NamedVariables())
            {
                using Tensor value = variable.Value;
                _weights[key] = new Variable(value.Detach(), key);
            }
        }

        return (_weights ?? []).Select(pair => (pair.Key, pair.Value));
    }

    /// <inheritdoc/>
    public override JsonObject Save() => new() { ["best"] = _best, ["waited"] = _waited };

    /// <inheritdoc/>
    public override void Load(JsonObject values)
    {
        ArgumentNullException.ThrowIfNull(values);
        (_best, _waited) = ((double?)values["best"], (int?)values["waited"] ?? 0);
    }

    private void Remember(TrainingRun run)
    {
        foreach ((string key, Variable variable) in _weights is null ? [] : run.Model.NamedVariables())
        {
            using Tensor value = run.Judged(variable).Value;
            using Tensor plain = value.Detach();
            _weights![key].To(variable.Device);
            _weights[key].Assign(plain);
        }
    }
}
