using System.Runtime.CompilerServices;
using DeepBridge.Testing;

namespace DeepBridge.Torch.Tests;

/// <summary>
/// The page docs/torchsharp-ops.md says which ops run on libtorch's own kernels.
/// DEEPBRIDGE_UPDATE_DOCS=1 dotnet test tests/DeepBridge.TorchSharp.Tests --filter OpPage writes it anew.
/// </summary>
public sealed class OpPageTests(ITestOutputHelper output)
{
    [Fact]
    public void The_page_of_ops_is_what_the_backend_says()
    {
        Setup.Register();
        string page =
            "# Ops of the TorchSharp backend\n\n"
            + "Written by the tests (`DEEPBRIDGE_UPDATE_DOCS=1 dotnet test tests/DeepBridge.TorchSharp.Tests --filter OpPage`). An op\n"
            + "that is decomposed runs too, on the kernels of simpler ops. float16 and bfloat16 compute through float32; movement,\n"
            + "comparison and selection take every dtype as it is.\n\n"
            + OpTable.Write(((Device)"torch:cpu").Backend);
        output.WriteLine(page);
        string file = Path.Combine(Root(), "docs", "torchsharp-ops.md");
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
