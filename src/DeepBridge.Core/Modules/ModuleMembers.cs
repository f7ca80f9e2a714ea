namespace DeepBridge.Modules;

/// <summary>
/// Receives what a module is made of. The source generator writes the code that calls it; nobody else needs to.
/// </summary>
public sealed class ModuleMembers
{
    private readonly List<Member> _members = [];
    private readonly bool _named;

    internal ModuleMembers(bool named) => _named = named;

    /// <summary>What was added, in the order of declaration.</summary>
    internal IReadOnlyList<Member> All => _members;

    /// <summary>The type that the last generated override was written for.</summary>
    internal Type? WrittenFor { get; private set; }

    /// <summary>Says for which type the members that were added are complete; a derived type's override says it again.</summary>
    /// <param name="type">The type.</param>
    public void Of(Type type) => WrittenFor = type;

    /// <summary>Adds a variable; null is passed over.</summary>
    /// <param name="name">Its key in the state dictionary.</param>
    /// <param name="variable">The variable.</param>
    public void Add(string name, Variable? variable)
    {
        if (variable is not null)
        {
            _members.Add(new Member(name, variable, null));
        }
    }

    /// <summary>Adds a module; null is passed over.</summary>
    /// <param name="name">Its part of the keys; empty: its own keys stand without a prefix.</param>
    /// <param name="module">The module.</param>
    public void Add(string name, Module? module)
    {
        if (module is not null)
        {
            _members.Add(new Member(name, null, module));
        }
    }

    /// <summary>Adds a collection of variables, keyed by their numbers.</summary>
    /// <param name="name">The collection's part of the keys.</param>
    /// <param name="variables">The variables.</param>
    public void Add(string name, IEnumerable<Variable?>? variables)
    {
        int index = 0;
        foreach (Variable? variable in variables ?? [])
        {
            Add(Join(name, index++), variable);
        }
    }

    /// <summary>Adds a collection of modules, keyed by their numbers.</summary>
    /// <param name="name">The collection's part of the keys.</param>
    /// <param name="modules">The modules.</param>
    public void Add(string name, IEnumerable<Module?>? modules)
    {
        int index = 0;
        foreach (Module? module in modules ?? [])
        {
            Add(Join(name, index++), module);
        }
    }

    /// <summary>Adds a dictionary of modules, keyed by their keys.</summary>
    /// <typeparam name="TModule">The modules' type.</typeparam>
    /// <param name="name">The dictionary's part of the keys.</param>
    /// <param name="modules">The modules.</param>
    public void Add<TModule>(string name, IEnumerable<KeyValuePair<string, TModule>>? modules)
        where TModule : Module?
    {
        foreach ((string key, TModule module) in modules ?? [])
        {
            Add(Join(name, key), module);
        }
    }

    private string Join<TKey>(string name, TKey key) => !_named ? name : name.Length == 0 ? $"{key}" : $"{name}.{key}";

    /// <summary>One variable or module.</summary>
    /// <param name="Name">The key.</param>
    /// <param name="Variable">The variable, or null.</param>
    /// <param name="Module">The module, or null.</param>
    internal readonly record struct Member(string Name, Variable? Variable, Module? Module);
}
