using System.Reflection;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace DeepBridge.Generators.Tests;

public sealed class WithoutGeneratorTests
{
    [Fact]
    public void A_class_derived_without_the_generator_throws_instead_of_losing_parameters()
    {
        // Generated for the base only: the derived class stands in a compilation that the generator never saw.
        CSharpCompilation complete = Sources.Generate(
            Sources.Compile("public partial class Base : Module<Tensor, Tensor> { protected override Tensor Forward(Tensor x) => x; }"), out _);
        CSharpCompilation derived = complete.AddSyntaxTrees(CSharpSyntaxTree.ParseText(
            "public sealed class Derived : Base { }", Sources.Options, "Derived.cs"));
        using MemoryStream stream = new();
        derived.Emit(stream).Diagnostics.Where(problem => problem.Severity == DiagnosticSeverity.Error).Should().BeEmpty();
        stream.Position = 0;
        Assembly assembly = AssemblyLoadContext.Default.LoadFromStream(stream);
        Module whole = (Module)Activator.CreateInstance(assembly.GetType("Base", throwOnError: true)!)!;
        Module partial = (Module)Activator.CreateInstance(assembly.GetType("Derived", throwOnError: true)!)!;

        whole.Invoking(module => module.NamedVariables().ToArray()).Should().NotThrow();
        partial.Invoking(module => module.NamedVariables().ToArray()).Should().Throw<ModuleException>().WithMessage("*Derived*source generator*");
    }

    [Fact]
    public void A_build_without_the_generator_fails()
    {
        CSharpCompilation bare = Sources.Compile("public sealed class Bare : Module<Tensor, Tensor> { protected override Tensor Forward(Tensor x) => x; }");
        bare.GetDiagnostics().Should().Contain(problem => problem.Id == "CS0534");
    }
}
