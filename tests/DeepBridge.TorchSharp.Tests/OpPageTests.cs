using DeepBridge.Engines.Tests;
using DeepBridge.Testing;

namespace DeepBridge.Torch.Tests;

/// <summary>
/// The page docs/torchsharp-ops.md says which ops run on libtorch's own kernels.
/// DEEPBRIDGE_UPDATE_DOCS=1 dotnet test tests/DeepBridge.TorchSharp.Tests --filter OpPage writes it anew.
/// </summary>
public sealed class OpPageTests
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
        OpPage.ShouldBeCommitted("torchsharp-ops.md", page);
    }
}
