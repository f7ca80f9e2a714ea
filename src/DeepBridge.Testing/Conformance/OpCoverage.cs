using System.Reflection;
using System.Xml.Linq;
using DeepBridge.Ops;
using Xunit;

namespace DeepBridge.Testing;

/// <summary>
/// No op without its proof: enumerates the public op types of an assembly and fails for each that lacks a conformance
/// case, an error case, a gradient check or its mark, documentation, or a golden. Derive in one test project.
/// </summary>
public abstract class OpCoverage
{
    /// <summary>The assembly whose ops are enumerated; by default the core.</summary>
    protected virtual Assembly Assembly => typeof(Op).Assembly;

    /// <summary>The cases that count; by default the catalogue.</summary>
    protected virtual IReadOnlyList<OpCase> Cases => OpCases.All;

    /// <summary>The ops that have a golden, or a reason stated why there is none; by default the catalogue's.</summary>
    protected virtual IReadOnlyCollection<Type> Goldens => [.. OpGoldens.All.SelectMany(golden => golden.Ops), .. OpGoldens.Exempt.Keys];

    private IEnumerable<Type> Types => Assembly.GetExportedTypes().Where(type => type.IsSealed && type.IsSubclassOf(typeof(Op)));

    /// <summary>Every op has a conformance case.</summary>
    [Fact]
    public void Every_op_has_a_case() => AssertEvery(type => Cases.Any(one => one.Op.GetType() == type), "conformance case");

    /// <summary>Every op with a gradient is checked against finite differences; every other says why it has none.</summary>
    [Fact]
    public void Every_op_has_a_gradient_check_or_a_mark() => AssertEvery(
        type => Cases.Any(one => one.Op.GetType() == type && (one.IsDifferenced || !string.IsNullOrWhiteSpace(one.Op.NoGradient))),
        "gradient check and no mark that it has no gradient");

    /// <summary>Every op has a case that it must refuse.</summary>
    [Fact]
    public void Every_op_has_an_error_case() => AssertEvery(type => ErrorCases.All.Any(one => one.Op.GetType() == type), "error case");

    /// <summary>Every op has a golden or a reason why it has none.</summary>
    [Fact]
    public void Every_op_has_a_golden_or_a_reason() => AssertEvery(Goldens.Contains, "golden and no stated reason");

    /// <summary>Every op, and each of its attributes, is documented.</summary>
    [Fact]
    public void Every_op_is_documented()
    {
        string file = Path.ChangeExtension(Assembly.Location, "xml");
        Assert.True(File.Exists(file), $"there is no {file}");
        Dictionary<string, XElement> members = XDocument.Load(file).Descendants("member").ToDictionary(member => (string)member.Attribute("name")!);
        AssertEvery(
            type => members.TryGetValue("T:" + type.FullName, out XElement? member) && !string.IsNullOrWhiteSpace(member.Element("summary")?.Value),
            "documentation");
        AssertEvery(
            type => type.GetConstructors().SelectMany(constructor => constructor.GetParameters()).All(parameter =>
                members["T:" + type.FullName] is var member && (member.Element("inheritdoc") is not null
                || member.Elements("param").Any(param => (string?)param.Attribute("name") == parameter.Name && !string.IsNullOrWhiteSpace(param.Value)))),
            "documentation of an attribute");
    }

    private void AssertEvery(Func<Type, bool> holds, string what)
    {
        Type[] types = [.. Types];
        Assert.NotEmpty(types);
        string[] missing = [.. types.Where(type => !holds(type)).Select(type => type.Name)];
        Assert.True(missing.Length == 0, $"{missing.Length} of {types.Length} ops have no {what}: {string.Join(", ", missing)}");
    }
}
