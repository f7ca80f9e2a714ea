using DeepBridge.Testing;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace DeepBridge.Primitives.Tests;

public sealed class PrimitivesConformance : BackendConformance
{
    protected override Device Device => PrimitivesBackend.Instance.Device;
}

public sealed class CoreOpRules : OpRules;

public sealed class CoreOpCoverage : OpCoverage;

public sealed class DecompositionTests
{
    private static readonly Lazy<HashSet<string>> s_composites = new(() => [.. OpCases.All.DistinctBy(one => one.Op.Kind).Where(IsComposite).Select(one => one.Op.Name)]);

    public static TheoryData<string> Composites() => [.. s_composites.Value.Order(StringComparer.Ordinal)];

    [Fact]
    public void The_backend_has_a_kernel_for_every_primitive_and_for_nothing_else()
    {
        s_composites.Value.Should().NotBeEmpty();
        OpCases.All.DistinctBy(one => one.Op.Kind).Should().OnlyContain(
            one => PrimitivesBackend.Instance.Implements(one.Op.Kind) != s_composites.Value.Contains(one.Op.Name));
    }

    [Theory]
    [MemberData(nameof(Composites))]
    public void A_composite_arrives_decomposed(string op)
    {
        PrimitivesBackend backend = PrimitivesBackend.Instance;
        HashSet<string> all = [];
        foreach (OpCase one in OpCases.Of(op).Where(one => one.Inputs.Sum(input => input.Shape.Count) < 1000))
        {
            using TensorScope scope = new();
            using AmbientChange device = Device.Use(backend.Device);
            Tensor[] inputs = one.Make(backend.Device);
            backend.TakeCounts();
            one.Op.ApplyAll(inputs);
            (string[] arrived, string[] ran) = backend.TakeCounts();
            arrived.Should().Contain(op);
            ran.Should().NotContain(s_composites.Value);
            all.UnionWith(ran);
        }

        all.Should().NotBeEmpty();
    }

    [Fact]
    public void The_assembly_knows_neither_the_embedded_backend_nor_the_internals_of_the_core()
    {
        typeof(PrimitivesBackend).Assembly.GetReferencedAssemblies().Select(assembly => assembly.Name).Should().NotContain("DeepBridge.Cpu");
        typeof(Tensor).Assembly.GetCustomAttributes(typeof(System.Runtime.CompilerServices.InternalsVisibleToAttribute), false)
            .Cast<System.Runtime.CompilerServices.InternalsVisibleToAttribute>().Select(friend => friend.AssemblyName)
            .Should().NotContain(name => name.StartsWith("DeepBridge.Primitives"));
    }

    private static bool IsComposite(OpCase one)
    {
        using TensorScope scope = new();
        using AmbientChange device = Device.Use(ReferenceBackend.Instance.Device);
        return one.Op.Decompose(one.Make(ReferenceBackend.Instance.Device)) is not null;
    }
}
