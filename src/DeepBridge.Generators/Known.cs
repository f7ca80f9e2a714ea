using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace DeepBridge.Generators;

/// <summary>
/// The types of DeepBridge that matter here, by name: the core itself is compiled with this generator, so there is no
/// assembly to compare with.
/// </summary>
internal static class Known
{
    /// <summary>Every type as it can be written anywhere, nullability included: overrides must repeat it.</summary>
    public static readonly SymbolDisplayFormat Qualified = SymbolDisplayFormat.FullyQualifiedFormat
        .AddMiscellaneousOptions(SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier);

    public static bool IsTensor(ITypeSymbol type) => Is(type, "Tensor");

    public static bool IsVariable(ITypeSymbol type) => Bases(type).Any(each => Is(each, "Variable"));

    public static bool IsModule(ITypeSymbol type) => Bases(type).Any(each => Is(each, "Module"));

    /// <summary>Whether a class is one whose rest is generated: the two roots are not.</summary>
    public static bool IsGenerated(INamedTypeSymbol type) =>
        type.TypeKind == TypeKind.Class && IsModule(type) && !Is(type, "Module") && !IsTypedRoot(type);

    public static bool IsTypedRoot(ITypeSymbol type) => Is(type, "Module", 2);

    /// <summary>The <c>Module&lt;TInput, TOutput&gt;</c> that a module derives from, or null.</summary>
    public static INamedTypeSymbol? TypedRoot(ITypeSymbol type) => (INamedTypeSymbol?)Bases(type).FirstOrDefault(IsTypedRoot);

    /// <summary>What a foreach over the type gives, or null.</summary>
    public static ITypeSymbol? ElementOf(ITypeSymbol type) => type is IArrayTypeSymbol array
        ? array.ElementType
        : type.AllInterfaces.Prepend(type as INamedTypeSymbol)
            .FirstOrDefault(each => each?.OriginalDefinition.SpecialType == SpecialType.System_Collections_Generic_IEnumerable_T)
            ?.TypeArguments[0];

    /// <summary>Whether this generator wrote a member: an analyzer sees what the generator added.</summary>
    public static bool IsOurs(ISymbol symbol) => symbol.GetAttributes().Any(attribute =>
        attribute.AttributeClass?.Name == "GeneratedCodeAttribute"
        && attribute.ConstructorArguments.FirstOrDefault().Value is ModuleSource.Tool);

    public static string Escape(string name) => SyntaxFacts.GetKeywordKind(name) == SyntaxKind.None ? name : "@" + name;

    public static bool Is(ITypeSymbol? type, string name, int arity = 0) =>
        type is INamedTypeSymbol { ContainingType: null, ContainingNamespace: { Name: "DeepBridge" } space } named
        && named.Name == name && named.Arity == arity && space.ContainingNamespace.IsGlobalNamespace;

    private static IEnumerable<ITypeSymbol> Bases(ITypeSymbol type)
    {
        // A type parameter is what its constraints say.
        if (type is ITypeParameterSymbol parameter)
        {
            return parameter.ConstraintTypes.SelectMany(Bases);
        }

        List<ITypeSymbol> bases = [];
        for (ITypeSymbol? each = type; each is not null; each = each.BaseType)
        {
            bases.Add(each);
        }

        return bases;
    }
}
