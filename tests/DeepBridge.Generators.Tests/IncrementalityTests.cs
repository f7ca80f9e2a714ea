using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace DeepBridge.Generators.Tests;

public class IncrementalityTests
{
    private const string Model =
        """
        public sealed partial class Model : Module<Tensor, Tensor>
        {
            private readonly Leaf _inner = new();
            protected override Tensor Forward(Tensor x) => _inner.Call(x);
        }
        """;

    [Theory]
    [InlineData("_inner.Call(x)", "_inner.Call(_inner.Call(x))", true)]
    [InlineData("Leaf _inner = new();", "Leaf _inner = new(); int _n;", true)]
    [InlineData("Leaf _inner = new();", "Leaf _inner = new(); Leaf _other;", false)]
    public void Only_what_matters_is_written_again(string old, string changed, bool isSame)
    {
        CSharpCompilation before = Sources.Compile(Model);
        SyntaxTree tree = before.SyntaxTrees[1];
        CSharpCompilation after = before.ReplaceSyntaxTree(
            tree, CSharpSyntaxTree.ParseText(Model.Replace(old, changed, StringComparison.Ordinal), Sources.Options, tree.FilePath));
        GeneratorDriver driver = CSharpGeneratorDriver.Create(
            [new ModuleGenerator().AsSourceGenerator()],
            parseOptions: Sources.Options,
            driverOptions: new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true));

        GeneratorRunResult result = driver.RunGenerators(before).RunGenerators(after).GetRunResult().Results.Single();

        Reasons(result, ModuleGenerator.ModulesStep).Count(reason => reason == IncrementalStepRunReason.Modified).Should().Be(isSame ? 0 : 1);
        Reasons(result, ModuleGenerator.BackendStep).Should().Equal(IncrementalStepRunReason.Unchanged);
        result.TrackedOutputSteps.SelectMany(step => step.Value).SelectMany(step => step.Outputs)
            .Count(output => output.Reason != IncrementalStepRunReason.Cached).Should().Be(isSame ? 0 : 1);
    }

    [Fact]
    public void Steps_keep_nothing_of_the_compilation()
    {
        GeneratorDriver driver = CSharpGeneratorDriver.Create(
            [new ModuleGenerator().AsSourceGenerator()],
            parseOptions: Sources.Options,
            driverOptions: new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true));
        GeneratorRunResult result = driver.RunGenerators(Sources.Compile(Model)).GetRunResult().Results.Single();

        result.TrackedSteps[ModuleGenerator.ModulesStep].Concat(result.TrackedSteps[ModuleGenerator.BackendStep])
            .SelectMany(step => step.Outputs).Select(output => output.Value.GetType())
            .Should().OnlyContain(type => type == typeof((string, string)) || type == typeof(bool));
    }

    private static IEnumerable<IncrementalStepRunReason> Reasons(GeneratorRunResult result, string step) =>
        result.TrackedSteps[step].SelectMany(each => each.Outputs).Select(output => output.Reason);
}
