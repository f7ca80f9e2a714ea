using DeepBridge.Layers;
using DeepBridge.Memory;

namespace DeepBridge.Tests.Modules;

public sealed partial class SummaryTests
{
    [Fact]
    public void A_summary_is_a_table_whose_columns_add_up()
    {
        ModuleSummary summary = new Tower().Summary([4, 2]);
        summary.ToString().Should().Be(
            """
            Path      Layer  Output  Parameters  FLOPs
            ------------------------------------------
            (root)    Tower  (4, 2)           0     39
            layers.0  Scale  (4, 2)           2      8
            layers.1  Scale  (4, 2)           2      8
            ------------------------------------------
            total                             4     55
            4 parameters are trained, 0 are frozen.
            """);
        summary.Parameters.Should().Be(summary.Rows.Sum(row => row.Parameters));
        summary.Flops.Should().Be(summary.Rows.Sum(row => row.Flops));
    }

    [Fact]
    public void Layers_in_a_container_are_rows_with_their_cost()
    {
        Sequential model = [new Linear(4, 8), new Relu(), new Residual(new Linear(8, 8, bias: false))];
        model.Summary([3, 4]).Rows.Select(row => (row.Path, row.Layer, row.Outputs[0].Shape.ToString(), row.Parameters)).Should().Equal(
            (string.Empty, "Sequential", "(3, 8)", 0),
            ("0", "Linear", "(3, 8)", 40),
            ("1", "Relu", "(3, 8)", 0),
            ("2", "Residual", "(3, 8)", 0),
            ("2.inner", "Linear", "(3, 8)", 64));
        model.Summary([6, 4]).Flops.Should().Be(2 * model.Summary([3, 4]).Flops);
    }

    [Fact]
    public void A_summary_computes_and_changes_nothing()
    {
        Tower tower = new();
        using TensorScope scope = new();
        Tensor x = Tensor.Ones([4, 2]);
        long before = LiveTensors.Count;
        tower.Summary(x).Rows.Should().HaveCount(3);
        LiveTensors.Count.Should().Be(before);
        tower.StateDictionary()["num_batches"].Value.Item<long>().Should().Be(0);
        tower.RunningMean.Value.ToArray<float>().Should().Equal(0, 0);
    }

    [Fact]
    public void Shared_parameters_count_once_and_repeated_calls_are_marked()
    {
        Tied tied = new();
        ModuleSummary summary = tied.Summary([3, 2]);
        summary.Parameters.Should().Be(2);
        summary.Rows.Select(row => (row.Path, row.Calls, row.Parameters, row.Flops)).Should().Equal(
            (string.Empty, 1, 0, 0), ("first", 2, 2, 12), ("second", 0, 0, 0));
        summary.ToString().Should().Contain("Scale ×2").And.Contain("not called");
    }

    [Fact]
    public void Frozen_parameters_are_told_apart()
    {
        Tower tower = new();
        tower.Layers[1].Freeze();
        ModuleSummary summary = tower.Summary([4, 2]);
        (summary.Parameters, summary.TrainableParameters).Should().Be((4, 2));
        summary.ToString().Should().EndWith("2 parameters are trained, 2 are frozen.");
    }

    [Fact]
    public void Several_inputs_and_outputs_are_walked()
    {
        Pair pair = new();
        ModuleSummary summary = pair.Summary((Tensor.Ones([2, 2]), Tensor.Ones([3])));
        summary.Rows.Should().ContainSingle().Which.Outputs.Select(spec => spec.Shape).Should().Equal([3], [2, 2]);
    }

    [Fact]
    public void An_input_that_does_not_fit_names_the_module() =>
        FluentActions.Invoking(() => new Tower().Summary([4, 3])).Should().Throw<ShapeMismatchException>().WithMessage("*layers.0*");

    [Fact]
    public void A_module_inside_a_call_may_be_summarized() => new Outer().Call(Tensor.Ones([4, 2])).Item().Should().Be(3);

    /// <summary>Swaps two tensors.</summary>
    private sealed partial class Pair : Module<(Tensor First, Tensor Second), (Tensor, Tensor)>
    {
        protected override (Tensor, Tensor) Forward((Tensor First, Tensor Second) x) => (x.Second + 1, x.First + 1);
    }

    /// <summary>The number of rows of a summary made on the way.</summary>
    private sealed partial class Outer : Module<Tensor, Tensor>
    {
        private readonly Tower _tower = new();

        protected override Tensor Forward(Tensor x) => Tensor.Of(_tower.Summary(x).Rows.Count);
    }
}
