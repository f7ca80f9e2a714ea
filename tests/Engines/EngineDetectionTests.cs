using System.Reflection;
using System.Xml.Linq;

namespace DeepBridge.Engines.Tests;

/// <summary>What the build found out about its optional engine, and whether the engine's tests are in this assembly.</summary>
public sealed class EngineDetectionTests
{
    private static readonly string s_engine = Said("Engine");

    /// <summary>The assembly was built on the answer that is on record, and the record says why.</summary>
    [Fact]
    public void The_build_followed_the_recorded_answer()
    {
        XElement record = XDocument.Load(Said("EngineRecord")).Root!.Element("PropertyGroup")!;
        record.Element($"Has{s_engine}")!.Value.Should().Be(Said("HasEngine")).And.BeOneOf("true", "false");
        record.Element($"{s_engine}Reason")!.Value.Should().Be(Said("EngineReason")).And.NotBeEmpty();
    }

    /// <summary>Skipped, with the reason, where the engine was left out; otherwise its backend is there.</summary>
    [Fact]
    public void The_engine_is_tested()
    {
        Assert.SkipUnless(Said("HasEngine") == "true", $"{s_engine}: {Said("EngineReason")}");
        Assembly.Load($"DeepBridge.{s_engine}").GetExportedTypes().Should().Contain(type => type.Name == $"{s_engine}Backend");
    }

    private static string Said(string key) =>
        typeof(EngineDetectionTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == key).Value ?? string.Empty;
}
