using System.Reflection;
using System.Runtime.CompilerServices;

namespace DeepBridge.Packaging.Tests;

/// <summary>Who may know whom: arrows run from backends to the core, and nobody outside has fewer rights than we.</summary>
public sealed class ArrowsTests
{
    [Theory]
    [InlineData("DeepBridge.Core", "")]
    [InlineData("DeepBridge.Cpu", "DeepBridge.Core")]
    [InlineData("DeepBridge.Testing", "DeepBridge.Core")]
    [InlineData("DeepBridge.Training", "DeepBridge.Core")]
    [InlineData("DeepBridge.Extensions.DependencyInjection", "DeepBridge.Core")]
    [InlineData("DeepBridge.Extensions.Terminal", "DeepBridge.Core DeepBridge.Training")]
#if TORCHSHARP
    [InlineData("DeepBridge.TorchSharp", "DeepBridge.Core")]
#endif
#if TENSORFLOW
    [InlineData("DeepBridge.TensorFlow", "DeepBridge.Core")]
#endif
    public void Assemblies_reference_only_what_lies_below(string name, string allowed)
    {
        var references = Assembly.Load(name).GetReferencedAssemblies().Select(reference => reference.Name!);
        references.Where(reference => reference.StartsWith("DeepBridge", StringComparison.Ordinal))
            .Should().BeSubsetOf(allowed.Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [InlineData("DeepBridge.Core", "DeepBridge.Core.Tests DeepBridge.Training")]
    [InlineData("DeepBridge.Cpu", "DeepBridge.Cpu.Tests DeepBridge.Benchmarks")]
    [InlineData("DeepBridge.Testing", "")]
    [InlineData("DeepBridge.Training", "DeepBridge.Core.Tests")]
    [InlineData("DeepBridge.Extensions.DependencyInjection", "")]
#if TORCHSHARP
    [InlineData("DeepBridge.TorchSharp", "DeepBridge.TorchSharp.Tests")]
#endif
#if TENSORFLOW
    [InlineData("DeepBridge.TensorFlow", "DeepBridge.TensorFlow.Tests")]
#endif
    public void Internals_are_visible_to_own_tests_only(string name, string allowed) =>
        Assembly.Load(name).GetCustomAttributes<InternalsVisibleToAttribute>().Select(attribute => attribute.AssemblyName)
            .Should().BeSubsetOf(allowed.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    [Theory]
    [InlineData("DeepBridge.Core")]
    [InlineData("DeepBridge.Cpu")]
    public void No_native_code(string name)
    {
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
        Assembly.Load(name).GetTypes().SelectMany(type => type.GetMethods(All))
            .Where(method => method.Attributes.HasFlag(MethodAttributes.PinvokeImpl))
            .Should().BeEmpty();
    }
}
