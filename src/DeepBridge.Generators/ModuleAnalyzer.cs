using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace DeepBridge.Generators;

/// <summary>
/// Finds the mistakes that would lose parameters or tensors. Apart from the generator, since editors show an analyzer's
/// findings while one types, offer their fixes, and let a person suppress one.
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class ModuleAnalyzer : DiagnosticAnalyzer
{
    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics => Rules.All;

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterSymbolStartAction(Start, SymbolKind.NamedType);
    }

    private static void Start(SymbolStartAnalysisContext context)
    {
        INamedTypeSymbol type = (INamedTypeSymbol)context.Symbol;
        if (!Known.IsGenerated(type))
        {
            return;
        }

        ConcurrentDictionary<IParameterSymbol, bool> captured = new(SymbolEqualityComparer.Default);
        context.RegisterOperationAction(
            operation =>
            {
                // Only a primary constructor's parameter can be referred to from another member; what an initializer
                // reads is not captured, and its containing symbol is the field or property.
                IParameterSymbol parameter = ((IParameterReferenceOperation)operation.Operation).Parameter;
                if (parameter.ContainingSymbol is IMethodSymbol { MethodKind: MethodKind.Constructor } constructor
                    && SymbolEqualityComparer.Default.Equals(constructor.ContainingType, type)
                    && operation.ContainingSymbol is IMethodSymbol member
                    && !SymbolEqualityComparer.Default.Equals(member, constructor)
                    && operation.Operation.Parent is not INameOfOperation)
                {
                    captured.TryAdd(parameter, true);
                }
            },
            OperationKind.ParameterReference);
        context.RegisterSymbolEndAction(end =>
        {
            IEnumerable<Diagnostic> findings =
            [
                .. Declarations(type),
                .. Fields(type),
                .. Keys(type),
                .. Walks(type, end.Compilation),
                .. captured.Keys.SelectMany(Captures),
            ];
            foreach (Diagnostic finding in findings)
            {
                end.ReportDiagnostic(finding);
            }
        });
    }

    private static IEnumerable<Diagnostic> Declarations(INamedTypeSymbol type)
    {
        if (type.IsFileLocal)
        {
            yield return Diagnostic.Create(Rules.Partial, Location(type), type.Name, type.Name, "without 'file'");
        }

        for (INamedTypeSymbol? each = type; each is not null; each = each.ContainingType)
        {
            foreach (SyntaxReference reference in each.DeclaringSyntaxReferences)
            {
                if (reference.GetSyntax() is TypeDeclarationSyntax declaration && !declaration.Modifiers.Any(SyntaxKind.PartialKeyword))
                {
                    yield return Diagnostic.Create(Rules.Partial, declaration.Identifier.GetLocation(), type.Name, each.Name, "partial");
                }
            }
        }

        if (ModuleSource.HandWritten(type) is { } describe)
        {
            yield return Diagnostic.Create(Rules.HandWritten, describe.Locations[0], type.Name);
        }
    }

    private static IEnumerable<Diagnostic> Fields(INamedTypeSymbol type)
    {
        foreach (ModuleMember member in ModuleMember.Of(type).Where(member => !member.IsDescribed))
        {
            DiagnosticDescriptor rule = member.Holding == Holding.Tensors ? Rules.Tensor
                : !member.IsStatic ? Rules.Missed
                : member.Holding != Holding.Missed ? Rules.Static
                : null!;

            // A static table of objects is nothing that a model would own.
            if (rule is not null)
            {
                yield return Diagnostic.Create(rule, member.Symbol.Locations[0], member.Symbol.Name, member.Type.ToDisplayString());
            }
        }
    }

    private static IEnumerable<Diagnostic> Keys(INamedTypeSymbol type)
    {
        // An empty key stands for the keys inside; those are known at run time only.
        Dictionary<string, ISymbol> keys = [];
        Stack<INamedTypeSymbol> types = new();
        for (INamedTypeSymbol? each = type; each is not null && Known.IsGenerated(each); each = each.BaseType)
        {
            types.Push(each);
        }

        foreach (ModuleMember member in types.SelectMany(ModuleMember.Of).Where(member => member.IsDescribed && member.Key.Length > 0))
        {
            if (!keys.TryGetValue(member.Key, out ISymbol other))
            {
                keys.Add(member.Key, member.Symbol);
            }
            else if (SymbolEqualityComparer.Default.Equals(member.Symbol.ContainingType, type))
            {
                yield return Diagnostic.Create(Rules.Duplicate, member.Symbol.Locations[0], other.Name, member.Symbol.Name, member.Key);
            }
        }
    }

    private static IEnumerable<Diagnostic> Walks(INamedTypeSymbol type, Compilation compilation)
    {
        foreach (Walker walker in Walker.Of(type, compilation))
        {
            string side = walker.Method == "MapInput" ? "input" : "output";
            if (walker.Refused is { } refused)
            {
                yield return Diagnostic.Create(Rules.Unsupported, Location(type), side, type.Name, refused);
            }
            else if (walker.Unknown is { } unknown)
            {
                yield return Diagnostic.Create(Rules.Open, Location(type), side, type.Name, unknown.Name);
            }
        }
    }

    private static IEnumerable<Diagnostic> Captures(IParameterSymbol parameter)
    {
        DiagnosticDescriptor? rule = Holdings.Of(parameter.Type) switch
        {
            Holding.Nothing => null,
            Holding.Tensors => Rules.Tensor,
            Holding.Missed => Rules.Missed,
            _ => Rules.Captured,
        };
        if (rule is not null)
        {
            yield return Diagnostic.Create(rule, parameter.Locations[0], parameter.Name, parameter.Type.ToDisplayString());
        }
    }

    private static Location? Location(INamedTypeSymbol type) => ModuleSource.Declaration(type)?.BaseList!.Types[0].GetLocation();
}
