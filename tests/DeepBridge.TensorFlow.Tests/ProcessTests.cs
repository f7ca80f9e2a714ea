namespace DeepBridge.TensorFlow.Tests;

/// <summary>What needs a process of its own.</summary>
public sealed class ProcessTests(ITestOutputHelper output)
{
    private const string Namespace = "DeepBridge.TensorFlow.Tests.";

    [Fact]
    public void What_ends_TensorFlow_is_a_typed_error_here() => output.WriteLine(Last(Child.Run(Namespace + nameof(TrapCases), true)));

    [Fact]
    public void A_rank_that_a_foreign_graph_does_not_take_is_a_typed_error() =>
        output.WriteLine(Last(Child.Run(Namespace + "SavedModels." + nameof(SavedModels.OpenRankCases), true)));

    [Fact]
    public void Without_a_fit_library_the_error_says_so() => output.WriteLine(
        Last(Child.Run(Namespace + nameof(MissingLibraryCases), true, (NamedLibraryCases.Variable, null))));

    [Fact]
    public void The_environment_names_a_library_or_its_folder()
    {
        TensorFlowBackend.Register();
        string loaded = NamedLibraryCases.Loaded();
        foreach (string name in new[] { "/nowhere/tensorflow", loaded, Path.GetDirectoryName(loaded)! })
        {
            output.WriteLine(Last(Child.Run(Namespace + nameof(NamedLibraryCases), true, (NamedLibraryCases.Variable, name))));
        }
    }

    [Fact]
    public void Xla_computes_the_same_and_lets_no_bad_value_through() => output.WriteLine(Last(Child.Run(Namespace + nameof(XlaCases), true)));

    [Fact]
    public void A_library_without_oneDNN_passes_the_eager_suite() => output.WriteLine(Last(Child.Run(
        Namespace + nameof(EagerConformanceTests), false, ("TF_ENABLE_ONEDNN_OPTS", "0"), ("DEEPBRIDGE_SAMPLE", Sample.IsFull ? null : "tenth"))));

    [Fact]
    [Trait("Category", "Proof")]
    public void A_library_without_oneDNN_passes_the_compiled_suite()
    {
        Assert.SkipUnless(Sample.IsFull, "takes minutes: runs with DEEPBRIDGE_PROOF=full");
        output.WriteLine(Last(Child.Run(Namespace + nameof(CompiledConformanceTests), false, ("TF_ENABLE_ONEDNN_OPTS", "0"))));
    }

    private static string Last(string text) => text.TrimEnd().Split('\n')[^1];
}
