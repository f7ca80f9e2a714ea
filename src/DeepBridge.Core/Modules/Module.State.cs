using DeepBridge.Checkpoints;

namespace DeepBridge;

public abstract partial class Module
{
    /// <summary>
    /// The parameters and buffers by key, as PyTorch names them. A variable that two paths share is there once for each.
    /// </summary>
    /// <returns>The variables, in the order of declaration; a module's own come before those of modules inside.</returns>
    /// <exception cref="ModuleException">Two variables have one key.</exception>
    public IReadOnlyDictionary<string, Variable> StateDictionary() => ByKey(NamedVariables(), GetType().Name);

    /// <summary>Writes the state dictionary to a safetensors file; if that fails, the old file stays whole.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path)
    {
        using TensorScope scope = new("save");
        Safetensors.Save(path, StateDictionary().ToDictionary(pair => pair.Key, pair => pair.Value.Value));
    }

    /// <summary>
    /// Loads weights into the parameters and buffers, each on its own device, tensor by tensor: a safetensors file, a file
    /// that PyTorch wrote, an index of several, or a folder with one of these, such as a checkpoint's.
    /// </summary>
    /// <param name="path">The file or folder; see <see cref="WeightsFile.Open"/>.</param>
    /// <param name="strict">Whether a key that is missing or unexpected is an error; otherwise it is passed over and reported.</param>
    /// <param name="convert">
    /// Whether a tensor of another dtype (a float16 file for a float32 model) is cast; otherwise it is an error.
    /// </param>
    /// <param name="map">How the file's keys become the module's; null: they are the module's.</param>
    /// <returns>Which keys were missing and which unexpected.</returns>
    /// <exception cref="ModuleException">Keys, shapes or dtypes do not fit; nothing was changed.</exception>
    /// <exception cref="FileFormatException">The file holds no weights, or is damaged; nothing was changed.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public StateReport Load(string path, bool strict = true, bool convert = false, KeyMap? map = null)
    {
        using WeightsFile opened = WeightsFile.Open(path);
        using WeightsFile file = map is null ? opened : new MappedWeights(opened, map);
        return LoadInto(GetType().Name, StateDictionary(), file.Specs, file.Verify, file.Read, strict, convert);
    }

    /// <summary>Loads tensors into the parameters and buffers, each on its own device.</summary>
    /// <param name="state">The tensors by key, on any device.</param>
    /// <param name="strict">Whether a key that is missing or unexpected is an error; otherwise it is passed over and reported.</param>
    /// <param name="convert">Whether a tensor of another dtype is cast; otherwise it is an error.</param>
    /// <returns>Which keys were missing and which unexpected.</returns>
    /// <exception cref="ModuleException">Keys, shapes or dtypes do not fit; nothing was changed.</exception>
    public StateReport LoadState(IReadOnlyDictionary<string, Tensor> state, bool strict = true, bool convert = false) =>
        LoadInto(GetType().Name, StateDictionary(), state, strict, convert);

    /// <summary>Loads tensors into variables.</summary>
    /// <param name="owner">Whose variables they are, for errors.</param>
    /// <param name="mine">The variables by key.</param>
    /// <param name="state">The tensors by key.</param>
    /// <param name="strict">Whether a key that is missing or unexpected is an error.</param>
    /// <param name="convert">Whether a tensor of another dtype is cast.</param>
    /// <returns>Which keys were missing and which unexpected.</returns>
    internal static StateReport LoadInto(
        string owner, IReadOnlyDictionary<string, Variable> mine, IReadOnlyDictionary<string, Tensor> state, bool strict, bool convert)
    {
        ArgumentNullException.ThrowIfNull(state);
        Dictionary<string, TensorSpec> given = state.ToDictionary(pair => pair.Key, pair => pair.Value.Spec);
        return LoadInto(owner, mine, given, null, (key, device) => state[key].Detach().To(device), strict, convert);
    }

    /// <summary>Variables by key, in order.</summary>
    /// <param name="variables">Key and variable.</param>
    /// <param name="owner">Whose they are, for the error message.</param>
    /// <returns>The dictionary.</returns>
    /// <exception cref="ModuleException">Two variables have one key.</exception>
    internal static OrderedDictionary<string, Variable> ByKey(IEnumerable<(string Key, Variable Variable)> variables, string owner)
    {
        OrderedDictionary<string, Variable> state = [];
        foreach ((string key, Variable variable) in variables)
        {
            if (!state.TryAdd(key, variable))
            {
                throw new ModuleException($"{owner} has two variables with the key '{key}'. Give one a [StateName].");
            }
        }

        return state;
    }

    private static StateReport LoadInto(
        string owner,
        IReadOnlyDictionary<string, Variable> mine,
        IReadOnlyDictionary<string, TensorSpec> given,
        Action<string>? verify,
        Func<string, Device, Tensor> read,
        bool strict,
        bool convert)
    {
        StateReport report = StateReport.Compare(mine, given, convert);
        if (report.Mismatched.Count > 0 || (strict && !report.IsComplete))
        {
            throw new ModuleException($"The state does not fit {owner}; nothing was changed.\n{report}");
        }

        string[] keys = [.. mine.Keys.Where(given.ContainsKey)];
        Array.ForEach(keys, key => verify?.Invoke(key));
        foreach (string key in keys)
        {
            using TensorScope scope = new("load");
            mine[key].Assign(read(key, mine[key].Device).Cast(mine[key].DType));
        }

        return report;
    }
}

/// <summary>What fitted and what did not when a state dictionary was loaded.</summary>
/// <param name="Missing">Keys of the module that the state does not have.</param>
/// <param name="Unexpected">Keys of the state that the module does not have.</param>
/// <param name="Mismatched">Keys of both whose shapes, or dtypes without conversion, differ.</param>
public sealed record StateReport(
    IReadOnlyList<string> Missing, IReadOnlyList<string> Unexpected, IReadOnlyList<StateMismatch> Mismatched)
{
    private const int Shown = 20;

    /// <summary>Whether every key of both sides fitted.</summary>
    public bool IsComplete => Missing.Count + Unexpected.Count + Mismatched.Count == 0;

    /// <summary>The keys, the first twenty of each kind.</summary>
    /// <returns>The text; one line a kind.</returns>
    public override string ToString() => string.Join('\n', Lines().DefaultIfEmpty("all keys fit"));

    /// <summary>Compares what is there with what is given.</summary>
    /// <param name="mine">The variables by key.</param>
    /// <param name="given">The specs of the tensors by key.</param>
    /// <param name="convert">Whether dtypes may differ.</param>
    /// <returns>What does not fit.</returns>
    internal static StateReport Compare(
        IReadOnlyDictionary<string, Variable> mine, IReadOnlyDictionary<string, TensorSpec> given, bool convert) => new(
        [.. mine.Keys.Where(key => !given.ContainsKey(key))],
        [.. given.Keys.Where(key => !mine.ContainsKey(key))],
        [.. mine.Where(pair => given.TryGetValue(pair.Key, out TensorSpec? spec)
                && (spec.Shape != pair.Value.Shape || (!convert && spec.DType != pair.Value.DType)))
            .Select(pair => new StateMismatch(pair.Key, pair.Value.Spec, given[pair.Key]))]);

    private static string List<T>(IReadOnlyList<T> items) =>
        string.Join(", ", items.Take(Shown)) + (items.Count > Shown ? $" and {items.Count - Shown} more" : string.Empty);

    private IEnumerable<string> Lines()
    {
        if (Missing.Count > 0)
        {
            yield return $"missing: {List(Missing)}";
        }

        if (Unexpected.Count > 0)
        {
            yield return $"unexpected: {List(Unexpected)}";
        }

        if (Mismatched.Count > 0)
        {
            yield return $"mismatched: {List(Mismatched)}";
        }
    }
}

/// <summary>A key whose shape or dtype differs.</summary>
/// <param name="Key">The key.</param>
/// <param name="Expected">What the module has.</param>
/// <param name="Given">What the state has.</param>
public readonly record struct StateMismatch(string Key, TensorSpec Expected, TensorSpec Given)
{
    /// <summary>Key, expected and given spec.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => $"{Key} (expected {Expected}, given {Given})";
}
