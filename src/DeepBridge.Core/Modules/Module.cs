using System.ComponentModel;
using DeepBridge.Modules;

namespace DeepBridge;

/// <summary>
/// A part of a model: its parameters, buffers and child modules are its fields. Declare the class <c>partial</c> and
/// derive from <see cref="Module{TInput, TOutput}"/>; the source generator writes the rest, without reflection.
/// </summary>
public abstract partial class Module
{
    private bool _isGenerated;

    /// <summary>Whether the module behaves as in training (dropout drops, batch norm uses the batch).</summary>
    public bool IsTraining { get; private set; } = true;

    /// <summary>
    /// Whether a call keeps nothing for the backward pass but its inputs, and is run a second time there: memory for time.
    /// </summary>
    public bool Recompute { get; set; }

    /// <summary>The parameters of this module and those inside it, each once, frozen ones included.</summary>
    public IEnumerable<Parameter> Parameters => Variables.OfType<Parameter>();

    /// <summary>The parameters and buffers of this module and those inside it, each once.</summary>
    public IEnumerable<Variable> Variables
    {
        get
        {
            List<Variable> found = [];
            Collect(found, new HashSet<object>(ReferenceEqualityComparer.Instance));
            return found;
        }
    }

    /// <summary>What the module is made of now; asked each time, since a list of modules may have grown.</summary>
    internal IReadOnlyList<ModuleMembers.Member> Members
    {
        get
        {
            ModuleMembers members = Describe(true);
            Validate(members);
            return members.All;
        }
    }

    /// <summary>The modules directly inside this one, with their names.</summary>
    /// <returns>Name and module.</returns>
    public IEnumerable<(string Name, Module Module)> Children() =>
        Members.Where(member => member.Module is not null).Select(member => (member.Name, member.Module!));

    /// <summary>This module and all inside it, with their paths; this one's is empty. A shared module comes once for each path.</summary>
    /// <returns>Path and module.</returns>
    public IEnumerable<(string Path, Module Module)> NamedModules()
    {
        Stack<(string, Module)> pending = new([(string.Empty, this)]);
        while (pending.TryPop(out (string Path, Module Module) current))
        {
            yield return current;
            foreach ((string name, Module child) in current.Module.Children().Reverse())
            {
                pending.Push((Join(current.Path, name), child));
            }
        }
    }

    /// <summary>
    /// The parameters and buffers with their keys: the path of the module and the name of the field. A variable that two
    /// paths share comes once for each.
    /// </summary>
    /// <returns>Key and variable.</returns>
    public IEnumerable<(string Key, Variable Variable)> NamedVariables() =>
        NamedModules().SelectMany(named => named.Module.Members
            .Where(member => member.Variable is not null)
            .Select(member => (Join(named.Path, member.Name), member.Variable!)));

    /// <summary>Puts this module and all inside it into training mode.</summary>
    /// <param name="training">False: into evaluation mode.</param>
    public void Train(bool training = true)
    {
        foreach ((_, Module module) in NamedModules())
        {
            module.IsTraining = training;
        }
    }

    /// <summary>Puts this module and all inside it into evaluation mode.</summary>
    public void Eval() => Train(false);

    /// <summary>Leaves all parameters as they are from now on, or trains them again.</summary>
    /// <param name="frozen">Whether they are frozen.</param>
    public void Freeze(bool frozen = true)
    {
        foreach (Parameter parameter in Parameters)
        {
            parameter.IsFrozen = frozen;
        }
    }

    /// <summary>Moves all parameters and buffers to a device, also of another backend.</summary>
    /// <param name="device">The device.</param>
    public void To(Device device)
    {
        foreach (Variable variable in Variables)
        {
            variable.To(device);
        }
    }

    /// <summary>
    /// Adds the module's parameters, buffers and child modules. The source generator writes it; do not write it by hand.
    /// </summary>
    /// <param name="members">Where they go.</param>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected abstract void Describe(ModuleMembers members);

    /// <summary>
    /// Calls modules one after another, for containers that own what flows between them: when one has returned, what went
    /// into it is released, unless it is the container's own input or was kept.
    /// </summary>
    /// <param name="modules">The modules, in order.</param>
    /// <param name="input">The container's input.</param>
    /// <returns>The last module's output; the input where there are no modules.</returns>
    protected static Tensor CallInOrder(IReadOnlyList<Module<Tensor, Tensor>> modules, Tensor input)
    {
        ArgumentNullException.ThrowIfNull(modules);
        Tensor current = input;
        for (int i = 0; i < modules.Count; i++)
        {
            Tensor next = modules[i].Call(current);
            if (!ReferenceEquals(current, input) && !ReferenceEquals(current, next))
            {
                TensorScope.Current?.Drop(current);
            }

            current = next;
        }

        return current;
    }

    /// <summary>The name of a module directly inside this one, or null.</summary>
    /// <param name="child">The module.</param>
    /// <returns>The name or null.</returns>
    internal string? NameOf(Module child)
    {
        foreach (ModuleMembers.Member member in Members)
        {
            if (ReferenceEquals(member.Module, child))
            {
                return member.Name;
            }
        }

        return null;
    }

    /// <summary>Throws where the class was compiled without the generator; checked once.</summary>
    private protected void RequireGenerated()
    {
        if (!_isGenerated)
        {
            _ = Members;
            _isGenerated = true;
        }
    }

    private ModuleMembers Describe(bool named)
    {
        ModuleMembers members = new(named);
        Describe(members);
        return members.WrittenFor == GetType() ? members : throw new ModuleException(
            $"{GetType()} was compiled without DeepBridge's source generator, so its parameters would be lost. "
            + "Reference the package DeepBridge from its project and declare the class partial.");
    }

    /// <summary>What <see cref="NamedVariables"/> gives, each once; a training step asks for it, so nobody puts names together.</summary>
    private void Collect(List<Variable> found, HashSet<object> seen)
    {
        IReadOnlyList<ModuleMembers.Member> members = Describe(false).All;
        foreach (ModuleMembers.Member member in members)
        {
            if (member.Variable is { } variable && seen.Add(variable))
            {
                found.Add(variable);
                if (variable.Name is null)
                {
                    _ = Members;
                }
            }
        }

        foreach (ModuleMembers.Member member in members)
        {
            if (member.Module is { } module && seen.Add(module))
            {
                module.Collect(found, seen);
            }
        }
    }

    private static string Join(string path, string name) => path.Length == 0 ? name : name.Length == 0 ? path : $"{path}.{name}";

    private void Validate(ModuleMembers members)
    {
        HashSet<string> names = [];
        foreach (ModuleMembers.Member member in members.All)
        {
            if (member.Name.Length > 0 && !names.Add(member.Name))
            {
                throw new ModuleException($"{GetType().Name} has two members with the key '{member.Name}'. Give one a [StateName].");
            }

            if (member.Variable is { Name: null } variable)
            {
                variable.Name = member.Name;
            }
        }
    }
}

/// <summary>The key of a field in the state dictionary, instead of the field's name in snake_case.</summary>
/// <param name="name">The key; empty for a collection or module whose own keys stand without a prefix.</param>
[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property)]
public sealed class StateNameAttribute(string name) : Attribute
{
    /// <summary>The key.</summary>
    public string Name { get; } = name;
}
