namespace DeepBridge.Training;

/// <summary>Exponential moving averages of parameters: average ← decay · average + (1 − decay) · parameter.</summary>
internal sealed class Averages
{
    private readonly double _decay;
    private readonly (string Key, Parameter Parameter, Variable Average)[] _entries;

    /// <summary>Makes the averages; they start as the parameters are.</summary>
    /// <param name="model">The model; integer parameters are passed over.</param>
    /// <param name="decay">How much of an average stays at a step.</param>
    internal Averages(Module model, double decay)
    {
        _decay = decay;
        HashSet<Variable> seen = new(ReferenceEqualityComparer.Instance);
        _entries =
        [
            .. model.NamedVariables()
                .Where(named => named.Variable is Parameter && named.Variable.DType.IsFloating() && seen.Add(named.Variable))
                .Select(named => (named.Key, (Parameter)named.Variable, Copy(named.Key, named.Variable))),
        ];
        Parameters = new Snapshot(_entries.Select(entry => entry.Parameter));
    }

    /// <summary>The parameters, while the averages stand in their place.</summary>
    internal Snapshot Parameters { get; }

    /// <summary>The averages by their parameters' keys.</summary>
    internal IEnumerable<(string Key, Variable Variable)> NamedVariables() => _entries.Select(entry => (entry.Key, entry.Average));

    /// <summary>The average of a parameter, or the variable itself where it has none.</summary>
    internal Variable Of(Variable variable) => _entries.FirstOrDefault(entry => ReferenceEquals(entry.Parameter, variable)).Average ?? variable;

    /// <summary>Takes in the parameters, with variable updates only, so that a traced step does it too.</summary>
    internal void Update()
    {
        foreach ((_, Parameter parameter, Variable average) in _entries)
        {
            average.To(parameter.Device);
            average.Assign((average.Value * _decay) + (parameter.Value.Detach() * (1 - _decay)));
        }
    }

    /// <summary>Puts the averages in the parameters' place.</summary>
    internal void Apply()
    {
        foreach ((_, Parameter parameter, Variable average) in _entries)
        {
            average.To(parameter.Device);
            using Tensor value = average.Value;
            parameter.Assign(value);
        }
    }

    private static Variable Copy(string key, Variable parameter)
    {
        using Tensor value = parameter.Value;
        return new Variable(value, $"{key}.average");
    }
}
