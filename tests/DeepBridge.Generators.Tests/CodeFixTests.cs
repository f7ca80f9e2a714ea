using System.Collections.Immutable;
using DeepBridge.Generators.CodeFixes;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace DeepBridge.Generators.Tests;

public class CodeFixTests
{
    [Fact]
    public async Task Keeps_a_captured_parameter_in_a_field() => (await Fix(new FieldForParameterFix(), "DB0003",
        """
        public sealed partial class Model(int n, Module<Tensor, Tensor>? inner) : Module<Tensor, Tensor>
        {
            private readonly string _text = inner!.ToString() + n;

            public string Name { get; } = $"{inner}";

            protected override Tensor Forward(Tensor x) => inner is null ? x : inner.Call(x);
        }
        """)).Should().Be(
        """
        public sealed partial class Model(int n, Module<Tensor, Tensor>? inner) : Module<Tensor, Tensor>
        {
            private readonly Module<Tensor, Tensor>? _inner = inner;
            private readonly string _text = inner!.ToString() + n;

            public string Name { get; } = $"{inner}";

            protected override Tensor Forward(Tensor x) => _inner is null ? x : _inner.Call(x);
        }
        """);

    [Fact]
    public async Task Uses_the_field_that_is_there() => (await Fix(new FieldForParameterFix(), "DB0003",
        """
        public sealed partial class Model(Leaf inner) : Module
        {
            private readonly Leaf _layer = inner;

            public void M() => inner.Eval();
        }
        """)).Should().Be(
        """
        public sealed partial class Model(Leaf inner) : Module
        {
            private readonly Leaf _layer = inner;

            public void M() => _layer.Eval();
        }
        """);

    [Fact]
    public async Task Takes_a_name_that_is_free() => (await Fix(new FieldForParameterFix(), "DB0003",
        """
        public sealed partial class Model(Leaf inner) : Module
        {
            private int _inner;

            public void M() => inner.Eval();
        }
        """)).Should().Contain("private readonly Leaf _innerModule = inner;").And.Contain("_innerModule.Eval()");

    [Fact]
    public async Task Makes_a_module_partial() => (await Fix(new AddPartialFix(), "DB0001",
        """
        /// <summary>Text.</summary>
        public sealed class Model : Module
        {
        }
        """)).Should().StartWith("/// <summary>Text.</summary>\npublic sealed partial class Model : Module".Replace("\n", Environment.NewLine, StringComparison.Ordinal));

    [Fact]
    public async Task Makes_a_type_around_it_partial() =>
        (await Fix(new AddPartialFix(), "DB0001", "class Outer { partial class Model : Module { } }")).Should().StartWith("partial class Outer");

    private static async Task<string> Fix(CodeFixProvider provider, string id, string source)
    {
        CSharpCompilation compilation = Sources.Compile(source);
        using AdhocWorkspace workspace = new();
        Project project = workspace.AddProject("Sample", LanguageNames.CSharp)
            .WithParseOptions(Sources.Options)
            .WithCompilationOptions(compilation.Options)
            .WithMetadataReferences(compilation.References)
            .AddDocument("Preamble.cs", await compilation.SyntaxTrees[0].GetTextAsync()).Project;
        Document document = project.AddDocument("Sample.cs", SourceText.From(source));
        Diagnostic finding = (await Sources.Findings(compilation)).First(each => each.Id == id);
        SyntaxTree tree = (await document.GetSyntaxTreeAsync())!;
        Diagnostic here = Diagnostic.Create(finding.Descriptor, Location.Create(tree, finding.Location.SourceSpan));

        List<CodeAction> actions = [];
        await provider.RegisterCodeFixesAsync(new CodeFixContext(document, here, (action, _) => actions.Add(action), CancellationToken.None));
        ImmutableArray<CodeActionOperation> operations = await actions.Should().ContainSingle().Subject.GetOperationsAsync(CancellationToken.None);
        Solution changed = operations.OfType<ApplyChangesOperation>().Single().ChangedSolution;
        return (await changed.GetDocument(document.Id)!.GetTextAsync()).ToString();
    }
}
