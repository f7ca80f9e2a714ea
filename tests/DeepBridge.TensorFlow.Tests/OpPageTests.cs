using DeepBridge.Engines.Tests;
using DeepBridge.Testing;

namespace DeepBridge.TensorFlow.Tests;

/// <summary>
/// The page docs/tensorflow-ops.md says which ops are said in TensorFlow's own.
/// DEEPBRIDGE_UPDATE_DOCS=1 dotnet test tests/DeepBridge.TensorFlow.Tests --filter OpPage writes it anew.
/// </summary>
public sealed class OpPageTests
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
        OpPage.ShouldBeCommitted("tensorflow-ops.md", page);
    }
}
