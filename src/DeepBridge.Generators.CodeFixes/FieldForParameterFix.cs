using System.Collections.Immutable;
using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Editing;
using Microsoft.CodeAnalysis.FindSymbols;

namespace DeepBridge.Generators.CodeFixes;

/// <summary>Keeps a captured primary constructor parameter in a field, where the model finds it.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp)]
[Shared]
public sealed class FieldForParameterFix : CodeFixProvider
{
    private const string Title = "Keep in a field";

    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds => [Rules.Captured.Id];

    /// <inheritdoc/>
    public override FixAllProvider? GetFixAllProvider() => null;

    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        SyntaxNode? root = await context.Document.GetSyntaxRootAsync(context.CancellationToken).ConfigureAwait(false);
        if (root?.FindNode(context.Span)?.FirstAncestorOrSelf<ParameterSyntax>() is { Parent.Parent: TypeDeclarationSyntax } parameter)
        {
            context.RegisterCodeFix(
                CodeAction.Create(Title, cancellation => KeepAsync(context.Document, parameter, cancellation), Title),
                context.Diagnostics);
        }
    }

    private static async Task<Solution> KeepAsync(Document document, ParameterSyntax parameter, CancellationToken cancellation)
    {
        Solution solution = document.Project.Solution;
        SolutionEditor solutionEditor = new(solution);
        DocumentEditor editor = await solutionEditor.GetDocumentEditorAsync(document.Id, cancellation).ConfigureAwait(false);
        TypeDeclarationSyntax type = (TypeDeclarationSyntax)parameter.Parent!.Parent!;
        IParameterSymbol symbol = (IParameterSymbol)editor.SemanticModel.GetDeclaredSymbol(parameter, cancellation)!;
        string? existing = type.Members.OfType<FieldDeclarationSyntax>()
            .SelectMany(field => field.Declaration.Variables)
            .FirstOrDefault(field => (field.Initializer?.Value as IdentifierNameSyntax)?.Identifier.ValueText == symbol.Name)
            ?.Identifier.ValueText;
        string name = existing ?? Unused($"_{symbol.Name}", symbol.ContainingType);

        foreach (ReferencedSymbol found in await SymbolFinder.FindReferencesAsync(symbol, solution, cancellation).ConfigureAwait(false))
        {
            foreach (ReferenceLocation location in found.Locations)
            {
                DocumentEditor part = await solutionEditor.GetDocumentEditorAsync(location.Document.Id, cancellation).ConfigureAwait(false);
                SyntaxNode node = part.OriginalRoot.FindNode(location.Location.SourceSpan, getInnermostNodeForTie: true);
                if (node is IdentifierNameSyntax && IsInBody(node))
                {
                    part.ReplaceNode(node, SyntaxFactory.IdentifierName(name).WithTriviaFrom(node));
                }
            }
        }

        if (existing is null)
        {
            SyntaxNode field = editor.Generator.FieldDeclaration(
                name,
                parameter.Type!.WithoutTrivia(),
                Accessibility.Private,
                DeclarationModifiers.ReadOnly,
                SyntaxFactory.IdentifierName(parameter.Identifier.WithoutTrivia()));
            editor.InsertMembers(type, 0, [field]);
        }

        return solutionEditor.GetChangedSolution();
    }

    private static string Unused(string name, INamedTypeSymbol type) =>
        type.MemberNames.Contains(name) ? Unused(name + "Module", type) : name;

    /// <summary>Initializers and the base's arguments run before there are fields, and capture nothing.</summary>
    private static bool IsInBody(SyntaxNode node)
    {
        SyntaxNode? member = node.FirstAncestorOrSelf<SyntaxNode>(
            each => each is MemberDeclarationSyntax or PrimaryConstructorBaseTypeSyntax);
        return member is not (FieldDeclarationSyntax or PrimaryConstructorBaseTypeSyntax)
            && (member as PropertyDeclarationSyntax)?.Initializer?.Span.Contains(node.Span) != true;
    }
}
