namespace DeepBridge.Torch.Tests;

/// <summary>Hand-written loops without a single <c>using</c> in them; CI runs a tenth of the steps.</summary>
[Trait("Category", "Proof")]
public sealed class LongRunTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(nameof(Loops.Mlp))]
    [InlineData(nameof(Loops.Cnn))]
    public void A_loop_without_using_neither_leaks_handles_nor_memory(string model)
    {
        // In a process of its own, where nobody else's garbage is counted.
        (int code, string text) = Child.Run(model);
        output.WriteLine(text);
        code.Should().Be(0, text);
    }
}
