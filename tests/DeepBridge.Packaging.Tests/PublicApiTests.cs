using System.Reflection;

namespace DeepBridge.Packaging.Tests;

/// <summary>
/// The public API of each package is a committed file under Api/: a change of it is seen in review.
/// DEEPBRIDGE_UPDATE_API=1 dotnet test tests/DeepBridge.Packaging.Tests writes the files anew.
/// </summary>
public sealed class PublicApiTests
{
    [Theory]
    [InlineData("DeepBridge.Core")]
    [InlineData("DeepBridge.Cpu")]
    [InlineData("DeepBridge.Testing")]
    [InlineData("DeepBridge.Training")]
    [InlineData("DeepBridge.Extensions.DependencyInjection")]
    [InlineData("DeepBridge.Extensions.Terminal")]
#if TORCHSHARP
    [InlineData("DeepBridge.TorchSharp")]
#endif
#if TENSORFLOW
    [InlineData("DeepBridge.TensorFlow")]
#endif
    public void Public_api_is_the_committed_one(string name)
    {
        var file = Path.Combine(Repository.Root, "tests", "DeepBridge.Packaging.Tests", "Api", name + ".txt");
        var actual = PublicApi.Write(Assembly.Load(name));
        if (Environment.GetEnvironmentVariable("DEEPBRIDGE_UPDATE_API") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, string.Join('\n', actual) + "\n");
        }

        var committed = File.Exists(file) ? File.ReadAllLines(file) : [];
        var added = actual.Except(committed).ToList();
        var removed = committed.Except(actual).ToList();
        (added.Count + removed.Count).Should().Be(0,
            "the public API of {0} is committed in Api/{0}.txt; if the change is meant, run " +
            "DEEPBRIDGE_UPDATE_API=1 dotnet test tests/DeepBridge.Packaging.Tests. Added:\n{1}\nRemoved:\n{2}\n",
            name, string.Join('\n', added.Take(20)), string.Join('\n', removed.Take(20)));
    }
}
