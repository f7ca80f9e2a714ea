using System.Text;
using Microsoft.CodeAnalysis;

namespace DeepBridge.Generators;

/// <summary>A field of a module that matters to it, or the property whose field it is.</summary>
internal sealed class ModuleMember
{
    private ModuleMember(IFieldSymbol field)
    {
        Symbol = field.AssociatedSymbol ?? field;
        Type = field.Type;
        IsStatic = field.IsStatic;
        Holding = Holdings.Of(field.Type);
        ISymbol? behind = (Symbol as IPropertySymbol)?.ExplicitInterfaceImplementations.FirstOrDefault();
        Access = behind is null
            ? $"this.{Known.Escape(Symbol.Name)}"
            : $"(({behind.ContainingType.ToDisplayString(Known.Qualified)})this).{Known.Escape(behind.Name)}";
        Key = NameGiven(Symbol) ?? NameGiven(field) ?? SnakeCase((behind ?? Symbol).Name);
    }

    /// <summary>What the user wrote: a field or a property.</summary>
    public ISymbol Symbol { get; }

    public ITypeSymbol Type { get; }

    public Holding Holding { get; }

    public bool IsStatic { get; }

    /// <summary>How generated code reads it.</summary>
    public string Access { get; }

    /// <summary>Its part of the keys in the state dictionary.</summary>
    public string Key { get; }

    public bool IsDescribed => !IsStatic && Holding is not (Holding.Tensors or Holding.Missed);

    /// <summary>
    /// Those that a module declares itself, in the order of declaration; its base describes the inherited ones. Some
    /// compilers list the hidden field of a captured parameter too, which nobody can name.
    /// </summary>
    public static IReadOnlyList<ModuleMember> Of(INamedTypeSymbol module) =>
    [
        .. module.GetMembers().OfType<IFieldSymbol>()
            .Where(field => field.AssociatedSymbol is not null || !field.IsImplicitlyDeclared)
            .Select(field => new ModuleMember(field))
            .Where(member => member.Holding != Holding.Nothing),
    ];

    private static string? NameGiven(ISymbol symbol) => symbol.GetAttributes()
        .FirstOrDefault(attribute => Known.Is(attribute.AttributeClass, "StateNameAttribute"))
        ?.ConstructorArguments.FirstOrDefault().Value as string;

    /// <summary>PyTorch's way to write a name: <c>_inProjWeight</c> is <c>in_proj_weight</c>, <c>_conv1</c> is <c>conv1</c>.</summary>
    private static string SnakeCase(string field)
    {
        string name = field.TrimStart('_');
        StringBuilder key = new();
        for (int i = 0; i < name.Length; i++)
        {
            // A word starts at a capital after a small letter or digit, and at the last capital of several.
            bool starts = i > 0 && char.IsUpper(name[i]) && name[i - 1] != '_'
                && (!char.IsUpper(name[i - 1]) || (i + 1 < name.Length && char.IsLower(name[i + 1])));
            key.Append(starts ? "_" : string.Empty).Append(char.ToLowerInvariant(name[i]));
        }

        return key.Length == 0 ? field : key.ToString();
    }
}
