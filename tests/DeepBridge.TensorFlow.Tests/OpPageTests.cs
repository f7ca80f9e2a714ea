using System.Runtime.CompilerServices;
using DeepBridge.Testing;

namespace DeepBridge.TensorFlow.Tests;

/// <summary>
/// The page docs/tensorflow-ops.md says which ops are said in TensorFlow's own.
/// DEEPBRIDGE_UPDATE_DOCS=1 dotnet test tests/DeepBridge.TensorFlow.Tests --filter OpPage writes it anew.
/// </summary>
public sealed class OpPageTests(ITestOutputHelper output)
{
    [Fact]
    public void The_page_of_ops_is_what_the_backend_says()
    {
        TensorFlowBackend.Register();
        string page =
            "# Ops of the TensorFlow backend\n\n"
            + "Written by the tests (`DEEPBRIDGE_UPDATE_DOCS=1 dotnet test tests/DeepBridge.TensorFlow.Tests --filter OpPage`). An op\n"
            + "that is decomposed runs too, by simpler ones. A kernel is one or several ops of TensorFlow, the same eagerly and in a\n"
            + "compiled graph. float16 and bfloat16 compute through float32; movement, comparison and selection take every dtype as it\n"
            + "is.\n\n"
            + OpTable.Write(((Device)"tensorflow:cpu").Backend);
        output.WriteLine(page);
        string file = Path.Combine(Root(), "docs", "tensorflow-ops.md");
        if (Environment.GetEnvironmentVariable("DEEPBRIDGE_UPDATE_DOCS") == "1")
        {
            File.WriteAllText(file, page);
        }

        (File.Exists(file) ? File.ReadAllText(file) : string.Empty).Should().Be(page);
    }

    private static string Root([CallerFilePath] string file = "")
    {
        string? folder = Path.GetDirectoryName(file);
        while (folder is not null && !File.Exists(Path.Combine(folder, "DeepBridge.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new DirectoryNotFoundException("The repository's root was not found.");
    }
}
