using System.Text.RegularExpressions;

namespace DeepBridge.Checkpoints;

/// <summary>
/// How the keys of a file become those of a module: rules that are applied one after the other, and which weights are
/// stored the other way round. Patterns are .NET's regular expressions without backtracking, so that no key can stall them.
/// </summary>
public sealed class KeyMap
{
    private readonly List<Func<string, string?>> _rules = [];
    private readonly List<Regex> _transposed = [];

    /// <summary>Takes only the keys below a prefix, without it: <c>Below("state_dict")</c>.</summary>
    /// <param name="prefix">The prefix, without the dot after it.</param>
    /// <returns>This.</returns>
    public KeyMap Below(string prefix) =>
        Map(key => key.StartsWith(prefix + '.', StringComparison.Ordinal) ? key[(prefix.Length + 1)..] : null);

    /// <summary>Replaces every match in a key: <c>Rename(@"^h\.(\d+)\.", "blocks.$1.")</c>.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="replacement">What replaces a match, with <c>$1</c> for a group.</param>
    /// <returns>This.</returns>
    public KeyMap Rename(string pattern, string replacement)
    {
        Regex regex = Compile(pattern);
        return Map(key => regex.Replace(key, replacement));
    }

    /// <summary>Passes over every key with a match.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <returns>This.</returns>
    public KeyMap Skip(string pattern)
    {
        Regex regex = Compile(pattern);
        return Map(key => regex.IsMatch(key) ? null : key);
    }

    /// <summary>Renames keys by a function.</summary>
    /// <param name="rename">The new key; null passes the tensor over.</param>
    /// <returns>This.</returns>
    public KeyMap Map(Func<string, string?> rename)
    {
        ArgumentNullException.ThrowIfNull(rename);
        _rules.Add(rename);
        return this;
    }

    /// <summary>Swaps the axes of matrices whose key, after all rules, has a match: GPT-2 stores its linear layers so.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <returns>This.</returns>
    public KeyMap Transpose(string pattern)
    {
        _transposed.Add(Compile(pattern));
        return this;
    }

    /// <summary>A key after all rules; null: it is passed over.</summary>
    internal string? Find(string key) => _rules.Aggregate((string?)key, (now, rule) => now is null ? null : rule(now));

    /// <summary>Whether a tensor is stored the other way round.</summary>
    internal bool IsTransposed(string key, TensorSpec spec) => spec.Rank == 2 && _transposed.Any(pattern => pattern.IsMatch(key));

    private static Regex Compile(string pattern) => new(pattern, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
}

/// <summary>A file seen through a <see cref="KeyMap"/>; it owns the file.</summary>
internal sealed class MappedWeights : WeightsFile
{
    private readonly WeightsFile _file;
    private readonly Dictionary<string, (string Key, bool Transposed)> _keys = [];
    private readonly Dictionary<string, TensorSpec> _specs = [];

    internal MappedWeights(WeightsFile file, KeyMap map)
    {
        _file = file;
        foreach ((string key, TensorSpec spec) in file.Specs)
        {
            if (map.Find(key) is { } name)
            {
                bool transposed = map.IsTransposed(name, spec);
                if (!_keys.TryAdd(name, (key, transposed)))
                {
                    throw new ModuleException($"'{Shorten(_keys[name].Key)}' and '{Shorten(key)}' are both mapped to '{Shorten(name)}'.");
                }

                _specs[name] = transposed ? spec.As(Shape.Create([spec.Shape[1], spec.Shape[0]])) : spec;
            }
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, TensorSpec> Specs => _specs;

    /// <inheritdoc/>
    public override Tensor Read(string key, Device? device = null)
    {
        (string from, bool transposed) = _keys[key];
        Tensor tensor = _file.Read(from, device);
        return transposed ? tensor.T : tensor;
    }

    /// <inheritdoc/>
    public override void Dispose() => _file.Dispose();

    /// <inheritdoc/>
    internal override void Verify(string key) => _file.Verify(_keys[key].Key);
}
