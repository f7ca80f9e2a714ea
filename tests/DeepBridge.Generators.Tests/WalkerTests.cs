namespace DeepBridge.Generators.Tests;

public class WalkerTests
{
    [Theory]
    [InlineData("Tensor", "a", "r", "A")]
    [InlineData("Tensor?", "null", "r", "null")]
    [InlineData("(Tensor, Tensor)", "(a, b)", "r.Item1, r.Item2", "A B")]
    [InlineData("(Tensor x, (Tensor? y, int n) z)", "(a, (null, 3))", "r.x, r.z.y, r.z.n", "A null 3")]
    [InlineData("(Tensor, int, int, int, int, int, int, int, Tensor)", "(a, 1, 2, 3, 4, 5, 6, 7, b)", "r.Item1, r.Item8, r.Item9", "A 7 B")]
    [InlineData("ValueTuple<Tensor>", "new(a)", "r.Item1", "A")]
    [InlineData("ValueTuple", "default", "r", "()")]
    [InlineData("int", "3", "r", "3")]
    [InlineData("(Tensor, string?, DayOfWeek?, double?, bool)", "(a, \"s\", DayOfWeek.Monday, null, true)", "r.Item1, r.Item2, r.Item3, r.Item4, r.Item5", "A s Monday null True")]
    [InlineData("(Tensor, Tensor)?", "(a, b)", "r!.Value.Item1, r.Value.Item2", "A B")]
    [InlineData("(Tensor, Tensor)?", "null", "r", "null")]
    [InlineData("Tensor[]", "[a, b, a]", "[..r]", "A B A")]
    [InlineData("Tensor?[]?", "[a, null]", "[..r!]", "A null")]
    [InlineData("Tensor?[]?", "null", "r", "null")]
    [InlineData("Tensor[][]", "[[a], [], [a, b]]", "[..r[0], ..r[2]]", "A A B")]
    [InlineData("List<Tensor>", "[a, b]", "[..r]", "A B")]
    [InlineData("IList<Tensor>", "[a, b]", "[..r]", "A B")]
    [InlineData("IReadOnlyList<(Tensor, int)>", "[(a, 1)]", "r[0].Item1, r[0].Item2", "A 1")]
    [InlineData("List<Tensor[]?>?", "[[a], null]", "r![0]![0], r[1]", "A null")]
    [InlineData("Batch", "new(a, null, 3) { Extra = b }", "r.Ids, r.Mask, r.Length, r.Extra, r.Sum", "A null 3 B 3")]
    [InlineData("Batch?", "null", "r", "null")]
    [InlineData("Longer", "new(a, b)", "r.Ids, r.More, r.Length", "A B 5")]
    [InlineData("Point?", "new Point(a, [b])", "r!.Value.X, r.Value.@class[0]", "A B")]
    [InlineData("Pair<Tensor, Pair<int, Tensor>>", "new(a, new(1, b))", "r.First, r.Second.First, r.Second.Second", "A 1 B")]
    [InlineData("Chain", "new(a, new(b, null))", "r.Head, r.Tail!.Head, r.Tail.Tail", "A B null")]
    [InlineData("Model.Own", "new(a)", "r.Value", "A")]
    [InlineData("Settings", "new(1, \"x\")", "r", "Settings { A = 1, B = x }")]
    public void Maps_every_tensor_of_an_input_and_an_output(string type, string value, string parts, string expected)
    {
        (string, string, string)[] sides = [("MapInput", $"{type}, int", $"int Forward({type} x)"), ("MapOutput", $"int, {type}", $"{type} Forward(int x)")];
        foreach ((string method, string types, string forward) in sides)
        {
            Sources.Walk(
                $$"""
                public record Batch(Tensor Ids, Tensor? Mask, int Length)
                {
                    public Tensor? Extra { get; init; }
                    public int Sum => Length;
                }

                public sealed record Longer(Tensor Ids, Tensor More) : Batch(Ids, null, 5);
                public readonly record struct Point(Tensor X, Tensor[] @class);
                public record Pair<T1, T2>(T1 First, T2 Second);
                public sealed record Chain(Tensor Head, Chain? Tail);
                public sealed record Settings(int A, string B);

                public partial class Model : Module<{{types}}>
                {
                    public sealed record Own(Tensor Value);
                    protected override {{forward}} => throw new();
                }

                public static class Test
                {
                    public static object?[] Run(TensorMap map, Tensor a, Tensor b)
                    {
                        {{type}} value = {{value}};
                        {{type}} r = new Model().{{method}}(value, map);
                        return [{{(parts.StartsWith('[') ? parts[1..^1] : parts)}}];
                    }
                }
                """)
                .Should().Be(expected, "{0} of {1}", method, type);
        }
    }

    [Fact]
    public void Leaves_the_value_that_was_given_as_it_was() => Sources.Walk(
        """
        public partial class Model : Module<Tensor[], List<Tensor>> { protected override List<Tensor> Forward(Tensor[] x) => [.. x]; }
        public static class Test
        {
            public static object?[] Run(TensorMap map, Tensor a, Tensor b)
            {
                Tensor[] array = [a];
                List<Tensor> list = [b];
                new Model().MapInput(array, map);
                new Model().MapOutput(list, map);
                return [array[0], list[0]];
            }
        }
        """).Should().Be("a b");

    [Theory]
    [InlineData("private readonly Module<T, T> _inner = inner;")]
    [InlineData("private readonly Module<T, T>? _inner = inner;")]
    [InlineData("private Module<T, T> Inner { get; } = inner;")]
    [InlineData("private readonly Module<T, T>[] _inner = [inner];")]
    [InlineData("private readonly List<Module<T, T>>? _inner = [inner];")]
    [InlineData("private readonly Queue<Module<T, T>> _inner = new([inner]);")]
    [InlineData("private readonly Dictionary<string, Module<T, T>> _inner = new() { [\"x\"] = inner };")]
    [InlineData("private readonly Module<string, Tensor>? _other; private readonly Module<T, T> _inner = inner;")]
    public void Walks_an_open_type_as_the_module_inside_does(string field) => Sources.Walk(
        $$"""
        public sealed partial class Pairs : Module<(Tensor, Tensor), (Tensor, Tensor)>
        {
            protected override (Tensor, Tensor) Forward((Tensor, Tensor) x) => x;
        }

        public partial class Residual<T>(Module<T, T> inner) : Module<(T, Tensor), T>
        {
            {{field}}
            protected override T Forward((T, Tensor) x) => x.Item1;
        }

        public sealed partial class Closed() : Residual<(Tensor, Tensor)>(new Pairs());

        public static class Test
        {
            public static object?[] Run(TensorMap map, Tensor a, Tensor b)
            {
                var r = new Closed().MapInput(((a, b), a), map);
                var s = new Closed().MapOutput((b, a), map);
                return [r.Item1.Item1, r.Item1.Item2, r.Item2, s.Item1, s.Item2];
            }
        }
        """).Should().Be("A B A B A");

    [Fact]
    public void An_abstract_module_leaves_open_types_to_who_closes_them() => Sources.Walk(
        """
        public abstract partial class Logged<TIn, TOut> : Module<TIn, TOut>;
        public abstract partial class Half<TIn> : Logged<TIn, Tensor>;
        public partial class Model : Half<Tensor[]> { protected override Tensor Forward(Tensor[] x) => x[0]; }
        public sealed partial class Further : Model;
        public static class Test
        {
            public static object?[] Run(TensorMap map, Tensor a, Tensor b) => [new Further().MapInput([a], map)[0], new Model().MapOutput(b, map)];
        }
        """).Should().Be("A B");

    [Fact]
    public void A_walk_written_by_hand_stands() => Sources.Walk(
        """
        public partial class Model : Module<HashSet<Tensor>, Tensor>
        {
            public override HashSet<Tensor> MapInput(HashSet<Tensor> value, TensorMap map) => [.. value.Select(x => map.Apply(x))];
            protected override Tensor Forward(HashSet<Tensor> x) => x.First();
        }

        public static class Test
        {
            public static object?[] Run(TensorMap map, Tensor a, Tensor b) => [.. new Model().MapInput([a, b], map), new Model().MapOutput(a, map)];
        }
        """).Should().Be("A B A");

    [Fact]
    public void Types_of_another_assembly_are_walked_as_ones_own()
    {
        var library = Sources.Generate(
            Sources.Compile(
                """
                namespace Library;

                public record Batch(Tensor Ids, int Length) { public Tensor? Mask { get; init; } }
                public readonly record struct Point(Tensor X, Tensor Y);
                public abstract partial class Logged<TIn, TOut> : Module<TIn, TOut>;
                public partial class Layer : Logged<Batch, Point>
                {
                    private readonly Parameter _scale = Make.A<Parameter>();
                    protected override Point Forward(Batch x) => new(x.Ids, x.Ids);
                }
                """),
            out _);
        using MemoryStream image = new();
        library.Emit(image).Success.Should().BeTrue();
        System.Reflection.Assembly loaded = System.Reflection.Assembly.Load(image.ToArray());
        ResolveEventHandler resolve = (_, name) => name.Name == loaded.FullName ? loaded : null;
        AppDomain.CurrentDomain.AssemblyResolve += resolve;
        try
        {
            Sources.Walk(
                """
                using Library;

                public sealed partial class Derived : Layer { private readonly Leaf _leaf = new(); }
                public sealed partial class Own : Logged<Point, Batch> { protected override Batch Forward(Point x) => new(x.X, 2); }
                public static class Test
                {
                    public static object?[] Run(TensorMap map, Tensor a, Tensor b)
                    {
                        Batch r = new Own().MapOutput(new Batch(a, 2) { Mask = b }, map);
                        Point p = new Derived().MapOutput(new Point(a, b), map);
                        return [r.Ids, r.Mask, r.Length, p.X, p.Y, string.Join(" ", new Derived().NamedVariables().Select(named => named.Key))];
                    }
                }
                """,
                Microsoft.CodeAnalysis.MetadataReference.CreateFromImage(image.ToArray())).Should().Be("A B 2 A B scale leaf.weight");
        }
        finally
        {
            AppDomain.CurrentDomain.AssemblyResolve -= resolve;
        }
    }
}
