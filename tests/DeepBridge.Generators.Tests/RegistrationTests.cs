using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace DeepBridge.Generators.Tests;

public class RegistrationTests
{
    // A stand-in that counts: the real one does nothing the second time.
    private const string Backend =
        """
        namespace DeepBridge.Cpu;

        public sealed class CpuBackend
        {
            public static int Calls;
            public static void Register() => Calls++;
        }
        """;

    [Fact]
    public void Every_assembly_that_sees_the_backend_registers_it()
    {
        CSharpCompilation backend = Sources.Compile(Backend);
        using MemoryStream stream = new();
        backend.Emit(stream).Success.Should().BeFalse("the preamble's module is not generated");
        backend = backend.RemoveSyntaxTrees(backend.SyntaxTrees[0]);
        backend.Emit(stream).Success.Should().BeTrue();
        Assembly cpu = Assembly.Load(stream.ToArray());
        MetadataReference reference = MetadataReference.CreateFromImage(stream.ToArray());
        FieldInfo calls = cpu.GetType("DeepBridge.Cpu.CpuBackend")!.GetField("Calls")!;
        ResolveEventHandler resolve = (_, name) => name.Name == cpu.FullName ? cpu : null;
        AppDomain.CurrentDomain.AssemblyResolve += resolve;
        try
        {
            for (int expected = 1; expected <= 2; expected++)
            {
                Assembly user = Sources.Load("public static class User;", reference);
                RuntimeHelpers.RunModuleConstructor(user.ManifestModule.ModuleHandle);
                calls.GetValue(null).Should().Be(expected);
            }
        }
        finally
        {
            AppDomain.CurrentDomain.AssemblyResolve -= resolve;
        }
    }

    [Fact]
    public void Assemblies_that_see_each_others_internals_do_not_clash()
    {
        CSharpCompilation backend = Sources.Compile(Backend);
        backend = backend.RemoveSyntaxTrees(backend.SyntaxTrees[0]);
        CSharpCompilation user = Sources.Compile("public static class User;", backend.ToMetadataReference());
        CSharpCompilation library = Sources.Compile(
            $"[assembly: System.Runtime.CompilerServices.InternalsVisibleTo(\"{user.AssemblyName}\")]", backend.ToMetadataReference());
        library = Sources.Generate(library.RemoveSyntaxTrees(library.SyntaxTrees[0]), out _);
        library.GetDiagnostics().Where(problem => problem.Severity >= DiagnosticSeverity.Warning).Should().BeEmpty();
        Sources.Generate(user.AddReferences(library.ToMetadataReference()), out _).GetDiagnostics()
            .Where(problem => problem.Severity >= DiagnosticSeverity.Warning && problem.Location.SourceTree!.FilePath.EndsWith(".g.cs", StringComparison.Ordinal))
            .Should().BeEmpty();
    }

    [Theory]
    [InlineData(Backend, 0)]
    [InlineData("namespace DeepBridge.Cpu; internal sealed class CpuBackend { internal static void Register() { } }", 0)]
    [InlineData("public static class User;", 0)]
    public void Nobody_else_does(string source, int expected)
    {
        Sources.Generate(Sources.Compile(source), out var generated);
        generated.Count(tree => tree.FilePath.Contains("CpuRegistration", StringComparison.Ordinal)).Should().Be(expected);
    }
}
