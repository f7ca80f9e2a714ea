namespace DeepBridge.Torch.Tests;

/// <summary>Nothing that is known to go wrong between TorchSharp and libtorch reaches a user.</summary>
public sealed class TrapTests
{
    [Theory]
    [InlineData(nameof(Scenarios.MistakesAreTyped))]
    [InlineData(nameof(Scenarios.ContinuousCollection))]
    [InlineData(nameof(Scenarios.Division))]
    [InlineData(nameof(Scenarios.NobodyReleases))]
    [InlineData(nameof(Scenarios.NoMemoryLeft))]
    [InlineData(nameof(Scenarios.WithoutCuda))]
    [InlineData(nameof(Scenarios.Options))]
    [InlineData(nameof(Scenarios.Deferred))]
    public void A_process_of_its_own_survives(string scenario)
    {
        (int code, string text) = Child.Run(scenario);
        code.Should().Be(0, text);
        text.Should().Contain($"{scenario} held");
    }

    [Fact]
    public void Without_native_libraries_there_is_one_typed_error()
    {
        string folder = Directory.CreateTempSubdirectory("deepbridge-natives-").FullName;
        try
        {
            foreach (string file in Directory.GetFiles(AppContext.BaseDirectory).Where(file => Path.GetExtension(file) is ".dll" or ".json"))
            {
                File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
            }

            (int code, string text) = Child.Run(nameof(Scenarios.WithoutNatives), folder);
            code.Should().Be(0, text);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
