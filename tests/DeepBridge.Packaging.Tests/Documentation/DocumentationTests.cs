using System.Collections.Immutable;
using DeepBridge.Generators;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace DeepBridge.Packaging.Tests.Documentation;

/// <summary>The C# in the documentation compiles against the library as it is, with its generator.</summary>
public sealed class DocumentationTests
{
    private static readonly CSharpParseOptions s_options = new(LanguageVersion.Latest);

    private static readonly MetadataReference[] s_references =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path)),
    ];

    /// <summary>Pages whose blocks are whole.</summary>
    public static TheoryData<string> Pages =>
    [
        "README.md", "docs/from-pytorch.md", "docs/from-keras.md", "docs/training.md", "docs/precision.md", "docs/checkpoints.md",
        "docs/architecture.md", "docs/adding-an-op.md",
#if TORCHSHARP
        "docs/torchsharp.md", "docs/migrating-from-torchsharp.md",
#endif
#if TENSORFLOW
        "docs/tensorflow.md",
#endif
    ];

    /// <summary>Pages with tables of what one writes here.</summary>
    public static TheoryData<string> Tables => ["docs/from-pytorch.md", "docs/from-keras.md", "docs/migrating-from-torchsharp.md"];

    /// <summary>Each block is a program, or declarations.</summary>
    [Theory]
    [MemberData(nameof(Pages))]
    public void Blocks_compile(string page)
    {
        IReadOnlyList<Fragment> blocks = Fragments.Blocks(page);
        blocks.Should().NotBeEmpty();
        List<string> errors = [];
        foreach (Fragment block in blocks)
        {
            SyntaxTree tree = CSharpSyntaxTree.ParseText(block.Code, s_options, "block");
            bool runs = tree.GetCompilationUnitRoot().Members.OfType<GlobalStatementSyntax>().Any();
            errors.AddRange(Errors(Compile(page, runs, [tree])).Select(error => $"{page}:{block.Line + error.Line}: {error.Message}"));
        }

        errors.Should().BeEmpty();
    }

    /// <summary>Each piece of code in a table's column is an expression, a statement, a type, or a member's name.</summary>
    [Theory]
    [MemberData(nameof(Tables))]
    public void Cells_compile(string page)
    {
        IReadOnlyList<Fragment> cells = Fragments.Cells(page);
        cells.Should().HaveCountGreaterThan(20);
        (Fragment Cell, SyntaxTree[] Trees)[] tried = [.. cells.Select((cell, index) => (cell, Ways(cell.Code, index)))];
        IEnumerable<SyntaxTree> trees = tried.SelectMany(item => item.Trees).Where(tree => !tree.GetDiagnostics().Any());
        Dictionary<string, string> errors = [];
        foreach ((string path, _, string message) in Errors(Compile(page, false, trees)))
        {
            errors.TryAdd(path, message);
        }

        tried.Where(item => item.Trees.All(tree => tree.GetDiagnostics().Any() || errors.ContainsKey(tree.FilePath)))
            .Select(item => $"{page}:{item.Cell.Line}: {item.Cell.Code}: {item.Trees.Select(tree => errors.GetValueOrDefault(tree.FilePath)).FirstOrDefault(message => message is not null)}")
            .Should().BeEmpty();
    }

    private static SyntaxTree[] Ways(string code, int index)
    {
        // The compiler falls over the name of an element, so only names are tried as names.
        string[] named = code.All(character => char.IsLetterOrDigit(character) || character == '.') ? [$"_ = nameof({code});"] : [];
        string[] bodies = [$"_ = ({code});", $"{code};", $"_ = typeof({code});", .. named];
        return [.. bodies.Select((body, way) => CSharpSyntaxTree.ParseText(
            $"public static class C{index}_{way} {{ public static async Task Run() {{ await Task.CompletedTask;\n{body}\n}} }}", s_options, $"{index}/{way}"))];
    }

    private static CSharpCompilation Compile(string page, bool runs, IEnumerable<SyntaxTree> trees)
    {
        string[] given =
        [
            Given.Everywhere,
            Given.On(page),
#if !TORCHSHARP
            Given.WithoutTorch,
#endif
        ];
        return CSharpCompilation.Create(
            "Page",
            [.. trees, .. given.Select(text => CSharpSyntaxTree.ParseText(text, s_options, "given"))],
            s_references,
            new CSharpCompilationOptions(runs ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));
    }

    private static IEnumerable<(string Path, int Line, string Message)> Errors(CSharpCompilation compilation)
    {
        CSharpGeneratorDriver.Create([new ModuleGenerator().AsSourceGenerator()], parseOptions: s_options)
            .RunGeneratorsAndUpdateCompilation(compilation, out Compilation output, out ImmutableArray<Diagnostic> problems);
        return output.GetDiagnostics().Concat(problems).Where(problem => problem.Severity == DiagnosticSeverity.Error).Select(problem =>
        {
            FileLinePositionSpan place = problem.Location.GetLineSpan();
            return (place.Path ?? string.Empty, place.StartLinePosition.Line, problem.ToString());
        });
    }
}
