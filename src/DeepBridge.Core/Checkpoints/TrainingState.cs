using System.Text.Json.Nodes;
using DeepBridge.Optimizers;

namespace DeepBridge.Checkpoints;

/// <summary>
/// What a run is made of, so that it can be saved and go on elsewhere: sections of tensors (model, optimizer, generator,
/// averaged weights, metrics), where it stands, and small values of any kind. It holds the parts themselves, not copies:
/// make it once, save it as often as you like with a <see cref="CheckpointStore"/>, or load into it.
/// </summary>
public sealed class TrainingState
{
    private readonly OrderedDictionary<string, StateSection> _sections = [];

    /// <summary>Steps made; it names the checkpoint.</summary>
    public long Step { get; set; }

    /// <summary>Epochs finished.</summary>
    public long Epoch { get; set; }

    /// <summary>
    /// Small values as JSON: the data cursor, counters, settings. Loading replaces them all. A record is put in with
    /// <c>JsonSerializer.SerializeToNode(record, YourContext.Default.Record)</c>; numbers must be finite.
    /// </summary>
    public JsonObject Values { get; internal set; } = [];

    /// <summary>The parts by their sections' names.</summary>
    internal IReadOnlyDictionary<string, StateSection> Sections => _sections;

    /// <summary>Adds the parameters and buffers of a module.</summary>
    /// <param name="section">The section; <c>model</c> for the weights, so that any program finds them.</param>
    /// <param name="module">The module.</param>
    /// <returns>This.</returns>
    /// <exception cref="ArgumentException">The name is taken, or not of the characters a to z, 0 to 9, _ and -.</exception>
    public TrainingState Add(string section, Module module)
    {
        ArgumentNullException.ThrowIfNull(module);
        return Add(section, module.NamedVariables);
    }

    /// <summary>Adds learning rate, step count and slots of an optimizer.</summary>
    /// <param name="section">The section.</param>
    /// <param name="optimizer">The optimizer.</param>
    /// <returns>This.</returns>
    /// <exception cref="ArgumentException">The name is taken, or not of the characters a to z, 0 to 9, _ and -.</exception>
    public TrainingState Add(string section, Optimizer optimizer)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        return Add(section, optimizer.NamedVariables);
    }

    /// <summary>Adds seed and counter of a generator.</summary>
    /// <param name="section">The section.</param>
    /// <param name="generator">The generator.</param>
    /// <returns>This.</returns>
    /// <exception cref="ArgumentException">The name is taken, or not of the characters a to z, 0 to 9, _ and -.</exception>
    public TrainingState Add(string section, RandomGenerator generator)
    {
        ArgumentNullException.ThrowIfNull(generator);
        return Add(section, () => [("state", generator.State)]);
    }

    /// <summary>Adds variables: averaged weights, a loss scale.</summary>
    /// <param name="section">The section.</param>
    /// <param name="variables">Key and variable; asked each time, since a list of modules may have grown.</param>
    /// <returns>This.</returns>
    /// <exception cref="ArgumentException">The name is taken, or not of the characters a to z, 0 to 9, _ and -.</exception>
    public TrainingState Add(string section, Func<IEnumerable<(string Key, Variable Variable)>> variables)
    {
        ArgumentNullException.ThrowIfNull(variables);
        return Add(section, new StateSection(variables));
    }

    /// <summary>Adds tensors that are no variables, or whose number and shapes change, as those of metrics may.</summary>
    /// <param name="section">The section.</param>
    /// <param name="save">The tensors by key, when a checkpoint is written.</param>
    /// <param name="load">
    /// Takes the tensors of a checkpoint, on the default device, before any variable is assigned: where it throws, the
    /// variables are as they were. It must keep what it wants to hold (<see cref="TensorScope.Keep(Tensor)"/>).
    /// </param>
    /// <returns>This.</returns>
    /// <exception cref="ArgumentException">The name is taken, or not of the characters a to z, 0 to 9, _ and -.</exception>
    public TrainingState Add(
        string section, Func<IReadOnlyDictionary<string, Tensor>> save, Action<IReadOnlyDictionary<string, Tensor>> load)
    {
        ArgumentNullException.ThrowIfNull(save);
        ArgumentNullException.ThrowIfNull(load);
        return Add(section, new StateSection(null, save, load));
    }

    /// <summary>Whether a name may name a section, and so a file.</summary>
    internal static bool IsName(string name) =>
        name.Length is > 0 and <= 64 && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '-');

    private TrainingState Add(string section, StateSection content)
    {
        ArgumentNullException.ThrowIfNull(section);
        if (!IsName(section))
        {
            throw new ArgumentException($"A section is named with a to z, 0 to 9, _ and -, got '{section}'.", nameof(section));
        }

        if (!_sections.TryAdd(section, content))
        {
            throw new ArgumentException($"There is a section '{section}' already.", nameof(section));
        }

        return this;
    }
}

/// <summary>One section, one safetensors file of a checkpoint: variables, or tensors that somebody else makes and takes.</summary>
/// <param name="Variables">The variables, or null.</param>
/// <param name="Make">Makes the tensors, where there are no variables.</param>
/// <param name="Take">Takes them.</param>
internal sealed record StateSection(
    Func<IEnumerable<(string Key, Variable Variable)>>? Variables,
    Func<IReadOnlyDictionary<string, Tensor>>? Make = null,
    Action<IReadOnlyDictionary<string, Tensor>>? Take = null)
{
    /// <summary>The tensors to write, in the caller's scope.</summary>
    internal IReadOnlyDictionary<string, Tensor> Save() => Variables is null ? Make!() : ByKey().ToDictionary(pair => pair.Key, pair => pair.Value.Value);

    /// <summary>Compares keys, shapes and dtypes with those of a file; null where anything goes.</summary>
    internal StateReport? Check(WeightsFile file) => Variables is null ? null : StateReport.Compare(ByKey(), file.Specs, convert: false);

    /// <summary>Hands tensors to whoever may refuse them, before anything is assigned.</summary>
    internal void Offer(WeightsFile file)
    {
        using TensorScope scope = new("load");
        Take?.Invoke(file.Specs.Keys.ToDictionary(key => key, key => file.Read(key)));
    }

    /// <summary>Assigns the variables, each on its own device.</summary>
    internal void Assign(WeightsFile file)
    {
        foreach ((string key, Variable variable) in ByKey())
        {
            using TensorScope scope = new("load");
            variable.Assign(file.Read(key, variable.Device));
        }
    }

    private OrderedDictionary<string, Variable> ByKey() => Module.ByKey(Variables?.Invoke() ?? [], "The section");
}
