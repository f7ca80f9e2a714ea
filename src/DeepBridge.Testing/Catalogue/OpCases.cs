using DeepBridge.Ops;

namespace DeepBridge.Testing;

/// <summary>
/// The catalogue: for every op the inputs on which a backend is compared with the reference. Adding an op means adding
/// its cases here; <see cref="OpCoverage"/> fails until they are there.
/// </summary>
public static partial class OpCases
{
    private static readonly Lazy<IReadOnlyList<OpCase>> s_all = new(Make);

    /// <summary>Makers of floating inputs: the shape, the values (null: normal ones).</summary>
    private static readonly Func<Shape, Values?, CaseInput>[] s_wide =
    [
        (shape, values) => F64(shape, values), (shape, values) => F32(shape, values), (shape, values) => F32(shape, values, Layout.Transposed),
        (shape, values) => F32(shape, values, Layout.Sliced),
    ];

    private static readonly Func<Shape, Values?, CaseInput>[] s_floating = [.. s_wide, F16, B16];

    /// <summary>Every case.</summary>
    public static IReadOnlyList<OpCase> All => s_all.Value;

    /// <summary>The cases of one op.</summary>
    /// <param name="op">The op's name.</param>
    /// <returns>The cases.</returns>
    public static IReadOnlyList<OpCase> Of(string op) => [.. All.Where(one => one.Op.Name == op)];

    private static List<OpCase> Make()
    {
        CaseList cases = [];
        AddElementwise(cases);
        AddSelection(cases);
        AddMovement(cases);
        AddReductions(cases);
        AddIndexing(cases);
        AddProducts(cases);
        AddPooling(cases);
        AddRandom(cases);
        AddActivations(cases);
        AddStatistics(cases);
        AddSoftmax(cases);
        AddLosses(cases);
        AddNorms(cases);
        AddLayers(cases);
        AddSteps(cases);
        return cases;
    }

    private static CaseInput F64(Shape shape, Values? values = null, Layout layout = default) =>
        new(shape, DType.Float64, values ?? Values.Normal, layout);

    private static CaseInput F32(Shape shape, Values? values = null, Layout layout = default) =>
        new(shape, DType.Float32, values ?? Values.Normal, layout);

    private static CaseInput F16(Shape shape, Values? values = null) => new(shape, DType.Float16, values ?? Values.Normal);

    private static CaseInput B16(Shape shape, Values? values = null) => new(shape, DType.BFloat16, values ?? Values.Normal);

    private static CaseInput I32(Shape shape, Values? values = null, Layout layout = default) =>
        new(shape, DType.Int32, values ?? Values.Normal, layout);

    private static CaseInput I64(Shape shape, Values? values = null, Layout layout = default) =>
        new(shape, DType.Int64, values ?? Values.Normal, layout);

    private static CaseInput Bool(Shape shape, Layout layout = default) => new(shape, DType.Bool, Values.Bits, layout);

    private sealed class CaseList : List<OpCase>
    {
        /// <summary>A case of values and gradients.</summary>
        internal void Add(Op op, OpClass kind, params CaseInput[] inputs) => Add(new OpCase(op, kind, inputs));

        /// <summary>A case of values alone.</summary>
        internal void Values(Op op, OpClass kind, params CaseInput[] inputs) => Add(new OpCase(op, kind, inputs) { ComparesGradients = false });

        /// <summary>A case where gradients jump.</summary>
        internal void Rough(Op op, OpClass kind, params CaseInput[] inputs) => Add(new OpCase(op, kind, inputs) { IsSmooth = false });

        /// <summary>A composite.</summary>
        internal void Mixed(Op op, params CaseInput[] inputs) => Add(op, OpClass.Composite, inputs);

        /// <summary>A composite, values alone.</summary>
        internal void MixedValues(Op op, params CaseInput[] inputs) => Values(op, OpClass.Composite, inputs);

        /// <summary>A composite whose first outputs alone carry an incoming gradient.</summary>
        internal void Outputs(int count, Op op, params CaseInput[] inputs) => Add(new OpCase(op, OpClass.Composite, inputs) { Outputs = count });
    }
}
