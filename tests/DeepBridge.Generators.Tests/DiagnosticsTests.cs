namespace DeepBridge.Generators.Tests;

public class DiagnosticsTests
{
    [Theory]
    [InlineData("Tensor _state;", "DB0002 _state")]
    [InlineData("Tensor? State { get; set; }", "DB0002 State")]
    [InlineData("List<Tensor> _cache = [];", "DB0002 _cache")]
    [InlineData("Dictionary<string, Tensor[]> _cache = [];", "DB0002 _cache")]
    [InlineData("(Tensor, int) _pair;", "DB0002 _pair")]
    [InlineData("record struct State(Tensor H); State? _state;", "DB0002 _state")]
    [InlineData("static Tensor _table;", "DB0002 _table")]
    [InlineData("object[] _layers = [];", "DB0004 _layers")]
    [InlineData("List<object> _layers = [];", "DB0004 _layers")]
    [InlineData("ArrayList _layers = [];", "DB0004 _layers")]
    [InlineData("IEnumerable _layers;", "DB0004 _layers")]
    [InlineData("(Leaf, int) _pair;", "DB0004 _pair")]
    [InlineData("Tuple<Leaf, Leaf> _pair;", "DB0004 _pair")]
    [InlineData("Lazy<Leaf> _late;", "DB0004 _late")]
    [InlineData("List<List<Leaf>> _grid;", "DB0004 _grid")]
    [InlineData("Leaf[,] _grid;", "DB0004 _grid")]
    [InlineData("Dictionary<int, Leaf> _heads;", "DB0004 _heads")]
    [InlineData("record Gate(Leaf In, Leaf Out); Gate _gate;", "DB0004 _gate")]
    [InlineData("struct Gate { public Parameter P; } Gate _gate;", "DB0004 _gate")]
    [InlineData("static Leaf _shared;", "DB0005 _shared")]
    [InlineData("static readonly List<Parameter> Shared = [];", "DB0005 Shared")]
    [InlineData("static readonly object[] Table = [];", null)]
    [InlineData("Func<Leaf> _make; object _lock; BitArray _bits; string _name; Action<Tensor> _hook; WeakReference<Module> _parent;", null)]
    [InlineData("Module<List<Tensor>, Tensor> _inner; Dictionary<string, object> _options; class Log { Leaf L; } Log _log;", null)]
    [InlineData("Leaf _conv; Leaf Conv;", "DB0006 Conv")]
    [InlineData("Leaf _a; [StateName(\"a\")] Parameter _b;", "DB0006 _b")]
    [InlineData("[StateName(\"\")] Leaf _a; [StateName(\"\")] Leaf[] _b;", null)]
    [InlineData("protected override void Describe(DeepBridge.Modules.ModuleMembers members) { }", "DB0009 Describe")]
    [InlineData("void Describe(string text) { }", null)]
    public async Task Judges_members(string members, string? expected) =>
        (await Sources.Errors($"public partial class Model : Module {{ {members} }}")).Should().Equal(expected is null ? [] : [expected]);

    [Fact]
    public async Task A_key_that_an_inherited_member_has_is_an_error() => (await Sources.Errors(
        """
        public partial class Root : Module { Leaf _a; }
        public partial class Model : Root { Leaf _a; }
        """)).Should().Equal("DB0006 _a");

    [Theory]
    [InlineData("object", "'object'")]
    [InlineData("Tensor[,]", "'DeepBridge.Tensor[*,*]'")]
    [InlineData("(Tensor, DateTime)", "'System.DateTime'")]
    [InlineData("int[]", "'int[]'")]
    [InlineData("IEnumerable<Tensor>", "'System.Collections.Generic.IEnumerable<DeepBridge.Tensor>'")]
    [InlineData("Dictionary<string, Tensor>", "'System.Collections.Generic.Dictionary<string, DeepBridge.Tensor>'")]
    [InlineData("Batch", "'Batch.Ids', which cannot be set: give it an init accessor")]
    [InlineData("Model.Secret", "'Model.Secret._ids', which cannot be set: give it an init accessor")]
    [InlineData("Union", "'Union'")]
    [InlineData("Leaf", "'Leaf'")]
    public async Task Names_the_type_that_cannot_be_walked(string type, string named)
    {
        string source =
            $$"""
            public record Batch(int N) { public Tensor Ids { get; } = null!; }
            public abstract record Union;
            public partial class Model : Module<{{type}}, (Tensor, {{type}})>
            {
                public record Secret { private Tensor _ids = null!; }
                protected override (Tensor, {{type}}) Forward({{type}} x) => throw new();
            }
            """;
        var findings = await Sources.Findings(Sources.Compile(source));
        findings.Select(finding => finding.Id).Should().Equal("DB0007", "DB0007");
        findings.Select(finding => finding.GetMessage().Split(" It may")[0])
            .Should().BeEquivalentTo($"The input of 'Model' holds {named}.", $"The output of 'Model' holds {named}.");
    }

    [Fact]
    public async Task An_open_type_argument_without_a_module_is_an_error() => (await Sources.Errors(
        """
        public partial class Model<T> : Module<List<T>, Tensor>
        {
            private readonly Leaf _inner = new();
            protected override Tensor Forward(List<T> x) => throw new();
        }
        """)).Should().Equal("DB0008 Module<List<T>, Tensor>");

    [Fact]
    public async Task Every_type_around_a_module_must_be_partial() => (await Sources.Errors(
        """
        public class Outer { public struct Middle { partial class Inner : Module; } }
        public class Model : Module;
        """)).Where(error => error.StartsWith("DB", StringComparison.Ordinal)).Should().Equal("DB0001 Outer", "DB0001 Middle", "DB0001 Model");

    [Fact]
    public async Task A_file_local_module_cannot_be_completed() => (await Sources.Errors("file partial class Model : Module;"))
        .Should().BeEquivalentTo("DB0001 Module", "CS0534 Model");

    [Theory]
    [InlineData("Module inner", "void M() => inner.Eval();", "DB0003 inner")]
    [InlineData("Parameter p", "Parameter P => p;", "DB0003 p")]
    [InlineData("List<Leaf> layers", "int N { get { return layers.Count; } }", "DB0003 layers")]
    [InlineData("Leaf inner", "readonly Leaf _inner = inner; Func<Leaf> M() => () => inner;", "DB0003 inner")]
    [InlineData("Tensor x", "Tensor M() => x;", "DB0002 x")]
    [InlineData("Lazy<Leaf> late", "Leaf M() => late.Value;", "DB0004 late")]
    [InlineData("Leaf inner", "readonly Leaf _inner = inner; Leaf Other { get; } = inner; string M() => nameof(inner);", null)]
    [InlineData("int n", "int M() => n;", null)]
    public async Task Judges_captured_parameters(string parameter, string members, string? expected) =>
        (await Sources.Errors($"public partial class Model({parameter}) : Module {{ {members} }}")).Should().Equal(expected is null ? [] : [expected]);

    [Fact]
    public async Task Arguments_of_the_base_and_of_ordinary_constructors_are_not_captured() => (await Sources.Errors(
        """
        public partial class Root(Leaf a) : Module { readonly Leaf _a = a; }
        public partial class Model(Leaf b) : Root(b);
        public partial class Other : Module
        {
            readonly Leaf _c;
            public Other(Leaf c) { _c = c; void Local() => c.Eval(); Local(); }
        }
        """)).Should().BeEmpty();

    [Fact]
    public async Task A_finding_can_be_suppressed() => (await Sources.Errors(
        """
        public partial class Model : Module
        {
        #pragma warning disable DB0004 // names only
            private readonly Dictionary<Module, string> _names = [];
        #pragma warning restore DB0004
        }
        """)).Should().BeEmpty();

    [Fact]
    public async Task The_examples_of_the_documentation_are_clean() => (await Sources.Errors(
        """
        public sealed partial class Classifier(int inputs, int hidden) : Module<Tensor, Tensor>
        {
            private readonly Leaf[] _layers = new Leaf[inputs];
            public int Hidden { get; } = hidden;
            protected override Tensor Forward(Tensor x) => _layers.Aggregate(x, (y, layer) => layer.Call(y));
        }
        """)).Should().BeEmpty();
}
