using DeepBridge.Packaging.Tests;

namespace DeepBridge.Engines.Tests;

/// <summary>A page of docs/ that a backend writes itself.</summary>
internal static class OpPage
{
    /// <summary>Compares a page with the committed one, or writes it anew where DEEPBRIDGE_UPDATE_DOCS is 1.</summary>
    internal static void ShouldBeCommitted(string name, string page)
    {
        string file = Path.Combine(Repository.Root, "docs", name);
        if (Environment.GetEnvironmentVariable("DEEPBRIDGE_UPDATE_DOCS") == "1")
        {
            File.WriteAllText(file, page);
        }

        (File.Exists(file) ? File.ReadAllText(file) : string.Empty).Should().Be(page);
    }
}
