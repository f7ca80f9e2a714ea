using DeepBridge.Graphs;
using DeepBridge.Layers;
using DeepBridge.Memory;
using DeepBridge.Optimizers;

namespace DeepBridge.Tests.Modules;

public sealed class RecurrentTests
{
    public static TheoryData<string> Kinds => ["Rnn", "Lstm", "Gru"];

    [Fact]
    public void Keys_and_shapes_are_those_of_pytorch_in_its_order()
    {
        using TensorScope scope = new();
        Lstm layer = new(3, 4, layers: 2, bidirectional: true);
        layer.StateDictionary().Select(pair => $"{pair.Key} {pair.Value.Shape}").Should().Equal(
            "weight_ih_l0 (16, 3)", "weight_hh_l0 (16, 4)", "bias_ih_l0 (16,)", "bias_hh_l0 (16,)",
            "weight_ih_l0_reverse (16, 3)", "weight_hh_l0_reverse (16, 4)", "bias_ih_l0_reverse (16,)", "bias_hh_l0_reverse (16,)",
            "weight_ih_l1 (16, 8)", "weight_hh_l1 (16, 4)", "bias_ih_l1 (16,)", "bias_hh_l1 (16,)",
            "weight_ih_l1_reverse (16, 8)", "weight_hh_l1_reverse (16, 4)", "bias_ih_l1_reverse (16,)", "bias_hh_l1_reverse (16,)");
        new Sequence(new Gru(3, 4, bias: false)).StateDictionary().Keys.Should().Equal("gru.weight_ih_l0", "gru.weight_hh_l0");
        layer.Parameters.Should().HaveCount(16);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void First_values_lie_within_the_root_of_the_features(string kind)
    {
        using TensorScope scope = new();
        using AmbientChange generator = new RandomGenerator(1).Use();
        foreach (Parameter parameter in Make(kind, 3, 32).Parameters)
        {
            float[] values = parameter.Value.ToArray<float>();
            values.Should().OnlyContain(value => Math.Abs(value) <= 0.17678f);
            values.Max(Math.Abs).Should().BeGreaterThan(0.14f);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_is_padded_changes_nothing(string kind)
    {
        using TensorScope scope = new();
        Recurrent layer = Make(kind, 3, 4, bidirectional: true);
        Tensor x = Tensor.Normal([2, 5, 3]), other = Tensor.Normal([2, 5, 3]), lengths = Tensor.From<int>([5, 2]);
        Tensor counts = (Tensor.Arange(5) < lengths.Unsqueeze(1)).Unsqueeze(-1);
        RecurrentOutput one = layer.Call(new RecurrentInput(x, Lengths: lengths));
        RecurrentOutput two = layer.Call(new RecurrentInput(Tensor.Where(counts, x, other), Lengths: lengths));
        two.Sequence.ToArray<float>().Should().Equal(one.Sequence.ToArray<float>());
        two.State.Hidden.ToArray<float>().Should().Equal(one.State.Hidden.ToArray<float>());
        one.Sequence[1, 2..].ToArray<float>().Should().OnlyContain(value => value == 0);
        RecurrentOutput alone = layer.Call(x[1..2, ..2]);
        Near(one.Sequence[1..2, ..2], alone.Sequence);
        Near(one.State.Hidden[.., 1..2], alone.State.Hidden);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_state_carries_a_sequence_on(string kind)
    {
        using TensorScope scope = new();
        Recurrent layer = Make(kind, 3, 4);
        Tensor x = Tensor.Normal([2, 6, 3]);
        RecurrentOutput whole = layer.Call(x), first = layer.Call(x[.., ..2]);
        RecurrentOutput rest = layer.Call(new RecurrentInput(x[.., 2..], first.State));
        Near(whole.Sequence[.., 2..], rest.Sequence);
        Near(whole.State.Hidden, rest.State.Hidden);
    }

    [Fact]
    public void Dropout_stands_between_layers_while_training()
    {
        using TensorScope scope = new();
        Tensor x = Tensor.Normal([2, 3, 3]);
        Lstm one = new(3, 64, dropout: 0.5), two = new(3, 64, 2, dropout: 0.5);
        one.Call(x).Sequence.ToArray<float>().Should().Equal(one.Call(x).Sequence.ToArray<float>());
        two.Call(x).Sequence.ToArray<float>().Should().NotEqual(two.Call(x).Sequence.ToArray<float>());
        two.Eval();
        two.Call(x).Sequence.ToArray<float>().Should().Equal(two.Call(x).Sequence.ToArray<float>());
    }

    [Fact]
    public void Wrong_inputs_are_refused_by_name()
    {
        using TensorScope scope = new();
        Lstm lstm = new(3, 4);
        Gru gru = new(3, 4);
        Tensor x = Tensor.Zeros([2, 5, 3]), state = Tensor.Zeros([1, 2, 4]);
        FluentActions.Invoking(() => lstm.Call(Tensor.Zeros([5, 3]))).Should().Throw<ShapeMismatchException>().WithMessage("*batch, length, 3*");
        FluentActions.Invoking(() => lstm.Call(Tensor.Zeros([2, 0, 3]))).Should().Throw<ShapeMismatchException>().WithMessage("*one step*");
        FluentActions.Invoking(() => lstm.Call(Tensor.Zeros([2, 5, 4]))).Should().Throw<ShapeMismatchException>();
        FluentActions.Invoking(() => lstm.Call(new RecurrentInput(x, new(state)))).Should().Throw<ModuleException>().WithMessage("*cell*");
        FluentActions.Invoking(() => gru.Call(new RecurrentInput(x, new(state, state)))).Should().Throw<ModuleException>().WithMessage("*cell*");
        FluentActions.Invoking(() => gru.Call(new RecurrentInput(x, new(Tensor.Zeros([2, 2, 4]))))).Should().Throw<ShapeMismatchException>().WithMessage("*hidden*");
        FluentActions.Invoking(() => gru.Call(new RecurrentInput(x, null, Tensor.Zeros([2])))).Should().Throw<DTypeMismatchException>().WithMessage("*lengths*");
        FluentActions.Invoking(() => gru.Call(new RecurrentInput(x, null, Tensor.Zeros([3], DType.Int64)))).Should().Throw<ShapeMismatchException>().WithMessage("*lengths*");
        FluentActions.Invoking(() => new Lstm(3, 4, 0)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new Lstm(3, 4, projection: 4)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new Lstm(3, 4, projection: -1)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new Lstm(3, 0)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new Lstm(3, 4, dropout: 1)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fifty_steps_of_an_lstm_leave_as_many_tensors_as_one(bool traced)
    {
        using TensorScope scope = new();
        Lstm layer = new(3, 8, 2, bidirectional: true);
        Adam optimizer = new(layer, 0.01);
        Tensor x = Tensor.Normal([4, 12, 3]), lengths = Tensor.From<long>([12, 3, 7, 1]);
        Tensor[] Step(Tensor[] given)
        {
            Tensor loss = layer.Call(new RecurrentInput(given[0], Lengths: given[1])).Sequence.SquaredNorm();
            optimizer.Step(Gradients.Of(loss, layer.Parameters));
            return [loss.Detach()];
        }

        using Graph? graph = traced ? Graph.Trace(Step, [x.Spec, lengths.Spec]) : null;
        List<long> counts = [];
        List<float> losses = [];
        foreach (int step in TensorScope.Steps(50))
        {
            losses.Add((graph?.Run(x, lengths) ?? Step([x, lengths]))[0].Item<float>());
            counts.Add(LiveTensors.Count);
        }

        counts.Skip(2).Distinct().Should().HaveCount(1);
        losses[^1].Should().BeLessThan(losses[0] * 0.5f);
    }

    [Fact]
    public void A_split_gives_one_gradient_for_all_its_parts_also_of_second_order()
    {
        using TensorScope scope = new();
        Tensor x = Tensor.From<float>([1, 2, 3, 4, 5]).Track();
        Tensor[] parts = x.Split(2);
        parts.Select(part => part.Shape[0]).Should().Equal(2, 2, 1);
        Tensor loss = (parts[0] * parts[0] * parts[0]).Sum() + (parts[2] * 3).Sum();
        Tensor gradient = Gradients.Of(loss, [x], differentiable: true)[0];
        gradient.ToArray<float>().Should().Equal(3, 12, 0, 0, 3);
        Gradients.Of(gradient.Sum(), [x])[0].ToArray<float>().Should().Equal(6, 12, 0, 0, 0);
    }

    private static Recurrent Make(string kind, int inputs, int features, bool bidirectional = false) => kind switch
    {
        "Rnn" => new Rnn(inputs, features, bidirectional: bidirectional),
        "Lstm" => new Lstm(inputs, features, bidirectional: bidirectional),
        _ => new Gru(inputs, features, bidirectional: bidirectional),
    };

    private static void Near(Tensor left, Tensor right)
    {
        left.Shape.Should().Be(right.Shape);
        ((left - right).Abs().Max().Item() < 1e-6).Should().BeTrue();
    }
}

/// <summary>A recurrent layer inside a module.</summary>
internal sealed partial class Sequence(Gru gru) : Module<Tensor, Tensor>
{
    private readonly Gru _gru = gru;

    protected override Tensor Forward(Tensor x) => _gru.Call(x).Sequence;
}
