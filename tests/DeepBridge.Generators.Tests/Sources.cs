using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;

namespace DeepBridge.Generators.Tests;

/// <summary>
/// Small programs, compiled in memory against the real core. Tensors and parameters in them are blank objects: what is
/// generated only passes them on, so no backend is needed.
/// </summary>
internal static class Sources
{
    public static readonly CSharpParseOptions Options = new(LanguageVersion.Latest, DocumentationMode.Diagnose);

    private const string Preamble =
        """
        global using System;
        global using System.Collections;
        global using System.Collections.Generic;
        global using System.Linq;
        global using DeepBridge;

        /// <summary>Blank objects.</summary>
        public static class Make
        {
            /// <summary>One.</summary>
            public static T A<T>() => (T)System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(typeof(T));
        }

        /// <summary>A layer.</summary>
        public sealed partial class Leaf : Module<Tensor, Tensor>
        {
            private readonly Parameter _weight = Make.A<Parameter>();

            /// <inheritdoc/>
            protected override Tensor Forward(Tensor x) => x;
        }
        """;

    private static readonly MetadataReference[] References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path).StartsWith("System.", StringComparison.Ordinal))
            .Append(typeof(Module).Assembly.Location)
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    /// <summary>A compilation of one file and the preamble, which nothing was generated for yet.</summary>
    public static CSharpCompilation Compile(string source, params MetadataReference[] more) => CSharpCompilation.Create(
        "Sample" + Guid.NewGuid().ToString("N"),
        [CSharpSyntaxTree.ParseText(Preamble, Options, "Preamble.cs"), CSharpSyntaxTree.ParseText(source, Options, "Sample.cs")],
        [.. References, .. more],
        new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));

    public static CSharpCompilation Generate(CSharpCompilation compilation, out ImmutableArray<SyntaxTree> generated)
    {
        GeneratorDriver driver = CSharpGeneratorDriver.Create([new ModuleGenerator().AsSourceGenerator()], parseOptions: Options)
            .RunGeneratorsAndUpdateCompilation(compilation, out Compilation output, out ImmutableArray<Diagnostic> problems);
        problems.Should().BeEmpty();
        generated = driver.GetRunResult().GeneratedTrees;
        return (CSharpCompilation)output;
    }

    /// <summary>What is generated for a class.</summary>
    public static string Text(string source, string file)
    {
        Generate(Compile(source), out ImmutableArray<SyntaxTree> generated);
        return generated.Single(tree => tree.FilePath.EndsWith($"/{file}", StringComparison.Ordinal)
            || tree.FilePath.EndsWith($"\\{file}", StringComparison.Ordinal)).ToString();
    }

    /// <summary>The errors that a person sees: the analyzer's, and the compiler's, as "id at the text it stands at".</summary>
    public static async Task<string[]> Errors(string source) =>
        [.. (await Findings(Compile(source))).Select(finding => $"{finding.Id} {Place(finding)}")];

    public static async Task<ImmutableArray<Diagnostic>> Findings(CSharpCompilation compilation)
    {
        CSharpCompilation output = Generate(compilation, out _);
        ImmutableArray<Diagnostic> all = await output.WithAnalyzers([new ModuleAnalyzer()]).GetAllDiagnosticsAsync();
        return [.. all.Where(finding => finding.Severity == DiagnosticSeverity.Error || finding.Id.StartsWith("AD", StringComparison.Ordinal))
            .OrderBy(finding => finding.Location.SourceSpan.Start)];
    }

    /// <summary>Compiles, with generated code held to warnings as errors and documented public members, and loads.</summary>
    public static Assembly Load(string source, params MetadataReference[] more)
    {
        CSharpCompilation output = Generate(Compile(source, more), out ImmutableArray<SyntaxTree> generated);
        using MemoryStream stream = new();
        output.Emit(stream).Diagnostics
            .Where(problem => problem.Severity == DiagnosticSeverity.Error
                || (problem.Severity == DiagnosticSeverity.Warning && generated.Contains(problem.Location.SourceTree!)))
            .Should().BeEmpty(string.Join("\n", generated));
        stream.Position = 0;
        return AssemblyLoadContext.Default.LoadFromStream(stream);
    }

    /// <summary>The state dictionary's keys of the class <c>Model</c>.</summary>
    public static string[] Keys(string source, string type = "Model")
    {
        Assembly assembly = Load(source);
        Module module = (Module)Activator.CreateInstance(assembly.GetType(type, throwOnError: true)!)!;
        return [.. module.NamedVariables().Select(named => named.Key)];
    }

    /// <summary>
    /// Runs the sample's <c>Test.Run(TensorMap, Tensor, Tensor)</c>, which returns what it walked, flat, with the two
    /// tensors as <c>a</c> and <c>b</c>, and their images as <c>A</c> and <c>B</c>.
    /// </summary>
    public static string Walk(string source, params MetadataReference[] more)
    {
        Tensor[] tensors = [.. Enumerable.Range(0, 4).Select(_ => (Tensor)RuntimeHelpers.GetUninitializedObject(typeof(Tensor)))];
        Func<Tensor, Tensor> function = tensor => tensors[Array.IndexOf(tensors, tensor) + 2];
        object map = typeof(TensorMap).GetConstructors(BindingFlags.Instance | BindingFlags.NonPublic)[0].Invoke([function]);
        MethodInfo run = Load(source, more).GetType("Test")!.GetMethod("Run")!;
        object?[] flat = (object?[])run.Invoke(null, [map, tensors[0], tensors[1]])!;
        return string.Join(" ", flat.Select(part => part switch
        {
            Tensor tensor => "abAB"[Array.IndexOf(tensors, tensor)].ToString(),
            null => "null",
            _ => part.ToString(),
        }));
    }

    private static string Place(Diagnostic finding) => finding.Location.SourceTree!.GetText().ToString(finding.Location.SourceSpan);
}
