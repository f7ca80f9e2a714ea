using Microsoft.CodeAnalysis;

namespace DeepBridge.Generators;

/// <summary>What a field of a module holds, which decides whether the model finds it.</summary>
internal enum Holding
{
    Nothing,
    Variable,
    Module,
    Variables,
    Modules,
    VariablesByKey,
    ModulesByKey,

    /// <summary>State that the tape and the scopes know nothing of.</summary>
    Tensors,

    /// <summary>Modules or variables where generated code does not look.</summary>
    Missed,
}

/// <summary>Reads from a field's type what it holds.</summary>
internal static class Holdings
{
    // Records may hold themselves, so looking into them must end.
    private const int Deepest = 4;

    public static Holding Of(ITypeSymbol type, int depth = 0)
    {
        if (Known.IsTensor(type))
        {
            return Holding.Tensors;
        }

        if (Known.IsVariable(type) || Known.IsModule(type))
        {
            return Known.IsModule(type) ? Holding.Module : Holding.Variable;
        }

        if (type.TypeKind is TypeKind.Delegate or TypeKind.Enum || depth > Deepest)
        {
            return Holding.Nothing;
        }

        if (Known.ElementOf(type) is { } element)
        {
            return OfMany(type, element, depth + 1);
        }

        if (IsUntyped(type))
        {
            return Holding.Missed;
        }

        return Parts(type).Select(part => Hidden(Of(part, depth + 1))).FirstOrDefault(holding => holding != Holding.Nothing);
    }

    private static Holding OfMany(ITypeSymbol type, ITypeSymbol element, int depth)
    {
        if (element.SpecialType == SpecialType.System_Object)
        {
            return Holding.Missed;
        }

        INamedTypeSymbol? pair = element is INamedTypeSymbol { Name: "KeyValuePair", Arity: 2 } named ? named : null;
        bool byKey = pair?.TypeArguments[0].SpecialType == SpecialType.System_String;
        Holding inner = Of(byKey ? pair!.TypeArguments[1] : element, depth);
        return inner switch
        {
            Holding.Variable or Holding.Module when type is IArrayTypeSymbol { Rank: > 1 } => Holding.Missed,
            Holding.Variable => byKey ? Holding.VariablesByKey : Holding.Variables,
            Holding.Module => byKey ? Holding.ModulesByKey : Holding.Modules,
            _ => Hidden(inner),
        };
    }

    private static Holding Hidden(Holding inner) => inner is Holding.Nothing or Holding.Tensors ? inner : Holding.Missed;

    /// <summary>The collections of .NET 1: anything may be in them.</summary>
    private static bool IsUntyped(ITypeSymbol type) =>
        type.Name != "BitArray"
        && type.ContainingNamespace?.ToDisplayString() == "System.Collections"
        && type.AllInterfaces.Add((INamedTypeSymbol)type).Any(each => each.SpecialType == SpecialType.System_Collections_IEnumerable);

    /// <summary>
    /// What a tuple, a record, a struct or a plain wrapper is made of. Other classes may hold a module without owning it.
    /// </summary>
    private static IEnumerable<ITypeSymbol> Parts(ITypeSymbol type)
    {
        if (type is not INamedTypeSymbol { SpecialType: SpecialType.None } named)
        {
            return [];
        }

        if (named.IsTupleType)
        {
            return named.TupleElements.Select(element => element.Type);
        }

        if (named.IsGenericType && named.Name is "Lazy" or "Tuple" or "Nullable" or "KeyValuePair")
        {
            return named.TypeArguments;
        }

        return named.IsRecord || named.IsValueType
            ? named.GetMembers().OfType<IFieldSymbol>().Where(field => !field.IsStatic).Select(field => field.Type)
            : [];
    }
}
